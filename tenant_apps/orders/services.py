"""What is done to orders besides placing them."""

import logging
from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from shared_apps.core.errors import WrongState
from tenant_apps.activity.services import before_and_after, record
from tenant_apps.orders import errors, lifecycle
from tenant_apps.orders.fulfilment import lock_tickets
from tenant_apps.orders.models import Order
from tenant_apps.ticketing.models import Ticket, TicketType
from tenant_apps.ticketing.rules import cancel_until

logger = logging.getLogger(__name__)


def expire_overdue(*, limit: int = 500, now: datetime | None = None) -> int:
    """Give the places of overdue orders back, each in a transaction of its own; return how many there were.

    Running it twice, or beside a payment, changes nothing more: each order moves once (M3, G2).
    """
    expired = 0
    for order in Order.objects.overdue(now).order_by("expires_at").only("pk")[:limit]:
        try:
            expired += _expire(order)
        except Exception:
            # One that is locked, or whose counters are wrong, must not keep the others' places from being sold.
            logger.exception("order %s does not expire", order.pk)
    return expired


def give_back_overdue(quotas: Collection[int], *, variants: Collection[int] = (), now: datetime | None = None) -> int:
    """Expire the overdue orders that hold places in these quotas, or pieces of these goods; return how many (M3)."""
    holding = Q(lines__quotas__overlap=list(quotas))
    if variants:
        holding |= Q(lines__variant__in=list(variants))
    overdue = Order.objects.overdue(now).filter(holding).distinct().order_by("pk")
    return sum(_expire(order) for order in overdue[:100])


def _expire(order: Order) -> int:
    try:
        lifecycle.advance(order, Order.Status.EXPIRED)
    except WrongState:  # paid in the meantime
        return 0
    return 1


@transaction.atomic
def cancel(
    order: Order, *, actor: Any = None, by_staff: bool = False, reason: str = "", now: datetime | None = None
) -> Order:
    """Cancel a whole order: its places are free and its tickets dead at once. Money is the payments' matter.

    A buyer may until the events' deadline (or start), and as long as no ticket was used; staff may always.
    Raises CancellationClosed, TicketsUsed, WrongState.
    """
    if not by_staff:
        # Judged as it is now, not as the caller read it, and with the tickets locked: whoever is just being admitted
        # comes before or after us, never beside us (T4).
        order = lifecycle.lock(order)
        lock_tickets(order)
        if order.status != Order.Status.CANCELLED:
            refuse_late_cancellation(order, now=now)
    return lifecycle.advance(order, Order.Status.CANCELLED, actor=actor, details={"reason": reason} if reason else None)


def refuse_late_cancellation(order: Order, *, now: datetime | None = None) -> None:
    """Raise CancellationNotAllowed, CancellationClosed or TicketsUsed if the buyer may not cancel this order by
    themselves: each of its ticket types has its own rule, beside the event's deadline."""
    if order.status == Order.Status.PENDING:
        return
    now = now or timezone.now()
    for ticket_type in TicketType.objects.filter(order_lines__order=order).select_related("event").distinct():
        until = cancel_until(ticket_type, ticket_type.event)
        if until is None:
            raise errors.CancellationNotAllowed(what=ticket_type.name)
        if now >= until:
            raise errors.CancellationClosed
    if Ticket.objects.filter(order_line__order=order, status=Ticket.Status.USED).exists():
        raise errors.TicketsUsed


@transaction.atomic
def change_contact(order: Order, *, actor: Any, **changes: Any) -> Order:
    """Correct the buyer's name or address. Nothing else of an order can be edited (M6)."""
    order = Order.objects.select_for_update(no_key=True).get(pk=order.pk)
    before = {name: getattr(order, name) for name in changes}
    for name in changes.keys() & {"email", "name"}:
        setattr(order, name, changes[name])
    order.save(update_fields=["email", "name", "modified_at"])
    record("order.contact_changed", order, actor=actor, details=before_and_after(before, changes))
    return order


@transaction.atomic
def resend(order: Order, *, actor: Any) -> None:
    """Have the order's mail sent again; what it says follows from the order's present state."""
    record("order.resend", order, actor=actor)
