"""Money in: tries to pay, and what their outcome does to the order."""

from typing import Any

from django.db import transaction
from django.db.models import F, Sum

from shared_apps.core.errors import SoldOut, WrongState
from tenant_apps.activity.services import before_and_after, made, record
from tenant_apps.orders import lifecycle
from tenant_apps.orders.checkout import Basket, place_order
from tenant_apps.orders.models import Order
from tenant_apps.payments import providers
from tenant_apps.payments.errors import NothingToPay
from tenant_apps.payments.models import LedgerEntry, Payment
from tenant_apps.payments.providers.base import Started

FINAL = (Payment.Status.SUCCEEDED, Payment.Status.CANCELLED, Payment.Status.REFUNDED, Payment.Status.PARTIALLY_REFUNDED)


@transaction.atomic
def place(basket: Basket, *, user: Any = None, actor: Any = None) -> tuple[Order, Payment | None]:
    """Place the order together with the intent to pay it; no payment for a free order.

    Both are committed before the provider is asked by `ask` (O3). Raises what `place_order` raises, UnknownProvider.
    """
    order = place_order(basket, user=user, actor=actor)
    if order.status != Order.Status.PENDING:
        return order, None
    return order, _intend(order, providers.choose(basket.provider).name)


def place_and_start(
    basket: Basket, *, user: Any = None, actor: Any = None
) -> tuple[Order, Payment | None, Started | None]:
    """Place the order, commit, and ask the provider. Must not run inside a transaction."""
    order, payment = place(basket, user=user, actor=actor)
    if payment is None:
        return order, None, None
    payment, started = ask(payment, **basket.options)
    return payment.order, payment, started


@transaction.atomic
def intend(order: Order, provider_name: str, *, actor: Any = None) -> Payment:
    """Write down another try to pay a pending order. Raises NothingToPay, UnknownProvider."""
    provider = providers.choose(provider_name)
    order = lifecycle.lock(order)
    if order.status != Order.Status.PENDING:
        raise NothingToPay
    payment = _intend(order, provider.name)
    told = made(provider=provider.name, amount_minor=payment.amount_minor, currency=payment.currency)
    record("payment.started", payment, actor=actor, details={"order": order.code, **told}, deliver=False)
    return payment


def start(order: Order, provider_name: str, *, actor: Any = None, **options: Any) -> tuple[Payment, Started]:
    """Try (again) to pay a pending order. Must not run inside a transaction. Raises NothingToPay, UnknownProvider."""
    return ask(intend(order, provider_name, actor=actor), **options)


def _intend(order: Order, provider: str) -> Payment:
    return Payment.objects.create(order=order, provider=provider, amount_minor=_owed(order), currency=order.currency)


def _owed(order: Order) -> int:
    paid = order.payments.aggregate(sum=Sum(F("captured_minor") - F("refunded_minor")))["sum"] or 0
    return order.total_minor - paid


def ask(payment: Payment, **options: Any) -> tuple[Payment, Started]:
    """Ask the provider for an intended payment's money, outside any transaction, and record what it says (O3)."""
    started = providers.by_name(payment.provider).start(payment, options)
    if started.outcome == "pending":
        Payment.objects.filter(pk=payment.pk).update(reference=started.reference)
        payment.reference = started.reference
        return payment, started
    return settle(payment, started.outcome, reference=started.reference), started


@transaction.atomic
def settle(payment: Payment, outcome: str, *, reference: str, actor: Any = None) -> Payment:
    """Record what became of a try to pay, and move the order on if it is paid in full (O4).

    Repeating it changes nothing (O8). Money for an order that ended takes its places again if they are free;
    otherwise it goes back in full (O5).
    """
    order = lifecycle.lock(payment.order)
    payment = Payment.objects.select_for_update(no_key=True).get(pk=payment.pk)
    payment.order = order
    if payment.status in FINAL or payment.status == outcome:
        return payment
    before = payment.status
    payment.status, payment.reference = outcome, reference
    if outcome == Payment.Status.SUCCEEDED:
        payment.captured_minor = payment.amount_minor
    payment.save(update_fields=["status", "reference", "captured_minor", "modified_at"])
    change = before_and_after({"status": before}, {"status": outcome})
    details = {"order": order.code, "provider": payment.provider, **change}
    record(f"payment.{outcome}", payment, actor=actor, details=details)
    if outcome == Payment.Status.SUCCEEDED:
        LedgerEntry.objects.create(
            kind=LedgerEntry.Kind.PAYMENT,
            provider=payment.provider,
            reference=reference,
            order=order,
            amount_minor=payment.captured_minor,
            currency=payment.currency,
        )
        payment.order = _move_on(order, payment, actor)
    return payment


def _move_on(order: Order, payment: Payment, actor: Any) -> Order:
    from tenant_apps.payments.refunds import intend_refund

    if order.status == Order.Status.PAID:  # paid twice: the second money goes back (O5)
        intend_refund(payment, payment.captured_minor, reason="paid twice", actor=actor)
        return order
    if _owed(order) > 0:
        return order
    try:
        with transaction.atomic():
            return lifecycle.advance(order, Order.Status.PAID, actor=actor)
    except (SoldOut, WrongState):
        intend_refund(payment, payment.captured_minor, reason="order ended before the money came", actor=actor)
        return order


def mark_paid(order: Order, *, actor: Any = None) -> Order:
    """Staff say that the money is there, by transfer or in cash. A paid order stays as it is.

    Raises NothingToPay for an order that was cancelled.
    """
    with transaction.atomic():
        order = lifecycle.lock(order)
        if order.status == Order.Status.PAID:
            return order
        if order.status == Order.Status.CANCELLED:
            raise NothingToPay
        payment = order.payments.filter(provider="manual", status=Payment.Status.PENDING).first()
        payment = payment or _intend(order, "manual")
        payment = settle(payment, Payment.Status.SUCCEEDED, reference=str(payment.pk), actor=actor)
        if payment.order.status != Order.Status.PAID:
            # Nobody took money yet: rather refuse than take it and send it back.
            raise SoldOut(what=order.code)
    return payment.order
