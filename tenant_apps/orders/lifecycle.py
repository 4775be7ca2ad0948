"""THE order state machine. Nothing else writes Order.status (O1)."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.db import transaction
from django.utils import timezone

from shared_apps.core.errors import WrongState
from shared_apps.core.faults import point
from tenant_apps.activity.services import before_and_after, made, record, records
from tenant_apps.consents.models import Consent
from tenant_apps.orders import fulfilment, invoices
from tenant_apps.orders.models import Order, OrderLine
from tenant_apps.orders.writing import Kept, write_order

PENDING, PAID, EXPIRED, CANCELLED = (
    Order.Status.PENDING,
    Order.Status.PAID,
    Order.Status.EXPIRED,
    Order.Status.CANCELLED,
)

TRANSITIONS: dict[tuple[str, str], Callable[[Order], None]] = {
    (PENDING, PAID): fulfilment.sell_held,
    (PENDING, EXPIRED): fulfilment.release_held,
    (PENDING, CANCELLED): fulfilment.release_held,
    (EXPIRED, PAID): fulfilment.sell_again,
    (PAID, CANCELLED): fulfilment.take_back,
}


def begin(
    order: Order,
    lines: list[OrderLine],
    *,
    actor: Any = None,
    kept: Kept | None = None,
    paid: bool = False,
    consents: Sequence[Consent] = (),
) -> Order:
    """Write a new order in its first state: paid with its tickets if nothing is owed, else pending; with `consents`,
    what its buyer agreed to.

    Runs in the caller's transaction, which `claim_places` must follow in. `kept` is what must still be as it was read.
    With `paid` its money is in the till, and who calls writes that down in the same transaction (O4).
    """
    free = paid or order.total_minor == 0
    order.status = PAID if free else PENDING
    order.paid_at = order.created_at if free else None
    tickets = fulfilment.make_tickets(order, lines) if free else []
    cost = made(total_minor=order.total_minor, currency=order.currency)
    told = records("order.paid" if free else "order.placed", order, actor=actor, details=cost)
    write_order(order, lines, tickets, [*consents, *told], kept)
    order.made = tuple(lines)
    return order


def claim_places(order: Order, lines: list[OrderLine], kept: Mapping[int, int] = fulfilment.NONE_KEPT) -> None:
    """Claim a new order's places: sold if it is paid, else held. The last act before the commit, so that the
    counters' rows, which a rush waits for, are locked for as short as can be.

    `kept` are places, by quota, that a voucher has kept for it. Raises SoldOut; then the whole transaction has to be
    rolled back.
    """
    if order.status == PAID:
        fulfilment.sell(lines, kept)
    else:
        fulfilment.hold(lines, kept)


def lock(order: Order) -> Order:
    """Lock the order's places and then the order, and return it as it is now (M2)."""
    fulfilment.lock_places(order)
    return Order.objects.select_for_update(no_key=True).get(pk=order.pk)


@transaction.atomic
def advance(order: Order, status: str, *, actor: Any = None, details: dict[str, Any] | None = None) -> Order:
    """Move the order to `status` and do what that entails, all or nothing.

    Repeating a move that was made changes nothing. Raises WrongState if the table has no such move, and SoldOut
    if a late payment finds its places gone.
    """
    order = lock(order)
    if order.status == status:
        return order
    try:
        effect = TRANSITIONS[order.status, status]
    except KeyError:
        raise WrongState(now=order.get_status_display()) from None
    effect(order)
    point("order.effect")
    before, order.status = order.status, status
    changed = ["status", "modified_at"]
    if status == PAID:
        order.paid_at = timezone.now()
        changed.append("paid_at")
    order.save(update_fields=changed)
    moved = before_and_after({"status": before}, {"status": status})
    record(f"order.{status}", order, actor=actor, details={"from": before, **moved, **(details or {})})
    if status == PAID:
        invoices.issue_if_due(order)
    point("order.moved")
    return order
