"""The one place that writes the ledger: append-only, a row for each movement (M8)."""

from tenant_apps.payments.models import LedgerEntry, Payment


def enter(payment: Payment, kind: str, amount_minor: int, *, reference: str = "") -> LedgerEntry | None:
    """Write down that money moved for a payment; in positive, out negative. Nothing for an amount of 0."""
    if amount_minor == 0:
        return None
    return LedgerEntry.objects.create(
        kind=kind,
        provider=payment.provider,
        account_id=payment.account_id,
        reference=reference or payment.reference or str(payment.pk),
        order_id=payment.order_id,
        amount_minor=amount_minor,
        currency=payment.currency,
    )


def fee_back(payment: Payment, refunded_minor: int) -> int:
    """How much of the platform's fee comes back with a refund that `payment.refunded_minor` counts already.

    In the proportion of the money, as Stripe gives it back with `refund_application_fee`; the parts of a payment that
    is sent back bit by bit sum to its whole fee.
    """
    if not payment.fee_minor or not payment.captured_minor:
        return 0
    before = payment.refunded_minor - refunded_minor
    share = payment.fee_minor * payment.refunded_minor // payment.captured_minor
    return share - payment.fee_minor * before // payment.captured_minor
