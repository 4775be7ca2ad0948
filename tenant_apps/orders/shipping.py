"""Goods on their way: packed, shipped, delivered, perhaps returned. Each line moves once along declared states (O1).

Only goods of a paid order move. Every step is recorded, and its mails follow from that record.
"""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from shared_apps.core.errors import DomainError, FieldError, InvalidInput, WrongState
from tenant_apps.activity.services import before_and_after, record
from tenant_apps.catalog.models import DeliveryMethod, ProductVariant
from tenant_apps.orders import errors, lifecycle
from tenant_apps.orders.fulfilment import pieces
from tenant_apps.orders.models import Order, OrderLine
from tenant_apps.orders.parcel_models import Parcel

State = OrderLine.Fulfilment
UNPACKED, PACKED, SHIPPED, DELIVERED, RETURNED = (
    State.UNPACKED,
    State.PACKED,
    State.SHIPPED,
    State.DELIVERED,
    State.RETURNED,
)


@dataclass(frozen=True, slots=True)
class Step:
    """A move of goods: from which states to which one."""

    name: str
    start: frozenset[str]
    end: str
    # What staff press, and what they read when it is done.
    label: Any
    done: Any


STEPS = {
    step.name: step
    for step in (
        Step("pack", frozenset({UNPACKED}), PACKED, _("Packed"), _("The goods are packed.")),
        Step("ship", frozenset({PACKED}), SHIPPED, _("Shipped"), _("The goods are on their way.")),
        Step("deliver", frozenset({SHIPPED}), DELIVERED, _("Delivered"), _("The goods are delivered.")),
        Step("return", frozenset({SHIPPED, DELIVERED}), RETURNED, _("Returned"), _("The goods are back.")),
    )
}


def starts(order: Order, step: Step) -> frozenset[str]:
    """From which states the order's goods can make this step: what nobody carries is handed over once it is packed."""
    fetched = not order.delivery or order.delivery.get("kind") == DeliveryMethod.Kind.PICKUP
    if step.name == "deliver" and fetched:
        return step.start | {PACKED}
    return step.start


def next_steps(order: Order, lines: Sequence[OrderLine]) -> list[Step]:
    """The steps that at least one of these lines can make now."""
    if order.status != Order.Status.PAID:
        return []
    states = {line.fulfilment for line in lines if _moves(line)}
    return [step for step in STEPS.values() if states & starts(order, step)]


@transaction.atomic
def move(
    order: Order,
    name: str,
    *,
    lines: Collection[uuid.UUID] | None = None,
    carrier: str = "",
    tracking_number: str = "",
    restock: bool = True,
    actor: Any = None,
) -> Order:
    """Move goods of an order one step on: those of the lines, or all that can.

    What made the step already stays as it is, and nothing is recorded twice. Goods that come back are in stock again,
    or with `restock` off written off: they are neither sold nor there any more. Raises InvalidInput for what is no line
    with goods of this order, WrongState for goods that are not so far, NoGoods for an order without any.
    """
    step = STEPS[name]
    order = lifecycle.lock(order) if step.end == RETURNED else _locked(order)
    goods = [line for line in order.lines.order_by("position") if _moves(line)]
    if not goods:
        raise errors.NoGoods
    if order.status != Order.Status.PAID:
        raise WrongState(now=order.get_status_display())
    chosen = _chosen(goods, lines, starts(order, step), step.end)
    if not chosen:
        return order
    before = sorted({str(line.fulfilment) for line in chosen})
    if step.end == RETURNED:
        _take_in(chosen, restock=restock)
    ids = [line.pk for line in chosen]
    OrderLine.objects.filter(pk__in=ids).update(fulfilment=step.end)
    order.save(update_fields=["modified_at"])
    told: dict[str, Any] = {"goods": [f"{line.quantity} × {line.title}"[:200] for line in chosen]}
    payload: dict[str, Any] = {"lines": [str(pk) for pk in ids]}
    if step.end == SHIPPED:
        parcel = Parcel.objects.create(order=order, lines=ids, carrier=carrier, tracking_number=tracking_number)
        told |= {"carrier": carrier, "tracking_number": tracking_number}
        payload["parcel"] = str(parcel.pk)
    if step.end == RETURNED:
        told["restock"] = restock
    change = before_and_after({"fulfilment": ", ".join(before)}, {"fulfilment": step.end})
    record(f"order.{step.end}", order, actor=actor, details={**told, **change}, payload=payload)
    return order


def move_many(orders: Sequence[Order], name: str, *, actor: Any = None, **facts: Any) -> tuple[int, list[str]]:
    """Move the goods of many orders a step on, each in a transaction of its own.

    Returns how many moved, and the codes of those that could not.
    """
    moved, refused = 0, []
    for order in orders:
        try:
            move(order, name, actor=actor, **facts)
        except DomainError:
            refused.append(order.code)
        else:
            moved += 1
    return moved, refused


def _moves(line: OrderLine) -> bool:
    return bool(line.variant_id) and line.status == OrderLine.Status.ACTIVE


def _locked(order: Order) -> Order:
    return Order.objects.select_for_update(no_key=True).get(pk=order.pk)


def _chosen(
    goods: Sequence[OrderLine], wanted: Collection[uuid.UUID] | None, start: frozenset[str], end: str
) -> list[OrderLine]:
    """The lines that move now; those at the end already are left out."""
    if wanted is None:
        chosen = [line for line in goods if line.fulfilment in start]
        if not chosen and not any(line.fulfilment == end for line in goods):
            raise WrongState(now=", ".join(sorted({str(line.get_fulfilment_display()) for line in goods})))
        return chosen
    by_pk = {line.pk: line for line in goods}
    unknown = [
        FieldError(f"lines.{index}", "does_not_exist", _("This order has no such goods."))
        for index, pk in enumerate(wanted)
        if pk not in by_pk
    ]
    if unknown:
        raise InvalidInput(errors=unknown)
    lines = [by_pk[pk] for pk in dict.fromkeys(wanted)]
    for line in lines:
        if line.fulfilment not in start and line.fulfilment != end:
            raise WrongState(now=line.get_fulfilment_display())
    return [line for line in lines if line.fulfilment != end]


def _take_in(lines: Sequence[OrderLine], *, restock: bool) -> None:
    """What came back is no longer sold. Put back into stock it can be sold again; written off it is gone: then what
    there is in all shrinks with it, and as much is free as before."""
    for pk, count in sorted(pieces(lines).items()):
        if not (ProductVariant.objects.take_back(pk, count) if restock else _write_off(pk, count)):
            raise RuntimeError(f"variant {pk} has fewer sold than the {count} that came back")


def _write_off(pk: int, count: int) -> int:
    rows = ProductVariant.objects.filter(Q(capacity__isnull=True) | Q(capacity__gte=count), pk=pk, sold__gte=count)
    return rows.update(sold=F("sold") - count, capacity=F("capacity") - count)
