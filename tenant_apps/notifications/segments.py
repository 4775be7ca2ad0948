"""Who a message to an event's people goes to: which tickets or orders, each address once."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from django.db.models import Exists, F, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Coalesce, Lower, NullIf
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from shared_apps.core.errors import FieldError, InvalidInput
from shared_apps.core.personal import ERASED_DOMAIN
from tenant_apps.events.models import Event
from tenant_apps.orders.models import Order, OrderLine
from tenant_apps.ticketing.lifecycle import EXPIRED, GOOD
from tenant_apps.ticketing.models import CheckIn, CheckInList, Ticket, TicketType

PAID, PENDING, CANCELLED = "paid", "pending", "cancelled"
ORDERS: Mapping[str, Any] = {
    PAID: gettext_lazy("Who has a ticket"),
    PENDING: gettext_lazy("Who has not paid yet"),
    CANCELLED: gettext_lazy("Whose order was cancelled"),
}
ALL, CAME, NOT_YET = "all", "checked_in", "not_checked_in"
ATTENDANCE: Mapping[str, Any] = {
    ALL: gettext_lazy("Everybody"),
    CAME: gettext_lazy("Who was let in"),
    NOT_YET: gettext_lazy("Who was not let in"),
}
MOST_TYPES = 200


@dataclass(frozen=True)
class Segment:
    """The answers to who gets it. No ticket types: all of them. `check_in_list` narrows attendance to one entrance."""

    order_status: str = PAID
    ticket_types: tuple[int, ...] = ()
    attendance: str = ALL
    check_in_list: int | None = None

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "ticket_types": list(self.ticket_types)}

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> "Segment":
        return cls(
            order_status=kept.get("order_status", PAID),
            ticket_types=tuple(kept.get("ticket_types", ())),
            attendance=kept.get("attendance", ALL),
            check_in_list=kept.get("check_in_list"),
        )


def checked(event: Event, given: Mapping[str, Any], *, prefix: str = "") -> Segment:
    """Return the segment; what is another event's does not exist here (I2). Raises InvalidInput naming each fault."""
    errors: list[FieldError] = []
    types = tuple(dict.fromkeys(given.get("ticket_types") or ()))
    if types and set(TicketType.objects.filter(event=event, pk__in=types).values_list("pk", flat=True)) != set(types):
        errors.append(FieldError(f"{prefix}ticket_types", "does_not_exist", _("This event has no such ticket type.")))
    place = given.get("check_in_list")
    if place is not None and not CheckInList.objects.filter(event=event, pk=place).exists():
        errors.append(FieldError(f"{prefix}check_in_list", "does_not_exist", _("This event has no such list.")))
    segment = Segment(given.get("order_status") or PAID, types, given.get("attendance") or ALL, place)
    if segment.order_status != PAID and (segment.attendance != ALL or place is not None):
        errors.append(FieldError(f"{prefix}attendance", "invalid", _("Only who has a ticket can have been let in.")))
    if place is not None and segment.attendance == ALL:
        errors.append(FieldError(f"{prefix}check_in_list", "invalid", _("Say whether they were let in there or not.")))
    if errors:
        raise InvalidInput(errors=errors)
    return segment


def tickets(event: Event, segment: Segment) -> QuerySet[Any]:
    """One ticket for each address that holds one, as `address` in small letters."""
    found = _tickets(event, segment).exclude(address="").exclude(address__endswith=f"@{ERASED_DOMAIN}")
    return found.order_by("address", "pk").distinct("address")


def orders(event: Event, segment: Segment) -> QuerySet[Any]:
    """One order for each address that has one, as `address` in small letters."""
    lines = OrderLine.objects.filter(order=OuterRef("pk"), event=event)
    if segment.ticket_types:
        lines = lines.filter(ticket_type__in=segment.ticket_types)
    if segment.order_status == PENDING:
        wanted = Q(Exists(lines.filter(status=OrderLine.Status.ACTIVE)), status=Order.Status.PENDING)
    else:
        gone = Q(Exists(lines), status=Order.Status.CANCELLED)
        wanted = gone | Q(Exists(lines.filter(status=OrderLine.Status.CANCELLED)), status=Order.Status.PAID)
    found: QuerySet[Any] = Order.objects.filter(wanted).annotate(address=Lower("email"))
    found = found.exclude(address="").exclude(address__endswith=f"@{ERASED_DOMAIN}")
    return found.order_by("address", "pk").distinct("address")


def keys(event: Event, segment: Segment) -> Iterable[tuple[Any, Any]]:
    """(ticket, order) of each who gets it, one of them None; not all in memory at once."""
    if segment.order_status == PAID:
        for pk, _address in tickets(event, segment).values_list("pk", "address").iterator(2000):
            yield pk, None
    else:
        for pk, _address in orders(event, segment).values_list("pk", "address").iterator(2000):
            yield None, pk


def count(event: Event, segment: Segment) -> int:
    """How many people get it."""
    found: QuerySet[Any] = tickets(event, segment) if segment.order_status == PAID else orders(event, segment)
    return found.values("address").count()


def without_address(event: Event, segment: Segment) -> int:
    """How many tickets of the segment nobody can be written to for: sold at a counter, or erased."""
    if segment.order_status != PAID:
        return 0
    return _tickets(event, segment).filter(Q(address="") | Q(address__endswith=f"@{ERASED_DOMAIN}")).count()


def _tickets(event: Event, segment: Segment) -> QuerySet[Any]:
    # After the event those that nobody used have expired; their holders are the ones who did not come.
    found = Ticket.objects.filter(event=event, status__in=(*GOOD, EXPIRED))
    if segment.ticket_types:
        found = found.filter(ticket_type__in=segment.ticket_types)
    if segment.attendance != ALL:
        seen = CheckIn.objects.filter(ticket=OuterRef("pk"), result="admitted", direction="in", undone_at__isnull=True)
        if segment.check_in_list is not None:
            seen = seen.filter(check_in_list=segment.check_in_list)
        found = found.filter(Exists(seen) if segment.attendance == CAME else ~Exists(seen))
    own = NullIf(F("holder_email"), Value(""))
    return found.annotate(address=Lower(Coalesce(own, F("order_line__order__email"), Value(""))))
