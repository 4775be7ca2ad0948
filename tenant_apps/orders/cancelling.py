"""Cancelling single lines of an order: what that changes, shown first, and doing it.

What was charged stays as it was charged (M6): a paid order keeps its totals and its lines their amounts. Each cancelled
line says by how much the order became cheaper with it (`released_minor`), which is less than its own total where the
others lost a discount for their number, and how much of that comes back by the rule (`returned_minor`). An order that
is still to be paid is priced anew instead: its cancelled lines are not charged.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from shared_apps.core.errors import WrongState
from shared_apps.core.money import allocate, share
from tenant_apps.activity.services import before_and_after, record
from tenant_apps.events.refunds import percent_now
from tenant_apps.orders import errors, fulfilment, lifecycle
from tenant_apps.orders.models import Order, OrderLine
from tenant_apps.orders.quote import priced_again
from tenant_apps.orders.services import refuse_late_lines
from tenant_apps.ticketing.models import Ticket

PENDING, PAID, CANCELLED = Order.Status.PENDING, Order.Status.PAID, Order.Status.CANCELLED


@dataclass(frozen=True, slots=True)
class LineChange:
    """One line that ends: what the order is cheaper without it, and what of that the rule promises back."""

    line: OrderLine
    released_minor: int
    promised_minor: int


@dataclass(frozen=True, slots=True)
class Change:
    """What cancelling some lines does to an order's price, in minor units of its currency.

    `whole` tells that no line is left: then the order itself is cancelled.
    """

    lines: tuple[LineChange, ...]
    before_minor: int
    after_minor: int
    whole: bool

    @property
    def promised_minor(self) -> int:
        return sum(each.promised_minor for each in self.lines)


def lines_of(order: Order) -> list[OrderLine]:
    """Return the order's lines with what judging them needs; one statement."""
    return list(order.lines.select_related("event", "ticket_type", "ticket", "variant"))


def chosen(lines: Sequence[OrderLine], wanted: Collection[UUID]) -> list[OrderLine]:
    """Return the lines with these ids. Raises UnknownLine if one is not among them."""
    found = [line for line in lines if line.pk in set(wanted)]
    if len(found) != len(set(wanted)):
        raise errors.UnknownLine(field="lines")
    return found


def price_now(order: Order, lines: Sequence[OrderLine]) -> int:
    """What the order costs with the lines that it has left, in minor units."""
    return order.total_minor - sum(line.released_minor or 0 for line in lines)


def kept_minor(lines: Sequence[OrderLine]) -> int:
    """What the organizer keeps of cancelled lines by the events' rules."""
    return sum((line.released_minor or 0) - (line.returned_minor or 0) for line in lines)


def standing(lines: Sequence[OrderLine]) -> list[OrderLine]:
    return [line for line in lines if line.status == OrderLine.Status.ACTIVE]


def worth(order: Order, lines: Sequence[OrderLine]) -> list[int]:
    """What each line that stands is worth now: its total, and its part of discounts that were lost with others."""
    left = standing(lines)
    own = [line.total_minor for line in left]
    rest = price_now(order, lines) - order.fees_minor - _delivery(order, left) - sum(own)
    return [one + more for one, more in zip(own, allocate(max(0, rest), own), strict=True)]


def change_of(
    order: Order,
    lines: Sequence[OrderLine],
    ending: Sequence[OrderLine],
    *,
    by_staff: bool = False,
    now: datetime | None = None,
) -> Change:
    """Reckon what the order costs without the lines that end, and what of the difference comes back.

    To a buyer comes back what each event's rule promises, rounded half up once per line (M5); what staff cancel, and
    goods, come back whole. Fees stay with the order until all of it ends; delivery is owed as long as goods are left.
    """
    now = now or timezone.now()
    before = price_now(order, lines)
    left = [line for line in standing(lines) if line not in ending]
    after = 0
    if left:
        again = priced_again(order, left)
        # Who has not paid yet pays what is left at its price, though that be more: a group may have lost its discount.
        after = again.totals.total_minor
        if order.status != PENDING:
            # The lines by themselves, at the prices and rules that they were ordered at (M6).
            after = sum(one.total_minor for one in again.lines) + order.fees_minor + _delivery(order, left)
            after = min(before, after)
    off = max(0, before - after)
    brought = min(off, _delivery(order, standing(lines)) - _delivery(order, left)) if left else 0
    parts = allocate(off - brought, [line.total_minor for line in ending])
    changes = []
    for line, part in zip(ending, parts, strict=True):
        if brought and line.kind == OrderLine.Kind.PRODUCT:
            part, brought = part + brought, 0
        percent = 100 if by_staff or line.event is None else percent_now(line.event, now)
        changes.append(LineChange(line, part, share(part, Decimal(percent))))
    return Change(tuple(changes), before, after, whole=not left)


