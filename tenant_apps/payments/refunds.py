"""Money out. The amount is reserved on the payment before the provider is asked (M7)."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import F, Sum
from django.utils import timezone

from shared_apps.core.faults import point
from shared_apps.core.money import share, to_text
from tenant_apps.activity.services import before_and_after, made, record
from tenant_apps.events.refunds import percent_now
from tenant_apps.orders import cancelling, invoices, lifecycle
from tenant_apps.orders import services as orders
from tenant_apps.orders.models import Order
from tenant_apps.payments import ledger, providers
from tenant_apps.payments.errors import RefundTooLarge
from tenant_apps.payments.mass_rows import follow
from tenant_apps.payments.models import LedgerEntry, Payment, Refund
from tenant_apps.payments.providers.base import ProviderFailed, ProviderRefused, Refunded
from tenant_apps.payments.services import POLL_AFTER
from tenants.database import connection

# First key of the advisory locks on one payment's refunds; the second is a hash of tenant and payment.
REFUND_LOCK = 7106


def refundable_minor(order: Order) -> int:
    """How much of the order's money can still go back, in minor units."""
    left = order.payments.aggregate(sum=Sum(F("captured_minor") - F("refunded_minor") - F("refunding_minor")))
    return left["sum"] or 0


def intend_refund(payment: Payment, amount_minor: int, *, reason: str = "", actor: Any = None) -> Refund:
    """Reserve an amount for going back. Runs in the caller's transaction; `carry_out` does it after commit.

    Raises RefundTooLarge if less than that is left (M7).
    """
    reserved = Payment.objects.filter(
        pk=payment.pk, captured_minor__gte=F("refunded_minor") + F("refunding_minor") + amount_minor
    ).update(refunding_minor=F("refunding_minor") + amount_minor)
    if amount_minor <= 0 or not reserved:
        payment.refresh_from_db()
        left = payment.captured_minor - payment.refunded_minor - payment.refunding_minor
        raise RefundTooLarge(field="amount", left=to_text(left, payment.currency), currency=payment.currency)
    refund = Refund.objects.create(payment=payment, amount_minor=amount_minor, currency=payment.currency, reason=reason)
    details = {
        "order": payment.order.code,
        "reason": reason,
        **made(amount_minor=amount_minor, currency=refund.currency),
    }
    record("refund.requested", refund, actor=actor, details=details)
    point("refund.intended")
    return refund


def carry_out(refund: Refund) -> Refund:
    """Send an intended refund through its provider and record the result. Repeating it changes nothing (O3, G2).

    A provider that does not answer leaves it pending; it is asked again later (O9). One that refuses ends it: the
    amount is free to go back another way, and staff are told.
    """
    if refund.status != Refund.Status.PENDING:
        return refund
    provider = providers.by_name(refund.payment.provider)
    try:
        with _one_at_a_time(refund.payment):
            point("refund.before_call")
            # In doubt whether it was made before: asking makes it under its own key, or finds it.
            told = provider.ask_refund(refund) if refund.polls or refund.reference else provider.refund(refund)
            point("refund.after_call")
    except ProviderFailed:
        return _ask_later(refund)
    except ProviderRefused as refusal:
        return record_refund(refund, Refunded(Refund.Status.FAILED, refund.reference or ""), words=str(refusal))
    if told is None:
        return _ask_later(refund)
    return record_refund(refund, told)


@contextmanager
def _one_at_a_time(payment: Payment) -> Iterator[None]:
    """Two refunds of one payment are not sent at once: a provider without keys for idempotency tells by the sum what
    was sent. A session's lock, as no transaction may be open here; it ends with the connection if we are killed."""
    key = f"{connection.schema_name} refund {payment.pk}"
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s, hashtext(%s))", [REFUND_LOCK, key])
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s, hashtext(%s))", [REFUND_LOCK, key])


