"""What a move of an order entails: places claimed, sold or given back; tickets issued or taken back."""

import os
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType

from shared_apps.core.capacity import in_lock_order
from shared_apps.core.codes import readable_code
from shared_apps.core.errors import SoldOut
from shared_apps.core.faults import point
from tenant_apps.catalog.models import ProductVariant
from tenant_apps.events.models import Event
from tenant_apps.orders import errors
from tenant_apps.orders.models import Order, OrderLine
from tenant_apps.promotions import uses
from tenant_apps.ticketing.freed import places_freed
from tenant_apps.ticketing.lifecycle import move_all
from tenant_apps.ticketing.models import Quota, Ticket
from tenants.database import connection

RETURNED = OrderLine.Fulfilment.RETURNED
NONE_KEPT: Mapping[int, int] = MappingProxyType({})
# Goods that the buyer has, or soon will.
AWAY = (OrderLine.Fulfilment.SHIPPED, OrderLine.Fulfilment.DELIVERED)


def places(lines: Iterable[OrderLine]) -> Counter[int]:
    """How many places the lines claimed in each quota. A line names the quotas that it drew from itself, so that
    editing a ticket type later cannot make a place be given back to another counter (M3)."""
    return Counter(
        quota
        for line in lines
        if line.status == OrderLine.Status.ACTIVE
        for quota in line.quotas
        for _ in range(line.quantity)
    )


def pieces(lines: Iterable[OrderLine]) -> Counter[int]:
    """How many pieces the lines claimed of each variant of goods. What came back was given back then (M3)."""
    claimed: Counter[int] = Counter()
    for line in lines:
        if line.status == OrderLine.Status.ACTIVE and line.variant_id and line.fulfilment != RETURNED:
            claimed[line.variant_id] += line.quantity
    return claimed


_LOCK_QUOTAS = """
WITH line AS MATERIALIZED (SELECT quotas, variant_id FROM orders_orderline WHERE order_id = %s)
SELECT (SELECT bool_or(variant_id IS NOT NULL) FROM line) FROM ticketing_quota
WHERE id IN (SELECT unnest(quotas) FROM line) ORDER BY id FOR NO KEY UPDATE OF ticketing_quota
"""


def lock_places(order: Order) -> None:
    """Lock the order's quotas, then its goods, each by id, then its voucher. Stock before orders, everywhere: no
    deadlock (M2)."""
    with connection.cursor() as cursor:
        cursor.execute(_LOCK_QUOTAS, [order.pk])
        locked = cursor.fetchall()
    # Without quotas nothing has told whether there are goods.
    if not locked or locked[0][0]:
        drawn = OrderLine.objects.filter(order_id=order.pk, variant__isnull=False)
        goods = ProductVariant.objects.filter(pk__in=drawn.values("variant")).order_by("pk")
        list(goods.select_for_update(no_key=True).values_list("pk"))
    if order.voucher:
        uses.lock(order.pk)


def lock_tickets(order: Order) -> None:
    """Lock the order's tickets, by id, last of all (M2): no scan decides about them meanwhile."""
    tickets = Ticket.objects.filter(order_line__order_id=order.pk).order_by("pk")
    list(tickets.select_for_update(of=("self",), no_key=True).values_list("pk"))


def _claim(lines: list[OrderLine], how: str, kept: Mapping[int, int]) -> None:
    claim: Callable[[int, int], bool] = getattr(Quota.objects, how)
    for quota, count in in_lock_order(places(lines)):
        ours = kept.get(quota, 0)
        there = how == "hold" or not ours or Quota.objects.sell_held(quota, ours)
        if not there or (count > ours and not claim(quota, count - ours)):
            raise SoldOut(what=next(line.title for line in lines if quota in line.quotas))
    claim = getattr(ProductVariant.objects, how)
    for variant, count in in_lock_order(pieces(lines)):
        if not claim(variant, count):
            raise SoldOut(what=next(line.title for line in lines if variant == line.variant_id))


def _move(lines: list[OrderLine], how: str) -> None:
    for model, claimed in ((Quota, places(lines)), (ProductVariant, pieces(lines))):
        move: Callable[[int, int], bool] = getattr(model._default_manager, how)
        for pk, count in in_lock_order(claimed):
            if not move(pk, count):
                # The counter says less than the lines do: never to be papered over; check_invariants tells which (M1).
                raise RuntimeError(f"{model._meta.label} {pk} has fewer held or sold than the {count} to be moved")


