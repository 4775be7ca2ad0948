"""Money in: tries to pay, and what their outcome does to the order."""

from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, Sum
from django.utils import timezone

from shared_apps.core.errors import SoldOut, WrongState
from shared_apps.core.faults import point
from tenant_apps.activity.services import before_and_after, made, record
from tenant_apps.orders import lifecycle
from tenant_apps.orders.checkout import Basket, place_order
from tenant_apps.orders.models import Order, WaitingEntry
from tenant_apps.payments import providers
from tenant_apps.payments.errors import NothingToPay, ProviderUnavailable, TooManyTries
from tenant_apps.payments.models import LedgerEntry, Payment, ProviderAccount
from tenant_apps.payments.providers.base import Provider, ProviderFailed, ProviderRefused, Started

# Whose money people move and staff see come.
BY_HAND = ("manual", "bank_transfer", "cash")
# A buyer who changes their mind is welcome; a machine that tries cards is not.
MOST_TRIES = 15
# When an open payment is asked about, counted from its start and then from the last question (O9).
POLL_AFTER = tuple(timedelta(minutes=minutes) for minutes in (5, 5, 10, 15, 30, 60, 120, 240, 360))
FINAL = (Payment.Status.SUCCEEDED, Payment.Status.CANCELLED, Payment.Status.REFUNDED, Payment.Status.PARTIALLY_REFUNDED)


@transaction.atomic
def place(
    basket: Basket, *, user: Any = None, actor: Any = None, offer: WaitingEntry | None = None
) -> tuple[Order, Payment | None]:
    """Place the order together with the intent to pay it; no payment for a free order.

    Both are committed before the provider is asked by `ask` (O3). Raises what `place_order` raises, UnknownProvider.
    """
    order = place_order(basket, user=user, actor=actor, offer=offer)
    if order.status != Order.Status.PENDING:
        return order, None
    return order, _intend(order, providers.choose(basket.provider))


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
    if order.payments.count() >= MOST_TRIES:
        raise TooManyTries(most=MOST_TRIES)
    payment = _intend(order, provider)
    told = made(provider=provider.name, amount_minor=payment.amount_minor, currency=payment.currency)
    record("payment.started", payment, actor=actor, details={"order": order.code, **told}, deliver=False)
    return payment


def start(order: Order, provider_name: str, *, actor: Any = None, **options: Any) -> tuple[Payment, Started]:
    """Try (again) to pay a pending order. Must not run inside a transaction. Raises NothingToPay, UnknownProvider."""
    return ask(intend(order, provider_name, actor=actor), **options)


def _intend(order: Order, provider: Provider, **fields: Any) -> Payment:
    account = None
    if provider.needs_account:
        account = ProviderAccount.objects.filter(provider=provider.name, enabled=True).first()
    return Payment.objects.create(
        order=order,
        provider=provider.name,
        account=account,
        amount_minor=_owed(order),
        currency=order.currency,
        poll_at=timezone.now() + POLL_AFTER[0] if account else None,
        **fields,
    )


def _owed(order: Order) -> int:
    # Money in another currency pays nothing of it, nor does what is on its way back (O5).
    left = F("captured_minor") - F("refunded_minor") - F("refunding_minor")
    paid = order.payments.filter(currency=order.currency).aggregate(sum=Sum(left))
    return order.total_minor - (paid["sum"] or 0)


def ask(payment: Payment, **options: Any) -> tuple[Payment, Started]:
    """Ask the provider for an intended payment's money, outside any transaction, and record what it says (O3).

    Raises ProviderUnavailable; then it is not known what the provider did, and it is asked again later (O9).
    """
    provider = providers.by_name(payment.provider)
    point("payment.before_start")
    try:
        started = provider.start(payment, options)
    except ProviderFailed:
        raise ProviderUnavailable(provider=provider.label) from None
    except ProviderRefused:
        started = Started("failed", "")
    point("payment.started")
    if started.outcome == "pending":
        Payment.objects.filter(pk=payment.pk).update(reference=started.reference or None, session=started.session)
        payment.reference, payment.session = started.reference or None, started.session
        return payment, started
    return settle(payment, started.outcome, reference=started.reference), started


