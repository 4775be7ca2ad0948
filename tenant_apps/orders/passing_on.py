"""Tickets that go from their holder to somebody else, and what is left to the buyer then.

The order's line always names the ticket that is good now, so whatever ends the line (cancelled, refunded) ends that
one. Who paid keeps the order and its money's matters; the code, the name and the next transfer are the holder's, who
reaches them by the ticket's own link.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from shared_apps.core.errors import FieldError, InvalidInput, WrongState
from tenant_apps.activity.services import before_and_after, record
from tenant_apps.events.models import Event
from tenant_apps.orders.models import Order, OrderLine
from tenant_apps.ticketing import lifecycle
from tenant_apps.ticketing.errors import (
    SameHolder,
    TicketPassedOn,
    TicketUsed,
    TooManyTransfers,
    TransferClosed,
    TransferNotAllowed,
)
from tenant_apps.ticketing.models import Handover, Ticket
from tenant_apps.ticketing.rules import attendee_until, transfer_until

# Each transfer writes two letters; nobody needs more than this for one place.
MOST_TRANSFERS = 10


def line_of(ticket: Ticket) -> OrderLine | None:
    """Return the line that the ticket was ordered with, also where it was passed on since; with order, event, type."""
    lines = OrderLine.objects.select_related("order", "event", "ticket_type", "ticket")
    found = lines.filter(ticket=ticket).first()
    if found is None and (last := lifecycle.handovers_of(ticket).last()):
        found = lines.filter(ticket=last.new_id).first()
    return found


def chain_of(ticket: Ticket) -> list[Ticket]:
    """Return the tickets of all holders of this place, the first one first; mostly there is one. Two statements."""
    hands = list(lifecycle.handovers_of(ticket))
    wanted = {ticket.pk, *(each.old_id for each in hands), *(each.new_id for each in hands)}
    order = {pk: place for place, pk in enumerate([*(each.old_id for each in hands), *(each.new_id for each in hands)])}
    rows = Ticket.objects.select_related("event", "ticket_type").filter(pk__in=wanted)
    return sorted(rows, key=lambda each: order.get(each.pk, 0))


def as_the_buyer_gave_them(lines: Iterable[OrderLine]) -> None:
    """Make rows that are about to be shown to the buyer name whom they gave a ticket to, and nobody after that: to whom
    it went from there is between others. Not to be saved. Two statements, none where nothing was passed on."""
    passed = {line.ticket_id: line for line in lines if line.ticket is not None and line.ticket.is_passed_on}
    if not passed:
        return
    firsts = dict(Handover.objects.filter(new__in=passed).values_list("first", "new"))
    for first_hand in Handover.objects.filter(old__in=firsts).select_related("new"):
        line, given = passed[firsts[first_hand.old_id]], first_hand.new
        assert line.ticket is not None
        line.attendee_name = line.ticket.holder_name = given.holder_name
        line.attendee_email = line.ticket.holder_email = given.holder_email


def refuse_transfer(order: Order, ticket: Ticket, *, by_staff: bool = False, now: datetime | None = None) -> None:
    """Raise what keeps the ticket from being passed on: WrongState, TicketUsed, TransferNotAllowed, TransferClosed.

    The type's rule and deadline bind holders, not staff; nobody passes on what was used or has ended. The ticket comes
    with its event and type.
    """
    if ticket.status == Ticket.Status.USED:
        raise TicketUsed
    if ticket.status == Ticket.Status.TRANSFERRED:
        raise TicketPassedOn
    if ticket.status != Ticket.Status.ACTIVE:
        raise WrongState(now=ticket.get_status_display())
    if order.status != Order.Status.PAID:
        raise WrongState(now=order.get_status_display())
    if ticket.event.status == Event.Status.CANCELLED:
        raise WrongState(now=ticket.event.get_status_display())
    if by_staff:
        return
    until = transfer_until(ticket.ticket_type, ticket.event)
    if until is None:
        raise TransferNotAllowed(what=ticket.ticket_type.name)
    if (now or timezone.now()) >= until:
        raise TransferClosed


def may_transfer(order: Order, ticket: Ticket, *, by_staff: bool = False) -> bool:
    """Tell whether `pass_on` would be allowed now; for buttons."""
    try:
        refuse_transfer(order, ticket, by_staff=by_staff)
    except (WrongState, TicketUsed, TicketPassedOn, TransferNotAllowed, TransferClosed):
        return False
    return True


@transaction.atomic
def pass_on(
    ticket: Ticket,
    *,
    name: str,
    email: str,
    actor: Any = None,
    by_staff: bool = False,
    now: datetime | None = None,
) -> Ticket:
    """Give the ticket to somebody else and return theirs: another row, with a code and a link that go to them by mail.

    The old code is dead at commit. Of two at once one wins, and a scan comes before or after it (T4). Raises what
    `refuse_transfer` raises, SameHolder, TooManyTransfers, InvalidInput.
    """
    name, email = " ".join(name.split()), email.strip()
    empty = [field for field, value in (("name", name), ("email", email)) if not value]
    if empty:
        raise InvalidInput(errors=[FieldError(field, "required", _("This field is required.")) for field in empty])
    line = line_of(ticket)
    if line is None:
        raise WrongState(now=ticket.get_status_display())
    # The order first, then the ticket (M2): cancelling and refunding wait for us, or we for them.
    order = Order.objects.select_for_update(no_key=True).get(pk=line.order_id)
    ticket = lifecycle.lock(ticket)
    refuse_transfer(order, ticket, by_staff=by_staff, now=now)
    if email.lower() == ticket.holder_email.lower():
        raise SameHolder(field="email")
    if lifecycle.handovers_of(ticket).count() >= MOST_TRANSFERS:
        raise TooManyTransfers(most=MOST_TRANSFERS)
    new = lifecycle.hand_over(ticket, name=name, email=email, actor=actor)
    OrderLine.objects.filter(pk=line.pk, ticket=ticket).update(ticket=new, attendee_name=name, attendee_email=email)
    # What the buyer's own list of places says follows from the order.
    record("order.ticket_passed_on", order, actor=actor, details={"line": line.position})
    return new


def rename_until(ticket: Ticket) -> datetime | None:
    """The first moment at which the holder can no longer change the name on it; None: never could."""
    return attendee_until(ticket.ticket_type, ticket.event)


@transaction.atomic
def rename(ticket: Ticket, *, name: str, actor: Any = None, by_staff: bool = False) -> Ticket:
    """Change the name on a ticket; its code stays, and the address that it belongs to.

    A holder may until the type's deadline and before it is used; staff while it is good. Raises WrongState,
    TicketUsed, TransferNotAllowed, TransferClosed, InvalidInput.
    """
    name = " ".join(name.split())
    if not name:
        raise InvalidInput(errors=[FieldError("name", "required", _("This field is required."))])
    line = line_of(ticket)
    if line is not None:
        Order.objects.select_for_update(no_key=True).get(pk=line.order_id)
    ticket = lifecycle.lock(ticket)
    if ticket.status not in lifecycle.GOOD:
        raise WrongState(now=ticket.get_status_display())
    if not by_staff:
        if ticket.status == Ticket.Status.USED:
            raise TicketUsed
        until = rename_until(ticket)
        if until is None:
            raise TransferNotAllowed(
                _("The name on {what} stays. Please write to the organizer."), what=ticket.ticket_type.name
            )
        if timezone.now() >= until:
            raise TransferClosed(_("It is too late to change the name. Please write to the organizer."))
    told = before_and_after({"holder_name": ticket.holder_name}, {"holder_name": name})
    ticket.holder_name = name
    ticket.save(update_fields=["holder_name", "modified_at"])
    if line is not None:
        OrderLine.objects.filter(pk=line.pk, ticket=ticket).update(attendee_name=name)
    if told["fields"]:
        record("ticket.renamed", ticket, actor=actor, details=told, deliver=False)
    return ticket