def hold(lines: list[OrderLine], kept: Mapping[int, int] = NONE_KEPT) -> None:
    """Claim stock for an order that is still to be paid. `kept` are places, by quota, that are held for it already: a
    voucher has kept them. Raises SoldOut."""
    _claim(lines, "hold", kept)


def sell(lines: list[OrderLine], kept: Mapping[int, int] = NONE_KEPT) -> None:
    """Claim stock for good: the order is free or paid already. `kept` as in `hold`. Raises SoldOut."""
    _claim(lines, "sell", kept)


def make_tickets(order: Order, lines: Iterable[OrderLine]) -> list[Ticket]:
    """Return a ticket, not yet saved, for each line that admits somebody and has none; the lines point at them."""
    tickets = []
    for line in lines:
        if line.status != OrderLine.Status.ACTIVE or line.ticket_id:
            continue
        if line.event_id is None or line.ticket_type_id is None:  # goods
            continue
        ticket = Ticket(
            event_id=line.event_id,
            ticket_type_id=line.ticket_type_id,
            token=uuid.UUID(bytes=os.urandom(16)),
            short_code=readable_code(),
            holder_name=line.attendee_name or order.name,
            holder_email=line.attendee_email or order.email,
            price_minor=line.total_minor,
            currency=order.currency,
        )
        line.ticket = ticket
        tickets.append(ticket)
    return tickets


def _lines_of(order: Order) -> list[OrderLine]:
    return list(OrderLine.objects.filter(order_id=order.pk))


def _quotas(lines: Iterable[OrderLine]) -> set[int]:
    """All quotas that the lines drew from, those of cancelled ones too."""
    return {quota for line in lines for quota in line.quotas}


def _issue(order: Order, lines: list[OrderLine]) -> None:
    tickets = Ticket.objects.bulk_create(make_tickets(order, lines))
    if tickets:
        OrderLine.objects.bulk_update([line for line in lines if line.ticket_id], ["ticket"])
        point("tickets.issued")


def sell_held(order: Order) -> None:
    """Pending to paid: what was held is sold, and the tickets are issued (O4)."""
    lines = _lines_of(order)
    _move(lines, "sell_held")
    _issue(order, lines)


def sell_again(order: Order) -> None:
    """Expired to paid: money came late, the places are claimed anew if they are free (O5). Raises SoldOut, also for an
    event that was called off meanwhile: nobody would send that money back."""
    lines = _lines_of(order)
    off = OrderLine.objects.filter(order=order, status=OrderLine.Status.ACTIVE, event__status=Event.Status.CANCELLED)
    if called_off := off.first():
        raise SoldOut(what=called_off.title)
    sell(lines)
    if order.voucher:
        uses.claim_again(order.pk)
    _issue(order, lines)


def release_held(order: Order) -> None:
    """Pending to expired or cancelled: the places go back, once (M3)."""
    lines = _lines_of(order)
    _move(lines, "release")
    if order.voucher:
        uses.give_back(order.pk, _quotas(lines))
    places_freed(places(lines))


def take_back(order: Order) -> None:
    """Paid to cancelled: the tickets are dead from this commit on (T4), and their places are free again.

    Raises GoodsAreAway for goods that left and did not come back: they are not in stock.
    """
    lines = _lines_of(order)
    if any(line.status == OrderLine.Status.ACTIVE and line.fulfilment in AWAY for line in lines):
        raise errors.GoodsAreAway
    _move(lines, "take_back")
    if order.voucher:
        uses.give_back(order.pk, _quotas(lines))
    # Used ones too: staff may cancel after the door, and undoing that scan must not wake the ticket up again.
    move_all(Ticket.objects.filter(order_line__order_id=order.pk), Ticket.Status.CANCELLED)
    OrderLine.objects.filter(order_id=order.pk).update(status=OrderLine.Status.CANCELLED)
    places_freed(places(lines))


def end(order: Order, lines: list[OrderLine]) -> None:
    """Some lines of an order that goes on are over: their stock is free again, their tickets dead from this commit on.

    The lines are still active as they are given; whoever calls writes down that they are not.
    """
    _move(lines, "take_back" if order.status == Order.Status.PAID else "release")
    tickets = [line.ticket_id for line in lines if line.ticket_id]
    move_all(Ticket.objects.filter(pk__in=tickets), Ticket.Status.CANCELLED)
    places_freed(places(lines))
