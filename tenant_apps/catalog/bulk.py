"""The same change to many products at once, all of it or nothing."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from shared_apps.core.errors import FieldError, InvalidInput
from shared_apps.core.money import MAX_MINOR, share
from tenant_apps.catalog.models import Product
from tenant_apps.catalog.rights import products_where_change
from tenant_apps.catalog.services import change_variant, update_product

MOST_AT_ONCE = 200
LEAST_PERCENT, MOST_PERCENT = Decimal(-95), Decimal(1000)


@transaction.atomic
def change_products(
    named: Iterable[str | int], *, actor: Any, price_percent: Decimal | None = None, **fields: Any
) -> int:
    """Change the products that are named by slug or id; return how many came out different.

    `fields` are those of `update_product`: published, accepting_orders, category. `price_percent` moves prices, those
    of variants with a price of their own too, each rounded half up to the currency's minor unit (M5). Raises
    InvalidInput for a product that the actor may not change: to them it does not exist (I2).
    """
    wanted = list(dict.fromkeys(str(each) for each in named))
    if not wanted or len(wanted) > MOST_AT_ONCE:
        message = _("Choose 1 to %d products.") % MOST_AT_ONCE
        raise InvalidInput(errors=[FieldError("products", "required" if not wanted else "too_many", message)])
    if price_percent is not None and not LEAST_PERCENT <= price_percent <= MOST_PERCENT:
        message = _("A price moves by -95 to 1000 percent at once.")
        raise InvalidInput(errors=[FieldError("price_percent", "out_of_range", message)])
    if price_percent is None and not fields:
        raise InvalidInput(errors=[FieldError("", "nothing_to_do", _("Say what is to be changed."))])
    changed = 0
    for product in _found(wanted, actor):
        before = product.modified_at
        if price_percent is not None:
            fields["price_minor"] = _moved(product.price_minor, price_percent)
            for variant in product.variants.exclude(price_minor=None).order_by("pk"):
                change_variant(variant, actor=actor, price_minor=_moved(variant.price_minor, price_percent))
        update_product(product, actor=actor, **fields)
        product.refresh_from_db(fields=["modified_at"])
        changed += product.modified_at != before
    return changed


def _found(wanted: list[str], actor: Any) -> list[Product]:
    """Return the named products by id, which is the order in which they are locked (M2)."""
    ids = [int(each) for each in wanted if each.isascii() and each.isdigit() and len(each) <= 18]
    slugs = [each for each in wanted if not each.isdigit()]
    allowed = products_where_change(actor)
    found: list[Product] = sorted(
        {*allowed.filter(pk__in=ids), *allowed.filter(slug__in=slugs)}, key=lambda product: product.pk
    )
    known = {str(product.pk) for product in found} | {product.slug for product in found}
    for place, each in enumerate(wanted):
        if each not in known and each.lstrip("0") not in known:
            message = _("There is no such product.")
            raise InvalidInput(errors=[FieldError(f"products.{place}", "does_not_exist", message)])
    return found


def _moved(price_minor: int, percent: Decimal) -> int:
    return min(price_minor + share(price_minor, percent), MAX_MINOR)
