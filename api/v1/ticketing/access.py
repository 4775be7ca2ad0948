"""Who may see a ticket: its buyer, whoever holds its order's secret, and staff of its event (T5).

It stands here and not in ticketing, because the way to the buyer leads through the order, which is above tickets.
"""

from typing import Any, NamedTuple
from uuid import UUID

from django.utils.crypto import constant_time_compare

from shared_apps.core.errors import NotFound
from tenant_apps.orders.models import OrderLine
from tenant_apps.staff.permissions import permissions_on
from tenant_apps.ticketing.models import Ticket

STAFF_RIGHTS = frozenset({"view_orders", "check_in"})


class SeenTicket(NamedTuple):
    """A ticket that the caller may see, and the code of its order if it has one."""

    ticket: Ticket
    order_code: str | None


def see_ticket(request: Any, pk: UUID) -> SeenTicket:
    """Return the ticket. Raises NotFound alike for what is not there and for what the caller may not see."""
    ticket = Ticket.objects.select_related("event", "ticket_type").filter(pk=pk).first()
    if ticket is None:
        raise NotFound
    line = OrderLine.objects.select_related("order").filter(ticket=ticket).first()
    order = line.order if line else None
    code = order.code if order else None
    user = request.user
    secret = request.query_params.get("secret", "") or request.headers.get("X-Order-Secret", "")
    if order and secret and constant_time_compare(secret, order.secret):
        return SeenTicket(ticket, code)
    if user.is_authenticated:
        if order and order.user_id == user.pk:
            return SeenTicket(ticket, code)
        if STAFF_RIGHTS & permissions_on(user, ticket.event):
            return SeenTicket(ticket, code)
    raise NotFound