def _delivery(order: Order, lines: Sequence[OrderLine]) -> int:
    return order.delivery_minor if any(line.kind == OrderLine.Kind.PRODUCT for line in lines) else 0


@transaction.atomic
def cancel_lines(
    order: Order,
    change: Change,
    back_minor: int,
    *,
    actor: Any = None,
    by_staff: bool = False,
    reason: str = "",
    now: datetime | None = None,
) -> Order:
    """Cancel some, not all, lines: their places are free and their tickets dead at once; `back_minor` of a paid order's
    money is on its way back, which is the payments' matter. Called with the order locked, and with what `change_of`
    said of it then.

    A buyer may until the events' and types' deadlines and while no ticket of these was used; staff may always. Goods
    may go only while they are unpacked. Raises CancellationNotAllowed, CancellationClosed, TicketsUsed, GoodsPacked,
    WrongState.
    """
    if order.status not in (PENDING, PAID):
        raise WrongState(now=order.get_status_display())
    ending = [each.line for each in change.lines]
    tickets = Ticket.objects.filter(pk__in=[line.ticket_id for line in ending if line.ticket_id]).order_by("pk")
    # Locked, so that whoever is just being admitted comes before or after us, never beside us (T4).
    states = dict(tickets.select_for_update(no_key=True).values_list("pk", "status"))
    for line in ending:
        if line.ticket is not None:
            line.ticket.status = states[line.ticket.pk]
    refuse_late_lines(order, ending, by_staff=by_staff, now=now)
    fulfilment.end(order, ending)
    _write_down(order, change, now or timezone.now())
    told = before_and_after({"price_minor": change.before_minor}, {"price_minor": change.after_minor})
    details = {"lines": [f"{line.position}. {line.title}" for line in ending], "returned_minor": back_minor, **told}
    record(
        "order.lines_cancelled",
        order,
        actor=actor,
        details=details | ({"reason": reason} if reason else {}),
        payload={"lines": [str(line.pk) for line in ending], "returned_minor": back_minor},
    )
    if order.status == PENDING and order.total_minor == 0:
        # What is left costs nothing: there is nothing to wait for (O4).
        return lifecycle.advance(order, PAID, actor=actor)
    return order


def _write_down(order: Order, change: Change, now: datetime) -> None:
    for each in change.lines:
        line = each.line
        line.status, line.cancelled_at = OrderLine.Status.CANCELLED, now
        if order.status == PAID:
            line.released_minor, line.returned_minor = each.released_minor, each.promised_minor
        else:
            line.charged = False
        line.save(update_fields=["status", "cancelled_at", "released_minor", "returned_minor", "charged"])
    if order.status == PENDING:
        _price_anew(order)


def _price_anew(order: Order) -> None:
    """Nobody has paid yet: the order costs what its lines cost that are left."""
    left = standing(lines_of(order))
    priced = priced_again(order, left)
    for line, amount in zip(left, priced.lines, strict=True):
        line.discount_minor, line.tax_minor = amount.discount_minor, amount.tax_minor
        line.total_minor, line.applied = amount.total_minor, [one.as_json() for one in amount.applied]
        line.save(update_fields=["discount_minor", "tax_minor", "total_minor", "applied"])
    for name in priced.totals.__slots__:
        setattr(order, name, getattr(priced.totals, name))
    order.fees = [fee.as_json() for fee in priced.fees]
    order.save(update_fields=[*priced.totals.__slots__, "fees", "modified_at"])
