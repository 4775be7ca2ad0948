"""Lines of an order that are cancelled by themselves, and their money."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction

from shared_apps.core.errors import DomainError, WrongState
from shared_apps.core.money import allocate, to_text
from tenant_apps.orders import cancelling, lifecycle
from tenant_apps.orders.models import Order, OrderLine
from tenant_apps.orders.services import refuse_late_lines
from tenant_apps.payments.errors import LineNotActive, RefundTooLarge
from tenant_apps.payments.models import Refund
from tenant_apps.payments.refunds import (
    carry_out,
    intend_cancellation,
    intend_order_refund,
    refundable_minor,
    returned_minor,
)
from tenant_apps.payments.services import follow_price
from tenant_apps.ticketing.lifecycle import move_all
from tenant_apps.ticketing.models import Ticket


@dataclass(frozen=True, slots=True)
class Preview:
    """What cancelling would do, told before it is done. `refusal` is why it cannot be done."""

    change: cancelling.Change
    back_minor: int
    refusal: DomainError | None

    def back_by_line(self) -> list[int]:
        """What comes back, line by line, in minor units; they sum to `back_minor` where no fees come back besides."""
        promised = [each.promised_minor for each in self.change.lines]
        return allocate(min(self.back_minor, sum(promised)), promised)


def preview(order: Order, wanted: Collection[UUID] | None = None, *, by_staff: bool = False) -> Preview:
    """Reckon what cancelling these lines, or the whole order, would do now; changes nothing. Raises UnknownLine."""
    lines = cancelling.lines_of(order)
    ending = cancelling.standing(lines if wanted is None else cancelling.chosen(lines, wanted))
    return _previewed(order, lines, ending, refundable_minor(order), by_staff)


def previews(order: Order, *, by_staff: bool = False) -> dict[UUID, Preview]:
    """The same for each line that stands, cancelled by itself; for pages that show all of them."""
    lines = cancelling.lines_of(order)
    there = refundable_minor(order)
    return {line.pk: _previewed(order, lines, [line], there, by_staff) for line in cancelling.standing(lines)}


def _previewed(
    order: Order, lines: Sequence[OrderLine], ending: Sequence[OrderLine], there: int, by_staff: bool
) -> Preview:
    change = cancelling.change_of(order, lines, ending, by_staff=by_staff)
    refusal: DomainError | None = None
    if order.status not in (Order.Status.PENDING, Order.Status.PAID) or not ending:
        refusal = WrongState(now=order.get_status_display() if ending else OrderLine.Status.CANCELLED.label)
    else:
        try:
            refuse_late_lines(order, ending, by_staff=by_staff, whole=change.whole)
        except DomainError as error:
            refusal = error
    back = 0 if refusal else _back(order, lines, change, there, by_staff)
    return Preview(change, back, refusal)


def _back(order: Order, lines: Sequence[OrderLine], change: cancelling.Change, there: int, by_staff: bool) -> int:
    """What goes back for these lines: what is promised, and never what the rest of the order costs or what was kept of
    lines that were cancelled before. So money that staff sent back already is not sent twice."""
    if order.status != Order.Status.PAID:
        return 0
    if change.whole:
        return returned_minor(order, by_staff=by_staff)
    return min(change.promised_minor, max(0, there - cancelling.kept_minor(lines) - change.after_minor))


@transaction.atomic
def intend_line_cancellation(
    order: Order, wanted: Collection[UUID], *, actor: Any = None, by_staff: bool = False, reason: str = ""
) -> tuple[Order, list[Refund]]:
    """Cancel lines: places, tickets and the intent to send their money back go in one transaction. With the last line
    the order itself is cancelled. Lines that are cancelled already stay so, and nothing more is sent (O1).

    Raises what `orders.cancelling.cancel_lines` raises, and UnknownLine.
    """
    order = lifecycle.lock(order)
    list(order.payments.order_by("pk").select_for_update(no_key=True).values_list("pk"))
    lines = cancelling.lines_of(order)
    ending = cancelling.standing(cancelling.chosen(lines, wanted))
    if not ending or order.status == Order.Status.CANCELLED:
        return order, []
    change = cancelling.change_of(order, lines, ending, by_staff=by_staff)
    if change.whole:
        return intend_cancellation(order, actor=actor, by_staff=by_staff, reason=reason)
    back = _back(order, lines, change, refundable_minor(order), by_staff)
    order = cancelling.cancel_lines(order, change, back, actor=actor, by_staff=by_staff, reason=reason)
    if order.status == Order.Status.PENDING:
        follow_price(order)
    if not back:
        return order, []
    return order, intend_order_refund(order, back, reason=reason or "line cancelled", actor=actor)


@transaction.atomic
def intend_line_refund(
    order: Order, wanted: Collection[UUID], *, actor: Any = None, reason: str = ""
) -> tuple[Order, list[Refund]]:
    """Take lines back for their whole price: their money goes back, and their tickets are refunded ones (T4).

    Goods that are packed already are refunded by amount. Raises UnknownLine, LineNotActive, RefundTooLarge where
    nothing was paid, GoodsPacked.
    """
    order = lifecycle.lock(order)
    ending = cancelling.chosen(cancelling.lines_of(order), wanted)
    if cancelling.standing(ending) != ending:
        raise LineNotActive(field="lines")
    if refundable_minor(order) <= 0:
        raise RefundTooLarge(field="lines", left=to_text(0, order.currency), currency=order.currency)
    tickets = [line.ticket_id for line in ending if line.ticket_id]
    order, refunds = intend_line_cancellation(
        order, wanted, actor=actor, by_staff=True, reason=reason or "lines refunded"
    )
    if refunds:
        move_all(Ticket.objects.filter(pk__in=tickets), Ticket.Status.REFUNDED)
    return order, refunds


def cancel_lines(
    order: Order, wanted: Collection[UUID], *, actor: Any = None, by_staff: bool = False, reason: str = ""
) -> Order:
    """Cancel lines and send their money back. Must not run inside a transaction."""
    order, refunds = intend_line_cancellation(order, wanted, actor=actor, by_staff=by_staff, reason=reason)
    for refund in refunds:
        carry_out(refund)
    order.refresh_from_db()
    return order
