"""Money out. The amount is reserved on the payment before the provider is asked (M7)."""

from typing import Any

from django.db import transaction
from django.db.models import F, Sum

from shared_apps.core.money import to_text
from tenant_apps.activity.services import before_and_after, made, record
from tenant_apps.orders import lifecycle
from tenant_apps.orders import services as orders
from tenant_apps.orders.models import Order
from tenant_apps.payments import providers
from tenant_apps.payments.errors import RefundTooLarge
from tenant_apps.payments.models import LedgerEntry, Payment, Refund


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
    return refund


def carry_out(refund: Refund) -> Refund:
    """Send an intended refund through its provider and record the result. Repeating it changes nothing (O3, G2)."""
    if refund.status != Refund.Status.PENDING:
        return refund
    reference = providers.by_name(refund.payment.provider).refund(refund)
    return _record_done(refund, reference)


@transaction.atomic
def _record_done(refund: Refund, reference: str) -> Refund:
    order = lifecycle.lock(refund.payment.order)
    payment = Payment.objects.select_for_update(no_key=True).get(pk=refund.payment_id)
    refund = Refund.objects.select_for_update(no_key=True).get(pk=refund.pk)
    if refund.status != Refund.Status.PENDING:
        return refund
    refund.status, refund.reference = Refund.Status.SUCCEEDED, reference
    refund.save(update_fields=["status", "reference", "modified_at"])
    payment.refunding_minor -= refund.amount_minor
    payment.refunded_minor += refund.amount_minor
    whole = payment.refunded_minor == payment.captured_minor
    payment.status = Payment.Status.REFUNDED if whole else Payment.Status.PARTIALLY_REFUNDED
    payment.save(update_fields=["status", "refunding_minor", "refunded_minor", "modified_at"])
    LedgerEntry.objects.create(
        kind=LedgerEntry.Kind.REFUND,
        provider=payment.provider,
        reference=reference,
        order=order,
        amount_minor=-refund.amount_minor,
        currency=refund.currency,
    )
    # Money that was paid on top of the total goes back without making the order a refunded one.
    excess = max(0, (order.payments.aggregate(sum=Sum("captured_minor"))["sum"] or 0) - order.total_minor)
    returned = order.payments.aggregate(sum=Sum("refunded_minor"))["sum"] or 0
    before = order.refunded_minor
    order.refunded_minor = min(order.total_minor, max(0, returned - excess))
    order.save(update_fields=["refunded_minor", "modified_at"])
    change = before_and_after({"refunded_minor": before}, {"refunded_minor": order.refunded_minor})
    details = {"amount_minor": refund.amount_minor, "currency": refund.currency, **change}
    record("order.refunded", order, details=details)
    return refund


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

    Raises what `orders.services.cancel` raises.
    """
    order = orders.cancel(order, actor=actor, by_staff=by_staff, reason=reason)
    refunds = [
        intend_refund(payment, left, reason=reason or "order cancelled", actor=actor)
        for payment in order.payments.select_for_update(no_key=True)
        if (left := payment.captured_minor - payment.refunded_minor - payment.refunding_minor) > 0
    ]
    return order, refunds


def cancel_order(order: Order, *, actor: Any = None, by_staff: bool = False, reason: str = "") -> Order:
    """Cancel an order and send its money back. Must not run inside a transaction."""
    order, refunds = intend_cancellation(order, actor=actor, by_staff=by_staff, reason=reason)
    for refund in refunds:
        carry_out(refund)
    order.refresh_from_db()
    return order
