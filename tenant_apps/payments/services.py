"""Money in: tries to pay, and what their outcome does to the order."""

from collections.abc import Collection
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, Min, Sum
from django.utils import timezone

from shared_apps.core.attempts import whole
from shared_apps.core.errors import SoldOut, WrongState
from shared_apps.core.faults import point
from shared_apps.core.inserting import insert_all
from tenant_apps.activity.services import before_and_after, made, record
from tenant_apps.events.models import Event
from tenant_apps.orders import lifecycle
from tenant_apps.orders.checkout import Basket, place_order
from tenant_apps.orders.errors import NotOnSale
from tenant_apps.orders.models import Order, OrderLine, WaitingEntry
from tenant_apps.payments import ledger, providers
from tenant_apps.payments.errors import NothingToPay, ProviderUnavailable, TooManyTries
from tenant_apps.payments.models import LedgerEntry, Payment, ProviderAccount
from tenant_apps.payments.providers.base import Provider, ProviderFailed, ProviderRefused, Started
from tenant_apps.promotions.errors import VoucherUsedUp
from tenants.context import current_tenant
from tenants.preferences import preference

# Whose money people move and staff see come.
BY_HAND = ("manual", "bank_transfer", "cash")
# A buyer who changes their mind is welcome; a machine that tries cards is not.
MOST_TRIES = 15
# When an open payment is asked about, counted from its start and then from the last question (O9).
POLL_AFTER = tuple(timedelta(minutes=minutes) for minutes in (5, 5, 10, 15, 30, 60, 120, 240, 360))
FINAL = (Payment.Status.SUCCEEDED, Payment.Status.CANCELLED, Payment.Status.REFUNDED, Payment.Status.PARTIALLY_REFUNDED)


def place(
    basket: Basket, *, user: Any = None, actor: Any = None, offer: WaitingEntry | None = None
) -> tuple[Order, Payment | None]:
    """Place the order together with the intent to pay it; no payment for a free order.

    Both are committed before the provider is asked by `ask` (O3). Raises what `place_order` raises, UnknownProvider.
    """

    def both() -> tuple[Order, Payment | None]:
        order = place_order(basket, user=user, actor=actor, offer=offer)
        if order.status != Order.Status.PENDING:
            return order, None
        provider = providers.choose(basket.provider)
        if provider.slow:
            _hold_longer(order)
        return order, _intend(order, provider, owed_minor=order.total_minor)

    return whole(both)


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
    """Write down another try to pay a pending order. Raises NothingToPay, UnknownProvider, and NotOnSale for places at
    an event that was cancelled since: that money would only have to go back."""
    provider = providers.choose(provider_name)
    order = lifecycle.lock(order)
    if order.status != Order.Status.PENDING:
        raise NothingToPay
    alive = order.lines.filter(status=OrderLine.Status.ACTIVE)
    called_off = alive.filter(event__status=Event.Status.CANCELLED).values_list("event__title", flat=True).first()
    if called_off is not None:
        raise NotOnSale(what=called_off)
    if order.payments.count() >= MOST_TRIES:
        raise TooManyTries(most=MOST_TRIES)
    if provider.slow:
        _hold_longer(order)
    payment = _intend(order, provider)
    told = made(provider=provider.name, amount_minor=payment.amount_minor, currency=payment.currency)
    record("payment.started", payment, actor=actor, details={"order": order.code, **told}, deliver=False)
    return payment


def start(order: Order, provider_name: str, *, actor: Any = None, **options: Any) -> tuple[Payment, Started]:
    """Try (again) to pay a pending order. Must not run inside a transaction. Raises NothingToPay, UnknownProvider."""
    return ask(intend(order, provider_name, actor=actor), **options)


def _intend(order: Order, provider: Provider, *, owed_minor: int | None = None, **fields: Any) -> Payment:
    account = None
    if provider.needs_account:
        account = ProviderAccount.objects.filter(provider=provider.name, enabled=True).first()
    payment = Payment(
        order=order,
        provider=provider.name,
        account=account,
        amount_minor=_owed(order) if owed_minor is None else owed_minor,
        currency=order.currency,
        poll_at=timezone.now() + POLL_AFTER[0] if account else None,
        **fields,
    )
    if provider.by_hand:
        payment.reference = provider.start(payment, {}).reference
    insert_all([payment])
    return payment


def is_started(payment: Payment) -> Started | None:
    """How an intended payment goes on if nobody has to be asked for that: money that people move. Else None."""
    provider = providers.by_name(payment.provider)
    return provider.start(payment, {}) if provider.by_hand else None


def begin_by_hand(order: Order, provider: Provider) -> Payment:
    """Write down a payment of what is owed that nobody announced. For a caller that has locked the order."""
    return _intend(order, provider)


def follow_price(order: Order) -> None:
    """Have what people are to move by hand follow the price of an order that costs something else now. For a caller
    that has locked the order and its payments. A provider's page that is open stays as it is (O5)."""
    by_hand = order.payments.filter(provider__in=BY_HAND, status=Payment.Status.PENDING)
    by_hand.update(amount_minor=_owed(order), modified_at=timezone.now())


def _hold_longer(order: Order) -> None:
    """Hold the places for as long as a bank takes, counted from when the order was placed, so that choosing the way
    to pay anew gains nothing; never past the start of the first event. What was held longer stays so."""
    if order.expires_at is None:
        return
    wanted = order.created_at + timedelta(days=preference(current_tenant(), "bank_transfer_hold_days"))
    lines = order.lines.filter(status="active", event__isnull=False)
    starts = lines.aggregate(first=Min("event__starts_at"))["first"]
    until = max(order.expires_at, min(wanted, starts) if starts else wanted)
    if until > order.expires_at:
        order.expires_at = until
        Order.objects.filter(pk=order.pk).update(expires_at=until)


def owed_of(orders: Collection[Order]) -> dict[Any, int]:
    """What is still to be paid of each order's total, in minor units, by its id; one statement."""
    # Money in another currency pays nothing of it, nor does what is on its way back (O5).
    own = Payment.objects.filter(order__in=[order.pk for order in orders], currency=F("order__currency"))
    paid = own.values("order_id").annotate(sum=Sum(F("captured_minor") - F("refunded_minor") - F("refunding_minor")))
    sums = dict(paid.values_list("order_id", "sum"))
    return {order.pk: order.total_minor - (sums.get(order.pk) or 0) for order in orders}


def _owed(order: Order) -> int:
    return owed_of([order])[order.pk]


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
        payment.reference, payment.session = started.reference or None, started.session
        payment.fee_minor = provider.fee_minor(payment)
        Payment.objects.filter(pk=payment.pk).update(
            reference=payment.reference, session=payment.session, fee_minor=payment.fee_minor
        )
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
        ledger.enter(payment, LedgerEntry.Kind.PAYMENT, payment.captured_minor)
        ledger.enter(payment, LedgerEntry.Kind.FEE, -payment.fee_minor)
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
    if order.status == Order.Status.EXPIRED and order.lines.filter(event__status="cancelled").exists():
        return send_back(payment.captured_minor, "the event was called off")
    if payment.captured_minor < payment.amount_minor:
        return send_back(payment.captured_minor, "paid too little")
    owed = _owed(order)
    if owed > 0:
        # Asked for before the order was priced anew, without lines that gave others a discount.
        return send_back(payment.captured_minor, "paid too little")
    try:
        with transaction.atomic():
            paid = lifecycle.advance(order, Order.Status.PAID, actor=actor)
    except (SoldOut, VoucherUsedUp, WrongState):
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
