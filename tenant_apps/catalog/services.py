"""Writing about goods: products and their variants."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F, ProtectedError, Q
from django.utils.translation import gettext as _

from shared_apps.core.errors import FieldError, Forbidden, InvalidInput, NotFound
from shared_apps.core.money import CURRENCIES, MAX_MINOR, exponent
from tenant_apps.activity.services import before_and_after, gone, made, record
from tenant_apps.catalog import parameters
from tenant_apps.catalog.categories import category_of
from tenant_apps.catalog.errors import CapacityBelowSold, LastVariant, ProductHasOrders
from tenant_apps.catalog.images import files_of
from tenant_apps.catalog.models import Product, ProductVariant
from tenant_apps.catalog.rights import may_change_in
from tenant_apps.events.services import clean_description
from tenant_apps.events.slugs import free_slug
from tenants.context import current_tenant

TEXTS = ("name", "supplier", "model")
SWITCHES = ("accepting_orders", "published")
AMOUNTS = ("price_minor", "recommended_price_minor")
FIELDS = frozenset(
    {*TEXTS, *SWITCHES, *AMOUNTS, "description", "category", "parameters", "currency", "weight_grams", "external_id"}
)
COUNTS = ("min_quantity", "order_multiple", "low_stock_level", "position")
VARIANT_FIELDS = frozenset({"sku", "name", "price_minor", "capacity", *COUNTS})
MOST_PIECES = 2**31 - 1
LONGEST_DESCRIPTION = 50_000
MOST_VARIANTS = 200


def create_product(*, actor: Any, variants: Sequence[Mapping[str, Any]] | None = None, **fields: Any) -> Product:
    """Make a product with its variants, or with one of unlimited stock; the currency is the tenant's unless given.

    Needs `name` and `price_minor`. `category` is a row, slug or id. Raises InvalidInput naming all that is wrong,
    Forbidden where the actor may not put goods into the category.
    """
    fields = {"currency": current_tenant().currency, **fields}
    for attempt in range(3):
        try:
            with transaction.atomic():
                product = Product(slug="")
                _fill(product, fields)
                _admit(actor, product)
                product.slug = free_slug(Product, product.name, fallback="product")
                product.save(force_insert=True)
                rows = variants or [{}]
                if len(rows) > MOST_VARIANTS:
                    raise InvalidInput(errors=[FieldError("variants", "too_many", _("These are too many variants."))])
                for place, one in enumerate(rows):
                    _insert_variant(product, {"position": place, **one}, f"variants.{place}.")
                details = {"name": product.name, "price_minor": product.price_minor}
                details |= made(name=product.name, slug=product.slug, price_minor=product.price_minor)
                record("product.created", product, actor=actor, details=details)
                return product
        except IntegrityError as error:
            if "external_id" in str(error):
                raise _taken("external_id") from None
            # Somebody took the same address between our look and our insert; the next look sees it.
            if "slug" not in str(error) or attempt == 2:
                raise
    raise AssertionError("unreachable")


@transaction.atomic
def update_product(product: Product, *, actor: Any, **fields: Any) -> Product:
    """Change what is given; parameters as a whole. Raises InvalidInput, Forbidden."""
    product = _locked(Product, product.pk)
    _admit(actor, product)
    before = {name: _comparable(product, name) for name in fields}
    _fill(product, fields)
    changed = sorted(name for name in fields if _comparable(product, name) != before[name])
    if not changed:
        return product
    _admit(actor, product)
    if "currency" in changed and _ordered(product):
        raise InvalidInput(errors=[FieldError("currency", "currency_fixed", _("The currency cannot change any more."))])
    try:
        with transaction.atomic():
            product.save()
    except IntegrityError as error:
        if "external_id" in str(error):
            raise _taken("external_id") from None
        raise
    details = before_and_after(before, {name: _comparable(product, name) for name in changed})
    record("product.updated", product, actor=actor, details=details)
    return product


@transaction.atomic
def delete_product(product: Product, *, actor: Any) -> None:
    """Delete it for good. Raises ProductHasOrders if any piece of it is, or ever was, in an order."""
    product = _locked(Product, product.pk)
    _admit(actor, product)
    variants = list(ProductVariant.objects.select_for_update().filter(product=product).order_by("pk"))
    if any(one.held or one.sold for one in variants):
        raise ProductHasOrders
    details = {"name": product.name, "slug": product.slug}
    told = details | gone(**details, price_minor=product.price_minor)
    record("product.deleted", product, actor=actor, details=told, payload={"pictures": files_of(product)})
    try:
        product.delete()
    except ProtectedError:
        raise ProductHasOrders from None


@transaction.atomic
def create_variant(product: Product, *, actor: Any, **fields: Any) -> ProductVariant:
    """Add a variant. Raises InvalidInput."""
    product = _locked(Product, product.pk)
    _admit(actor, product)
    if product.variants.count() >= MOST_VARIANTS:
        raise InvalidInput(errors=[FieldError("variants", "too_many", _("These are too many variants."))])
    variant = _insert_variant(product, fields, "")
    _touch(product)
    details = {"product": product.pk, "name": str(variant)}
    details |= made(name=str(variant), sku=variant.sku, capacity=variant.capacity)
    record("product_variant.created", variant, actor=actor, details=details)
    return variant


@transaction.atomic
def change_variant(variant: ProductVariant, *, actor: Any, **fields: Any) -> ProductVariant:
    """Change what is given. Raises CapacityBelowSold where pieces would be taken from buyers (M1)."""
    _admit(actor, Product.objects.select_related("category").get(pk=variant.product_id))
    changes = _checked_variant(fields, "")
    present = {name: getattr(variant, name) for name in changes}
    changes = {name: value for name, value in changes.items() if value != present[name]}
    if not changes:
        return variant
    enough = Q()
    if changes.get("capacity") is not None:
        enough = Q(held__lte=changes["capacity"] - F("sold"))
    try:
        with transaction.atomic():
            # One conditional UPDATE: whoever buys at this moment is counted (M1).
            done = ProductVariant.objects.filter(enough, pk=variant.pk).update(**changes)
    except IntegrityError as error:
        if "sku" in str(error):
            raise _taken("sku") from None
        raise
    if not done:
        fresh = _locked(ProductVariant, variant.pk)
        raise CapacityBelowSold(field="capacity", taken=fresh.held + fresh.sold)
    variant = ProductVariant.objects.get(pk=variant.pk)
    variant.save(update_fields=["modified_at"])
    _touch(variant.product)
    details = before_and_after(present, changes)
    record("product_variant.updated", variant, actor=actor, details=details)
    return variant


@transaction.atomic
def delete_variant(variant: ProductVariant, *, actor: Any) -> None:
    """Delete it. Raises ProductHasOrders if it was ordered, LastVariant if it is the only one."""
    product = _locked(Product, variant.product_id)
    _admit(actor, product)
    variant = _locked(ProductVariant, variant.pk)
    if variant.held or variant.sold:
        raise ProductHasOrders
    if product.variants.count() == 1:
        raise LastVariant
    details = {"product": product.pk, "name": str(variant)}
    details |= gone(name=str(variant), sku=variant.sku, capacity=variant.capacity)
    record("product_variant.deleted", variant, actor=actor, details=details)
    try:
        variant.delete()
    except ProtectedError:
        raise ProductHasOrders from None
    _touch(product)


# --- Inside ------------------------------------------------------------------------------------------------------


def _admit(actor: Any, product: Product) -> None:
    """None is the product itself: an import that was admitted as a whole, the demo."""
    if actor is not None and not may_change_in(actor, product.category):
        raise Forbidden


def _locked(model: Any, pk: int) -> Any:
    row = model.objects.select_for_update(of=("self",)).filter(pk=pk).first()
    if row is None:
        raise NotFound
    return row


def _touch(product: Product) -> None:
    """What a product shows changed with its variant: `modified_since` and caches see it."""
    product.save(update_fields=["modified_at"])


def _ordered(product: Product) -> bool:
    return bool(product.variants.filter(Q(held__gt=0) | Q(sold__gt=0)).exists())


def _comparable(product: Product, name: str) -> Any:
    return getattr(product, "category_id" if name == "category" else name)


def _fill(product: Product, fields: Mapping[str, Any]) -> None:
    unknown = set(fields) - FIELDS
    if unknown:
        raise TypeError(f"Product has no field {sorted(unknown)}.")
    errors: list[FieldError] = []
    for name in TEXTS:
        if name in fields:
            setattr(product, name, _text(Product, name, fields[name], errors))
    if not product.name:
        errors.append(FieldError("name", "required", _("Give it a name.")))
    if "description" in fields:
        product.description = clean_description(str(fields["description"] or ""))
        if len(product.description) > LONGEST_DESCRIPTION:
            message = _("At most %d characters.") % LONGEST_DESCRIPTION
            errors.append(FieldError("description", "too_long", message))
    for name in SWITCHES:
        if name in fields:
            setattr(product, name, bool(fields[name]))
    if "currency" in fields:
        before, product.currency = product.currency, str(fields["currency"] or "").upper()
        if product.currency not in CURRENCIES:
            errors.append(FieldError("currency", "currency", _("This is no ISO 4217 currency code.")))
        elif before and exponent(before) != exponent(product.currency) and "price_minor" not in fields:
            # Prices are kept in minor units: 12.50 EUR would silently become 1250 JPY.
            errors.append(FieldError("price", "required", _("Give the price in the new currency too.")))
    for name in AMOUNTS:
        if name in fields:
            setattr(product, name, _amount(name, fields[name], errors))
    price: Any = product.price_minor  # a new row has none yet
    if price is None and not any(error.field == "price" for error in errors):
        errors.append(FieldError("price", "required", _("Give it a price.")))
    if "weight_grams" in fields:
        product.weight_grams = _count("weight_grams", fields["weight_grams"], errors, least=0, empty=True)
    if "external_id" in fields:
        product.external_id = str(fields["external_id"] or "")[:100] or None
    try:
        if "category" in fields:
            product.category = category_of(fields["category"])
        if "parameters" in fields and not errors:
            product.parameters = parameters.checked(fields["parameters"], product.category)
    except InvalidInput as refused:
        errors.extend(refused.errors)
    if errors:
        raise InvalidInput(errors=errors)


def _insert_variant(product: Product, fields: Mapping[str, Any], path: str) -> ProductVariant:
    try:
        with transaction.atomic():
            return ProductVariant.objects.create(product=product, **_checked_variant(fields, path))
    except IntegrityError as error:
        if "sku" in str(error):
            raise _taken(f"{path}sku") from None
        raise


def _checked_variant(fields: Mapping[str, Any], path: str) -> dict[str, Any]:
    unknown = set(fields) - VARIANT_FIELDS
    if unknown:
        raise TypeError(f"ProductVariant has no field {sorted(unknown)}.")
    errors: list[FieldError] = []
    checked: dict[str, Any] = {}
    for name, value in fields.items():
        if name == "sku":
            checked[name] = _text(ProductVariant, name, value, errors) or None
        elif name == "name":
            checked[name] = _text(ProductVariant, name, value, errors)
        elif name == "price_minor":
            checked[name] = _amount(name, value, errors)
        else:
            least = 1 if name in ("min_quantity", "order_multiple") else 0
            checked[name] = _count(name, value, errors, least=least, empty=name in ("capacity", "low_stock_level"))
    if errors:
        raise InvalidInput(errors=[error._replace(field=path + error.field) for error in errors])
    return checked


def _text(model: Any, name: str, value: Any, errors: list[FieldError]) -> str:
    text = " ".join(str(value or "").split())
    longest = model._meta.get_field(name).max_length
    if len(text) > longest:
        errors.append(FieldError(name, "too_long", _("At most %d characters.") % longest))
    return text


def _amount(name: str, value: Any, errors: list[FieldError]) -> int | None:
    if value is None:
        return None
    if not 0 <= value <= MAX_MINOR:
        errors.append(FieldError(name.removesuffix("_minor"), "out_of_range", _("A price cannot be negative.")))
        return None
    return int(value)


def _count(name: str, value: Any, errors: list[FieldError], *, least: int, empty: bool) -> int | None:
    if value is None and empty:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= MOST_PIECES:
        errors.append(FieldError(name, "out_of_range", _("A whole number of at least %d.") % least))
        return None
    return value


def _taken(field: str) -> InvalidInput:
    return InvalidInput(errors=[FieldError(field, "taken", _("This is taken already."))])
