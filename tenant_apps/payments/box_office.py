"""A sale at the counter: the order, its money and its tickets in one transaction. No provider is asked."""

from dataclasses import replace
from functools import partial
from typing import Any

from shared_apps.core.attempts import last, whole
from tenant_apps.activity.services import before_and_after, record
from tenant_apps.orders import box_office, invoices
from tenant_apps.orders.checkout import Basket, place_order
from tenant_apps.orders.counter import CHANNEL
from tenant_apps.orders.models import Order
from tenant_apps.payments.models import LedgerEntry, Payment


def sell(basket: Basket, way: str, *, actor: Any) -> Order:
    """Sell at the counter for cash, or give away; the order is paid at once and its tickets are issued (O4).

    Raises UnknownTicketType and UnknownGoods for what the actor may not sell, SoldOut, and the refusals of a basket
    that is none.
    """
    box_office.refuse_foreign(basket.lines, actor)
    basket = replace(
        basket,
        channel=CHANNEL,
        unlocked=box_office.unlocked(basket.lines),
        complimentary=way == box_office.COMPLIMENTARY,
    )

    def act() -> Order:
        order = place_order(basket, actor=actor)
        if order.total_minor:
            _take_cash(order, actor)
        return order

    return whole(act)


def _take_cash(order: Order, actor: Any) -> None:
    payment = Payment(
        order=order,
        provider="cash",
        status=Payment.Status.SUCCEEDED,
        amount_minor=order.total_minor,
        captured_minor=order.total_minor,
        currency=order.currency,
    )
    payment.reference = str(payment.pk)
    payment.save(force_insert=True)
    LedgerEntry.objects.create(
        kind=LedgerEntry.Kind.PAYMENT,
        provider=payment.provider,
        reference=payment.reference,
        order=order,
        amount_minor=payment.captured_minor,
        currency=payment.currency,
    )
    change = before_and_after({"status": None}, {"status": payment.status})
    record("payment.succeeded", payment, actor=actor, details={"order": order.code, "provider": "cash", **change})
    # After the claims: the row that numbers invoices is locked last of all.
    last(partial(_number, order))


def _number(order: Order) -> None:
    invoices.issue_if_due(order)
