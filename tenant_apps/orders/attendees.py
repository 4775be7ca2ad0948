"""Who comes with a ticket, changed after it was ordered. The ticket's holder follows; its code stays."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from shared_apps.core.errors import WrongState
from tenant_apps.activity.services import before_and_after, record
from tenant_apps.orders import errors
from tenant_apps.orders.models import Order, OrderLine
from tenant_apps.ticketing.errors import TicketPassedOn
from tenant_apps.ticketing.models import Ticket
from tenant_apps.ticketing.rules import attendee_until

LIVE = (Order.Status.PENDING, Order.Status.PAID)


def until_of(line: OrderLine) -> datetime | None:
    """The first moment at which the buyer can no longer change who comes; None: never could."""
    if line.ticket_type is None or line.event is None:
        return None
    return attendee_until(line.ticket_type, line.event)


def refuse_late_change(order: Order, line: OrderLine, *, by_staff: bool = False, now: datetime | None = None) -> None:
    """Raise WrongState, AttendeeFixed, TicketPassedOn or TicketsUsed if who comes with this line cannot be changed."""
    if order.status not in LIVE:
        raise WrongState(now=order.get_status_display())
    if line.status != OrderLine.Status.ACTIVE:
        raise WrongState(now=line.get_status_display())
    if line.kind != OrderLine.Kind.TICKET:
        raise errors.AttendeeFixed(what=line.title)
    if by_staff:
        return
    if line.ticket is not None and line.ticket.is_passed_on:
        raise TicketPassedOn
    until = until_of(line)
    if until is None or (now or timezone.now()) >= until:
        raise errors.AttendeeFixed(what=line.title)
    if line.ticket is not None and line.ticket.status == Ticket.Status.USED:
        raise errors.TicketsUsed


@transaction.atomic
def change_attendee(
    order: Order,
    line_id: UUID,
    *,
    actor: Any = None,
    by_staff: bool = False,
    now: datetime | None = None,
    **changes: str,
) -> OrderLine:
    """Change the `name` and `email` of who comes with one ticket; empty means the buyer.

    A buyer may until the type's and the event's deadline and while the ticket was not used; staff may always. Raises
    UnknownLine and what `refuse_late_change` raises.
    """
    order = Order.objects.select_for_update(no_key=True).get(pk=order.pk)
    line = order.lines.select_related("event", "ticket_type").filter(pk=line_id).first()
    if line is None:
        raise errors.UnknownLine
    if line.ticket_id:
        # The order first, then its tickets (M2); nobody is admitted with it meanwhile.
        line.ticket = Ticket.objects.select_for_update(no_key=True).get(pk=line.ticket_id)
    refuse_late_change(order, line, by_staff=by_staff, now=now)
    before = {"attendee_name": line.attendee_name, "attendee_email": line.attendee_email}
    after = {f"attendee_{name}": " ".join(changes[name].split()) for name in ("name", "email") if name in changes}
    for name, value in after.items():
        setattr(line, name, value)
    line.save(update_fields=["attendee_name", "attendee_email"])
    if line.ticket is not None:
        line.ticket.holder_name = line.attendee_name or order.name
        line.ticket.holder_email = line.attendee_email or order.email
        line.ticket.save(update_fields=["holder_name", "holder_email", "modified_at"])
    details = {"line": line.position, **before_and_after(before, after)}
    if details["fields"]:
        record("order.attendee_changed", order, actor=actor, details=details)
    return line
