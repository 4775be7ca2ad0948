"""Who may see a ticket: its holder, its buyer, whoever holds its order's secret, and staff of its event (T5).

It stands here and not in ticketing, because the way to the buyer leads through the order, which is above tickets.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from django.utils.crypto import constant_time_compare

from shared_apps.core.errors import Forbidden, NotFound
from tenant_apps.orders.models import Order
from tenant_apps.orders.passing_on import as_the_buyer_gave_them, line_of
from tenant_apps.staff.permissions import permissions_on
from tenant_apps.ticketing.errors import TicketPassedOn
from tenant_apps.ticketing.models import Ticket

STAFF_RIGHTS = frozenset({"view_orders", "check_in"})


class SeenTicket(NamedTuple):
    """A ticket that the caller may see, and the code of its order if they may see that too."""

    ticket: Ticket
    order_code: str | None


@dataclass(frozen=True, slots=True)
class TicketSight:
    """A ticket and how the caller sees it: as its holder, as staff, or as somebody who had it before."""

    ticket: Ticket
    order: Order | None
    as_holder: bool = False
    as_staff: bool = False
    rights: frozenset[str] = frozenset()

    @property
    def order_code(self) -> str | None:
        """The order is not the matter of whoever was given one of its tickets."""
        own = self.as_staff or not (self.as_holder and self.ticket.is_passed_on)
        return self.order.code if self.order and own else None


def see_ticket(request: Any, pk: UUID) -> SeenTicket:
    """Return a ticket whose code the caller may have.

    Raises NotFound alike for what is not there and for what the caller may not see, TicketPassedOn for the buyer of a
    ticket that is somebody else's now.
    """
    sight = sight_of_ticket(request, pk)
    if not sight.as_holder and not sight.as_staff:
        raise TicketPassedOn
    return SeenTicket(sight.ticket, sight.order_code)


def sight_of_ticket(request: Any, pk: UUID) -> TicketSight:
    """Return the ticket as the caller sees it. Raises NotFound."""
    ticket = Ticket.objects.select_related("event", "ticket_type").filter(pk=pk).first()
    if ticket is None:
        raise NotFound
    line = line_of(ticket)
    order = line.order if line else None
    user = request.user
    secret = request.query_params.get("secret", "") or request.headers.get("X-Order-Secret", "")
    if ticket.is_passed_on and _is_holder(ticket, user, secret):
        return TicketSight(ticket, order, as_holder=True)
    theirs = order is not None and bool(secret) and constant_time_compare(secret, order.secret)
    if order is not None and (theirs or (user.is_authenticated and order.user_id == user.pk)):
        if line is not None and ticket.is_passed_on:
            line.ticket = ticket
            as_the_buyer_gave_them([line])
        return TicketSight(ticket, order, as_holder=not ticket.is_passed_on)
    if user.is_authenticated and STAFF_RIGHTS & (rights := permissions_on(user, ticket.event)):
        return TicketSight(ticket, order, as_staff=True, rights=rights)
    raise NotFound


def touch_ticket(request: Any, pk: UUID) -> TicketSight:
    """Return a ticket that the caller may act on: as its holder, or as staff who see orders and may change them.

    Raises NotFound for what they may not see, Forbidden for what they see but may not change, TicketPassedOn for
    whoever had it.
    """
    sight = sight_of_ticket(request, pk)
    if sight.as_staff:
        if "view_orders" not in sight.rights:
            raise NotFound
        if "change_orders" not in sight.rights:
            raise Forbidden
    elif not sight.as_holder:
        raise TicketPassedOn
    return sight


def ticket_for_staff(request: Any, pk: UUID, permission: str) -> TicketSight:
    """Return a ticket on whose event the caller holds the permission, whatever else the ticket is to them.

    Raises Forbidden for whoever sees it as its buyer, or among the orders, and NotFound for everybody else.
    """
    ticket = Ticket.objects.select_related("event", "ticket_type").filter(pk=pk).first()
    if ticket is None:
        raise NotFound
    rights = permissions_on(request.user, ticket.event)
    if permission not in rights:
        sight = sight_of_ticket(request, pk)
        if sight.as_staff and "view_orders" not in rights:
            raise NotFound
        raise Forbidden
    line = line_of(ticket)
    return TicketSight(ticket, line.order if line else None, as_staff=True, rights=rights)


def _is_holder(ticket: Ticket, user: Any, secret: str) -> bool:
    if secret and constant_time_compare(secret, ticket.secret):
        return True
    by_address = user.is_authenticated and getattr(user, "email_verified", False) and bool(user.email)
    return bool(by_address and user.email.lower() == ticket.holder_email.lower())