@transaction.atomic
def settle(
    payment: Payment,
    outcome: str,
    *,
    reference: str,
    amount_minor: int | None = None,
    currency: str = "",
    fee_minor: int = 0,
    actor: Any = None,
) -> Payment:
    """Record what became of a try to pay, and move the order on if it is paid in full (O4).

    `amount_minor` of `currency` is what was really taken, where that is known; by default what was asked for.
    Repeating it changes nothing (O8). Money for an order that ended takes its places again if they are free;
    otherwise, and if it is too little or of another currency, it goes back in full. What is too much of it goes
    back as well (O5).
    """
    order = lifecycle.lock(payment.order)
    payment = Payment.objects.select_for_update(no_key=True).get(pk=payment.pk)
    payment.order = order
    # We may have given up too soon: money that came all the same is never kept without a word (O5).
    came_late = payment.status == Payment.Status.CANCELLED and outcome == Payment.Status.SUCCEEDED
    if payment.status == outcome or (payment.status in FINAL and not came_late):
        return payment
    before = payment.status
    payment.status, payment.reference = outcome, reference or payment.reference
    change = before_and_after({"status": before}, {"status": outcome})
    details: dict[str, Any] = {"order": order.code, "provider": payment.provider, **change}
    changed = ["status", "reference", "captured_minor", "currency", "fee_minor", "poll_at", "modified_at"]
    if outcome == Payment.Status.SUCCEEDED:
        asked = payment.amount_minor, payment.currency
        payment.captured_minor = payment.amount_minor if amount_minor is None else amount_minor
        payment.currency = currency or payment.currency
        payment.fee_minor = fee_minor or payment.fee_minor
        if (payment.captured_minor, payment.currency) != asked:
            details |= {"asked": asked, "captured": (payment.captured_minor, payment.currency)}
    if outcome in FINAL:
        payment.poll_at = None
    payment.save(update_fields=changed)
    record(f"payment.{outcome}", payment, actor=actor, details=details)
    point("payment.settled")
    if outcome == Payment.Status.SUCCEEDED and payment.captured_minor > 0:
        LedgerEntry.objects.create(
            kind=LedgerEntry.Kind.PAYMENT,
            provider=payment.provider,
            reference=payment.reference or str(payment.pk),
            order=order,
            amount_minor=payment.captured_minor,
            currency=payment.currency,
        )
        point("payment.booked")
        payment.order = _move_on(order, payment, actor)
    return payment


def _move_on(order: Order, payment: Payment, actor: Any) -> Order:
    from tenant_apps.payments.refunds import intend_refund

    def send_back(amount_minor: int, reason: str) -> Order:
        intend_refund(payment, amount_minor, reason=reason, actor=actor)
        return order

    if payment.currency != order.currency:
        return send_back(payment.captured_minor, "paid in another currency")
    if order.status == Order.Status.PAID:  # paid twice: the second money goes back (O5)
        return send_back(payment.captured_minor, "paid twice")
    if payment.captured_minor < payment.amount_minor:
        return send_back(payment.captured_minor, "paid too little")
    owed = _owed(order)
    if owed > 0:
        return order
    try:
        with transaction.atomic():
            paid = lifecycle.advance(order, Order.Status.PAID, actor=actor)
    except (SoldOut, WrongState):
        return send_back(payment.captured_minor, "order ended before the money came")
    if owed < 0:
        send_back(-owed, "paid too much")
    return paid


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
        by_hand = order.payments.filter(provider__in=BY_HAND, status=Payment.Status.PENDING)
        payment = by_hand.order_by("-created_at").first() or _intend(order, providers.by_name("manual"))
        payment = settle(payment, Payment.Status.SUCCEEDED, reference=str(payment.pk), actor=actor)
        if payment.order.status != Order.Status.PAID:
            # Nobody took money yet: rather refuse than take it and send it back.
            raise SoldOut(what=order.code)
    return payment.order
