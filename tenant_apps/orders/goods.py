"""Goods in an order: which may be bought now and at what price, and what bringing them to the buyer costs."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any, Protocol

from django.db.models import Exists, OuterRef
from django.utils.translation import gettext as _

from shared_apps.core.errors import FieldError, InvalidInput
from tenant_apps.catalog.delivery import cost
from tenant_apps.catalog.models import DeliveryMethod, Product, ProductVariant
from tenant_apps.orders import errors
from tenants.context import current_tenant
from tenants.preferences import preference


class GoodsWish(Protocol):
    """A line as the buyer sent it."""

    @property
    def variant(self) -> int | None: ...
    @property
    def quantity(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Delivery:
    """Where the goods go. `method` is the id of a way of delivery; None where the tenant offers none, and goods are
    handed over on the spot."""

    method: int | None = None
    name: str = ""
    phone: str = ""
    country: str = ""
    city: str = ""
    street: str = ""
    house: str = ""
    apartment: str = ""
    postcode: str = ""
    comment: str = ""


# Without these nobody finds the door. A parcel for pickup needs none.
ADDRESS = ("name", "city", "street")


def variants_on_sale(wishes: Sequence[GoodsWish]) -> dict[int, ProductVariant]:
    """Return the variants by id, with their products, each fit to be sold now in this quantity; one statement.

    Raises UnknownGoods, NotOnSale, WrongMultiple, naming the line.
    """
    wanted: Counter[int] = Counter()
    for wish in wishes:
        if wish.variant is not None:
            wanted[wish.variant] += wish.quantity
    if not wanted:
        return {}
    open_products = Product.objects.taking_orders().filter(pk=OuterRef("product_id"))
    rows = ProductVariant.objects.filter(product__in=Product.objects.public()).select_related("product__category")
    found: dict[int, ProductVariant] = rows.annotate(is_sold=Exists(open_products)).in_bulk(list(wanted))
    for index, wish in enumerate(wishes):
        if wish.variant is None:
            continue
        variant = found.get(wish.variant)
        if variant is None:
            raise errors.UnknownGoods(field=f"lines.{index}.variant")
        if not variant.is_sold:  # type: ignore[attr-defined]  # annotated
            raise errors.NotOnSale(field=f"lines.{index}.variant", what=title_of(variant))
        least, multiple = variant.least, variant.order_multiple
        count = wanted[wish.variant]
        if wish.quantity < 1 or count < least or count % multiple:
            raise errors.WrongMultiple(
                field=f"lines.{index}.quantity", what=title_of(variant), least=least, multiple=multiple
            )
    return found


def title_of(variant: ProductVariant) -> str:
    """What an order's line says: the product, and the variant where it has a name."""
    return f"{variant.product.name}: {variant.name}" if variant.name else variant.product.name


def price_of(variant: ProductVariant) -> int:
    """Return the price of one piece in minor units of the product's currency."""
    return variant.product.price_minor if variant.price_minor is None else variant.price_minor


def tax_of_goods() -> tuple[Decimal, bool]:
    """Return the tenant's tax rate, in per cent, and whether prices contain it."""
    tenant = current_tenant()
    return Decimal(preference(tenant, "tax_rate")), bool(preference(tenant, "prices_include_tax"))


def methods_for(currency: str) -> list[DeliveryMethod]:
    """Return the ways of delivery that are offered, with their rates."""
    return list(DeliveryMethod.objects.filter(active=True, currency=currency).prefetch_related("rates"))


def delivered(
    delivery: Delivery | None, variants: Mapping[int, ProductVariant], wishes: Sequence[GoodsWish], currency: str
) -> tuple[DeliveryMethod | None, int]:
    """Return the way of delivery and what it costs, in minor units.

    A tenant without any way of delivery hands goods over on the spot. Raises DeliveryRequired, DeliveryNotPossible
    and InvalidInput naming each part of the address that is missing.
    """
    if not variants:
        return None, 0
    offered = methods_for(currency)
    if not offered:
        return None, 0
    method = next((each for each in offered if delivery and each.pk == delivery.method), None)
    if delivery is None or method is None:
        raise errors.DeliveryRequired(field="delivery.method")
    if method.kind != DeliveryMethod.Kind.PICKUP:
        missing = [name for name in ADDRESS if not getattr(delivery, name).strip()]
        if missing:
            raise InvalidInput(
                errors=[FieldError(f"delivery.{name}", "required", _("Please fill this in.")) for name in missing]
            )
    total, grams = weigh(variants, wishes)
    price = cost(method, total, grams)
    if price is None:
        raise errors.DeliveryNotPossible(field="delivery.method", what=method.name)
    return method, price


def weigh(variants: Mapping[int, ProductVariant], wishes: Sequence[GoodsWish]) -> tuple[int, int]:
    """Return what the goods come to before discounts, in minor units, and their weight in grams."""
    total = grams = 0
    for wish in wishes:
        if wish.variant is not None:
            variant = variants[wish.variant]
            total += price_of(variant) * wish.quantity
            grams += (variant.product.weight_grams or 0) * wish.quantity
    return total, grams


def written_down(delivery: Delivery | None, method: DeliveryMethod | None) -> dict[str, Any]:
    """What an order keeps of its delivery: names rather than ids, for these may change or go."""
    if method is None or delivery is None:
        return {}
    address = {name: value for name, value in asdict(delivery).items() if name != "method" and value}
    return {"method": method.name, "kind": method.kind, **address}