def _ask_later(refund: Refund, reference: str = "") -> Refund:
    pause = POLL_AFTER[min(refund.polls, len(POLL_AFTER) - 1)]
    refund.polls, refund.poll_at = refund.polls + 1, timezone.now() + pause
    changes: dict[str, Any] = {"polls": refund.polls, "poll_at": refund.poll_at}
    if reference:
        refund.reference = changes["reference"] = reference
    Refund.objects.filter(pk=refund.pk, status=Refund.Status.PENDING).update(**changes)
    return refund


def record_refund(refund: Refund, told: Refunded, *, words: str = "") -> Refund:
    """Record what a provider says about a refund. Repeating it changes nothing (O8)."""
    if told.outcome == Refund.Status.PENDING:
        return _ask_later(refund, told.reference)
    return _record_end(refund, told, words)


@transaction.atomic
def _record_end(refund: Refund, told: Refunded, words: str) -> Refund:
    order = lifecycle.lock(refund.payment.order)
    payment = Payment.objects.select_for_update(no_key=True).get(pk=refund.payment_id)
    refund = Refund.objects.select_for_update(no_key=True).get(pk=refund.pk)
    if refund.status != Refund.Status.PENDING:
        return refund
    done = told.outcome == Refund.Status.SUCCEEDED
    refund.status, refund.reference, refund.poll_at = told.outcome, told.reference or refund.reference, None
    refund.save(update_fields=["status", "reference", "poll_at", "modified_at"])
    payment.refunding_minor -= refund.amount_minor
    if done:
        payment.refunded_minor += refund.amount_minor
        whole = payment.refunded_minor == payment.captured_minor
        payment.status = Payment.Status.REFUNDED if whole else Payment.Status.PARTIALLY_REFUNDED
    payment.save(update_fields=["status", "refunding_minor", "refunded_minor", "modified_at"])
    if not done:
        # Somebody has to look at it: the money was promised.
        record("refund.failed", refund, details={"order": order.code, "words": words[:300]})
        follow(refund, words)
        return refund
    reference = refund.reference or str(refund.pk)
    ledger.enter(payment, LedgerEntry.Kind.REFUND, -refund.amount_minor, reference=reference)
    ledger.enter(payment, LedgerEntry.Kind.FEE, ledger.fee_back(payment, refund.amount_minor), reference=reference)
    follow(refund)
    before = order.refunded_minor
    _update_order(order)
    change = before_and_after({"refunded_minor": before}, {"refunded_minor": order.refunded_minor})
    details = {"amount_minor": refund.amount_minor, "currency": refund.currency, **change}
    record("order.refunded", order, details=details, payload={"refund": str(refund.pk)})
    if order.refunded_minor > before:
        invoices.credit(order, order.refunded_minor - before, cause=f"refund:{refund.pk}")
    point("refund.booked")
    return refund


def _update_order(order: Order) -> None:
    """Money that was paid on top of the total, or in another currency, goes back without making the order a refunded
    one; nor does that of a try which never paid it (O5)."""
    own = order.payments.filter(currency=order.currency)
    sums = own.aggregate(captured=Sum("captured_minor"), returned=Sum("refunded_minor"), open=Sum("refunding_minor"))
    excess = max(0, (sums["captured"] or 0) - order.total_minor)
    if order.paid_at is None:
        excess = sums["captured"] or 0
    # The excess is reserved as soon as it comes: as long as it is under way, none of what has gone was it.
    excess = max(0, excess - (sums["open"] or 0))
    order.refunded_minor = min(order.total_minor, max(0, (sums["returned"] or 0) - excess))
    order.save(update_fields=["refunded_minor", "modified_at"])


@transaction.atomic
def record_foreign_refund(payment: Payment, amount_minor: int, reference: str) -> Refund | None:
    """Record money that staff sent back at the provider's own site. None if it is known already (M8).

    The tickets stay as they are, as with any refund.
    """
    order = lifecycle.lock(payment.order)
    payment = Payment.objects.select_for_update(no_key=True).get(pk=payment.pk)
    if payment.refunds.filter(reference=reference).exists():
        return None
    payment.order = order
    refund = intend_refund(payment, amount_minor, reason="refunded at the provider")
    return _record_end(refund, Refunded(Refund.Status.SUCCEEDED, reference), "")


