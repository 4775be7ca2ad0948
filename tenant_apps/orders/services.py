"""What is done to orders besides placing them."""

import logging
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from shared_apps.core.errors import WrongState
from shared_apps.core.faults import point
from tenant_apps.activity.services import before_and_after, record
from tenant_apps.orders import cart_holds, errors, lifecycle, waiting_offers
from tenant_apps.orders.fulfilment import lock_tickets
from tenant_apps.orders.models import Order, OrderLine
from tenant_apps.promotions.services import release_kept
from tenant_apps.ticketing.models import Ticket
from tenant_apps.ticketing.rules import cancel_until

logger = logging.getLogger(__name__)


def expire_overdue(*, limit: int = 500, now: datetime | None = None) -> int:
    """Give the places of overdue orders back, each in a transaction of its own; return how many there were.

    Running it twice, or beside a payment, changes nothing more: each order moves once (M3, G2).
    """
    expired = 0
    for order in Order.objects.overdue(now).order_by("expires_at").only("pk", "voucher")[:limit]:
        try:
            expired += _expire(order)
        except Exception:
            # One that is locked, or whose counters are wrong, must not keep the others' places from being sold.
            logger.exception("order %s does not expire", order.pk)
    return expired


def give_back_overdue(
    quotas: Collection[int] = (),
    *,
    variants: Collection[int] = (),
    voucher: str = "",
    now: datetime | None = None,
) -> int:
    """Expire the overdue orders and carts that hold places in these quotas, pieces of these goods or a use of this
    voucher, and offers of the waiting list that nobody answered; return how many (M3, M4). Places that a voucher keeps
    whose time is up are free as well, and count."""
    freed = release_kept(quotas, now=now)
    holding = Q(lines__quotas__overlap=list(quotas))
    if voucher:
        holding |= Q(voucher=voucher)
    if variants:
        holding |= Q(lines__variant__in=list(variants))
    overdue = Order.objects.overdue(now).filter(holding).distinct().order_by("pk")
    expired = freed + sum(_expire(order) for order in overdue[:100])
    expired += cart_holds.give_back_overdue(quotas, variants, now=now)
    return expired + waiting_offers.give_back_overdue(quotas, now=now)


def _expire(order: Order) -> int:
    point("expiry.begun")
    try:
        lifecycle.advance(order, Order.Status.EXPIRED)
    except WrongState:  # paid in the meantime
        return 0
    point("expiry.done")
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
    """Raise what `refuse_late_lines` raises if the buyer may not cancel this order by themselves as a whole."""
    lines = order.lines.filter(status=OrderLine.Status.ACTIVE).select_related("event", "ticket_type", "ticket")
    refuse_late_lines(order, list(lines), now=now, whole=True)


def refuse_late_lines(
    order: Order,
    lines: Sequence[OrderLine],
    *,
    by_staff: bool = False,
    whole: bool = False,
    now: datetime | None = None,
) -> None:
    """Raise CancellationNotAllowed, CancellationClosed, TicketsUsed or GoodsPacked if these lines may not be cancelled.

    Each ticket type has its own rule, beside its event's deadline; these bind buyers, not staff. Goods that are packed
    go by themselves no more, whoever asks; with the `whole` order staff still may, until they are shipped. `lines` come
    with their events, types and tickets.
    """
    now = now or timezone.now()
    for line in lines:
        if line.fulfilment not in ("", OrderLine.Fulfilment.UNPACKED) and not (by_staff and whole):
            raise errors.GoodsPacked(what=line.title)
        if by_staff or order.status == Order.Status.PENDING or line.ticket_type is None:
            continue
        until = cancel_until(line.ticket_type, line.ticket_type.event if line.event is None else line.event)
        if until is None:
            raise errors.CancellationNotAllowed(what=line.ticket_type.name)
        if now >= until:
            raise errors.CancellationClosed
        if line.ticket is not None and line.ticket.is_passed_on:
            # Or one could sell a place, and take its price back from the organizer afterwards.
            raise errors.CancellationNotAllowed(
                _("{what} was passed on and cannot be cancelled online."), what=line.title
            )
    if by_staff or order.status == Order.Status.PENDING:
        return
    if any(line.ticket is not None and line.ticket.status == Ticket.Status.USED for line in lines):
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
