"""A sale at the counter: the order, its money and its tickets in one transaction. No provider is asked."""

from dataclasses import replace
from typing import Any

from django.db import transaction

from tenant_apps.orders import box_office
from tenant_apps.orders.checkout import Basket, place_order
from tenant_apps.orders.counter import CHANNEL
from tenant_apps.orders.models import Order
from tenant_apps.payments.models import Payment
from tenant_apps.payments.services import settle


@transaction.atomic
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
    order = place_order(basket, actor=actor)
    if order.status != Order.Status.PENDING:
        return order
    payment = Payment.objects.create(
        order=order, provider="cash", amount_minor=order.total_minor, currency=order.currency
    )
    return settle(payment, Payment.Status.SUCCEEDED, reference=str(payment.pk), actor=actor).order