@transaction.atomic
def intend_order_refund(
    order: Order, amount_minor: int | None = None, *, reason: str = "", actor: Any = None
) -> list[Refund]:
    """Reserve an amount of the order's money for going back, all that is left by default; the newest payment first.

    Raises RefundTooLarge. The tickets stay as they are: cancelling is an act of its own.
    """
    order = lifecycle.lock(order)
    left = refundable_minor(order)
    wanted = left if amount_minor is None else amount_minor
    if not 0 < wanted <= left:
        raise RefundTooLarge(field="amount", left=to_text(left, order.currency), currency=order.currency)
    refunds = []
    for payment in order.payments.select_for_update(no_key=True).order_by("-created_at"):
        part = min(wanted, payment.captured_minor - payment.refunded_minor - payment.refunding_minor)
        if part > 0:
            refunds.append(intend_refund(payment, part, reason=reason, actor=actor))
            wanted -= part
    return refunds


def refund_order(order: Order, amount_minor: int | None = None, *, reason: str = "", actor: Any = None) -> list[Refund]:
    """Send an amount of the order's money back. Must not run inside a transaction. Raises RefundTooLarge."""
    refunds = intend_order_refund(order, amount_minor, reason=reason, actor=actor)
    return [carry_out(refund) for refund in refunds]


@transaction.atomic
def intend_cancellation(
    order: Order, *, actor: Any = None, by_staff: bool = False, reason: str = ""
) -> tuple[Order, list[Refund]]:
    """Cancel an order: places, tickets and the intent to send its money back go in one transaction.

    To a buyer goes what the events' rules promise at this moment; what staff cancel goes back whole. Raises what
    `orders.services.cancel` raises.
    """
    order = lifecycle.lock(order)
    if order.status == Order.Status.CANCELLED:
        # A repeat sends nothing more: what was kept by the rule stays kept (O1).
        return order, []
    back = returned_minor(order, by_staff=by_staff)
    order = orders.cancel(order, actor=actor, by_staff=by_staff, reason=reason)
    point("cancellation.moved")
    if not back:
        return order, []
    return order, intend_order_refund(order, back, reason=reason or "order cancelled", actor=actor)


def promised_minor(order: Order, *, now: datetime | None = None) -> int:
    """What a buyer gets back who cancels the whole order now, in minor units: of each line that is left the share that
    its event's refund rule promises, rounded half up once per line (M5); never more than there is to give.

    Goods, and lines of events without a rule, come back in full. What was sent back before counts, but not that of
    lines that were cancelled by themselves; what was kept of those stays kept.
    """
    now = now or timezone.now()
    lines = cancelling.lines_of(order)
    values = cancelling.worth(order, lines)
    left = cancelling.standing(lines)
    promised = sum(
        share(value, Decimal(percent_now(line.event, now))) if line.event else value
        for line, value in zip(left, values, strict=True)
    )
    refundable = refundable_minor(order)
    there = max(0, refundable - cancelling.kept_minor(lines))
    # Fees and delivery are not in the lines; they come back with an order that comes back whole.
    if promised == sum(values):
        return there
    # What is on its way back counts like what is back: by when a provider answers nobody gets more.
    before = max(0, order.total_minor - refundable - sum(line.returned_minor or 0 for line in lines))
    return min(there, max(0, promised - before))


def returned_minor(order: Order, *, by_staff: bool = False) -> int:
    """What goes back with the whole order: what is promised, or all there is if it is the staff's doing; but for what
    the events' rules kept of lines that the buyer cancelled before."""
    if not by_staff:
        return promised_minor(order)
    return max(0, refundable_minor(order) - cancelling.kept_minor(cancelling.lines_of(order)))


def cancel_order(order: Order, *, actor: Any = None, by_staff: bool = False, reason: str = "") -> Order:
    """Cancel an order and send its money back. Must not run inside a transaction."""
    order, refunds = intend_cancellation(order, actor=actor, by_staff=by_staff, reason=reason)
    for refund in refunds:
        carry_out(refund)
    order.refresh_from_db()
    return order
