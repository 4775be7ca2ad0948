"""What may be written into a ticket type: each value read, and all of them together judged."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from shared_apps.core.errors import FieldError, InvalidInput
from shared_apps.core.money import MAX_MINOR
from tenant_apps.events.times import BadTime, moment
from tenant_apps.ticketing.models import TicketType
from tenant_apps.ticketing.prices import MOST_OPEN_MINOR

TYPE_TEXTS = ("name", "description", "door_note")
TYPE_TIMES = ("sale_starts_at", "sale_ends_at", "cancel_until", "transfer_until")
_NUMBERS = ("min_per_order", "max_per_order", "max_per_person", "show_stock_below", "position")
_PRICES = ("price_kind", "price_minor", "suggested_price_minor", "tax_rate", "tax_included")
_FLAGS = ("hidden", "cancel_allowed", "transfer_allowed", "waiting_list")
TYPE_FIELDS = frozenset({*TYPE_TEXTS, *TYPE_TIMES, *_NUMBERS, *_PRICES, *_FLAGS})
MOST_PER_ORDER = 1000
MOST_PER_PERSON = 10_000
MOST_STOCK_SHOWN = 1_000_000


def text(name: str, value: Any, model: Any) -> str:
    """Return the text without doubled spaces. Raises InvalidInput for a name that is empty and what is too long."""
    value = " ".join(str(value or "").split())
    longest = model._meta.get_field(name).max_length
    if not value and name == "name":
        raise InvalidInput(errors=[FieldError(name, "required", _("Give it a name."))])
    if len(value) > longest:
        raise InvalidInput(errors=[FieldError(name, "too_long", _("At most %d characters.") % longest)])
    return value


def fill(ticket_type: TicketType, fields: Mapping[str, Any]) -> None:
    """Put the values on the row; raises InvalidInput naming each that does not fit. Times without an offset are the
    event's local time (B3)."""
    unknown = set(fields) - TYPE_FIELDS
    if unknown:
        raise TypeError(f"TicketType has no field {sorted(unknown)}.")
    errors: list[FieldError] = []
    for name, value in fields.items():
        if name in TYPE_TEXTS:
            value = text(name, value, TicketType)
        elif name in TYPE_TIMES:
            try:
                value = moment(value, ticket_type.event.timezone, name)
            except BadTime as bad:
                errors.append(bad.error)
                continue
        setattr(ticket_type, name, value)
    errors += _prices(ticket_type) + _limits(ticket_type) + _times(ticket_type)
    if errors:
        raise InvalidInput(errors=errors)


def _prices(one: TicketType) -> list[FieldError]:
    kinds = TicketType.PriceKind
    errors = []
    if one.price_kind not in kinds:
        errors.append(FieldError("price_kind", "invalid", _("A price is fixed, free, or what the buyer wants to pay.")))
    if not 0 <= one.price_minor <= MAX_MINOR:
        errors.append(FieldError("price", "out_of_range", _("A price cannot be negative or this large.")))
    elif one.price_kind == kinds.FREE and one.price_minor:
        errors.append(FieldError("price", "free_has_no_price", _("A free ticket has no price.")))
    elif one.price_kind == kinds.OPEN and one.price_minor > MOST_OPEN_MINOR:
        errors.append(FieldError("price", "out_of_range", _("A price cannot be negative or this large.")))
    suggested = one.suggested_price_minor
    if suggested is not None:
        if one.price_kind != kinds.OPEN:
            message = _("Only where buyers say the price is one suggested.")
            errors.append(FieldError("suggested_price", "not_pay_what_you_want", message))
        elif not one.price_minor <= suggested <= MOST_OPEN_MINOR:
            message = _("The suggested price cannot be below the least.")
            errors.append(FieldError("suggested_price", "out_of_range", message))
    if not 0 <= one.tax_rate <= 100:
        errors.append(FieldError("tax_rate", "out_of_range", _("A tax rate lies between 0 and 100.")))
    return errors


def _limits(one: TicketType) -> list[FieldError]:
    errors = []
    if not 1 <= one.min_per_order <= one.max_per_order <= MOST_PER_ORDER:
        errors.append(FieldError("max_per_order", "out_of_range", _("The limits per order do not fit each other.")))
    person = one.max_per_person
    if person is not None and not max(1, one.min_per_order) <= person <= MOST_PER_PERSON:
        message = _("One person must be allowed the smallest order.")
        errors.append(FieldError("max_per_person", "out_of_range", message))
    shown = one.show_stock_below
    if shown is not None and not 0 <= shown <= MOST_STOCK_SHOWN:
        message = _("A whole number of places, 0 to tell none.")
        errors.append(FieldError("show_stock_below", "out_of_range", message))
    return errors


def _times(one: TicketType) -> list[FieldError]:
    starts, ends = one.sale_starts_at, one.sale_ends_at
    if starts and ends and ends <= starts:
        return [FieldError("sale_ends_at", "before_start", _("The sale cannot end before it starts."))]
    return []
