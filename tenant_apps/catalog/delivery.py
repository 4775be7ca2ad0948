"""Ways of delivery: what they cost for a sum and a weight of goods, and writing them."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from shared_apps.core.errors import FieldError, InvalidInput
from shared_apps.core.money import CURRENCIES, MAX_MINOR
from tenant_apps.activity.services import before_and_after, gone, made, record
from tenant_apps.catalog.models import DeliveryMethod, DeliveryRate
from tenants.context import current_tenant

FIELDS = frozenset(
    "name kind description currency price_minor free_from_minor most_grams active position rates".split()
)
MOST_RATES = 50
HEAVIEST = 10**9


def cost(method: DeliveryMethod, total_minor: int, grams: int) -> int | None:
    """Return what delivery costs for goods of this sum and weight, None if they are too heavy for it.

    The last rate counts whose weight and sum are both reached, the heavier before the dearer; without one, the
    method's own price. From `free_from_minor` on it costs nothing. Amounts are minor units of the method's currency.
    """
    if method.most_grams is not None and grams > method.most_grams:
        return None
    if method.free_from_minor is not None and total_minor >= method.free_from_minor:
        return 0
    reached = [rate for rate in method.rates.all() if rate.from_grams <= grams and rate.from_total_minor <= total_minor]
    if not reached:
        return method.price_minor
    return max(reached, key=lambda rate: (rate.from_grams, rate.from_total_minor)).price_minor


@transaction.atomic
def create_method(*, actor: Any, **fields: Any) -> DeliveryMethod:
    """Make a way of delivery. `rates` are mappings with from_total_minor, from_grams and price_minor."""
    method = DeliveryMethod(currency=current_tenant().currency)
    rates = _fill(method, fields)
    method.save(force_insert=True)
    _set_rates(method, rates or [])
    details = {"name": method.name, **made(name=method.name, price_minor=method.price_minor, rates=_told(method))}
    record("delivery_method.created", method, actor=actor, details=details, deliver=False)
    return method


@transaction.atomic
def change_method(method: DeliveryMethod, *, actor: Any, **fields: Any) -> DeliveryMethod:
    """Change what is given; rates as a whole."""
    method = DeliveryMethod.objects.select_for_update().get(pk=method.pk)
    before = {name: _told(method) if name == "rates" else getattr(method, name) for name in fields}
    rates = _fill(method, fields)
    method.save()
    if rates is not None:
        method.rates.all().delete()
        _set_rates(method, rates)
    after = {name: _told(method) if name == "rates" else getattr(method, name) for name in fields}
    details = before_and_after(before, after)
    record("delivery_method.updated", method, actor=actor, details=details, deliver=False)
    return method


@transaction.atomic
def delete_method(method: DeliveryMethod, *, actor: Any) -> None:
    details = {"name": method.name, **gone(name=method.name, price_minor=method.price_minor, rates=_told(method))}
    record("delivery_method.deleted", method, actor=actor, details=details, deliver=False)
    method.delete()


def _told(method: DeliveryMethod) -> list[str]:
    """The rates in one line each, for the audit trail."""
    rates = DeliveryRate.objects.filter(method=method).order_by("from_total_minor", "from_grams")
    return [f"from {one.from_total_minor}, {one.from_grams} g: {one.price_minor}" for one in rates]


def _set_rates(method: DeliveryMethod, rates: Iterable[Mapping[str, int]]) -> None:
    DeliveryRate.objects.bulk_create([DeliveryRate(method=method, **rate) for rate in rates])


def _fill(method: DeliveryMethod, fields: Mapping[str, Any]) -> list[dict[str, int]] | None:
    unknown = set(fields) - FIELDS
    if unknown:
        raise TypeError(f"DeliveryMethod has no field {sorted(unknown)}.")
    errors: list[FieldError] = []
    for name, value in fields.items():
        if name in ("name", "description"):
            value = " ".join(str(value or "").split())
            longest: int = DeliveryMethod._meta.get_field(name).max_length  # type: ignore[union-attr, assignment]  # text fields all, each with a length
            if len(value) > longest:
                errors.append(FieldError(name, "too_long", _("At most %d characters.") % longest))
        elif name == "kind" and value not in DeliveryMethod.Kind.values:
            errors.append(FieldError(name, "invalid_choice", _("Courier, post or pickup.")))
        elif name == "currency" and value not in CURRENCIES:
            errors.append(FieldError(name, "currency", _("This is no ISO 4217 currency code.")))
        elif name.endswith("_minor") and value is not None and not 0 <= value <= MAX_MINOR:
            errors.append(FieldError(name.removesuffix("_minor"), "out_of_range", _("A price cannot be negative.")))
        if name != "rates":
            setattr(method, name, value)
    if not method.name:
        errors.append(FieldError("name", "required", _("Give it a name.")))
    if not method.kind:
        errors.append(FieldError("kind", "required", _("Courier, post or pickup.")))
    rates = None
    if "rates" in fields:
        rates = [_rate(rate, place, errors) for place, rate in enumerate(fields["rates"])]
        thresholds = {(rate["from_total_minor"], rate["from_grams"]) for rate in rates}
        if len(rates) > MOST_RATES or len(thresholds) != len(rates):
            errors.append(FieldError("rates", "invalid", _("At most 50 rates, each from another sum or weight on.")))
    if errors:
        raise InvalidInput(errors=errors)
    return rates


def _rate(given: Mapping[str, Any], place: int, errors: list[FieldError]) -> dict[str, int]:
    rate = {name: int(given.get(name) or 0) for name in ("from_total_minor", "from_grams", "price_minor")}
    if min(rate.values()) < 0 or rate["from_grams"] > HEAVIEST or max(rate.values()) > MAX_MINOR:
        errors.append(FieldError(f"rates.{place}", "out_of_range", _("A rate is not negative.")))
    return rate
