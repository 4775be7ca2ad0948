"""Buyers' banks that want money back: recorded as the provider tells it, for staff to answer there."""

from datetime import UTC, datetime

from django.db import transaction

from tenant_apps.activity import hints
from tenant_apps.activity.models import OutboxMessage
from tenant_apps.activity.services import before_and_after, made, record
from tenant_apps.orders import lifecycle
from tenant_apps.payments import ledger
from tenant_apps.payments.models import Dispute, LedgerEntry, Payment
from tenant_apps.payments.providers.base import Notice
from tenant_apps.staff.models import Membership

# Of two messages of the same second the one that is further on holds.
ORDER = [Dispute.Status.OPEN, Dispute.Status.REVIEW, Dispute.Status.LOST, Dispute.Status.WON]


@transaction.atomic
def tell(payment: Payment, notice: Notice) -> str:
    """Record what the provider says about a dispute of this payment; return in a word what it came to.

    In any order, and however often, the same messages lead to the same rows (O8).
    """
    lifecycle.lock(payment.order)
    payment = Payment.objects.select_for_update(no_key=True).get(pk=payment.pk)
    if payment.account is None or not notice.amount_minor or notice.currency != payment.currency:
        return "other money"
    said_at = datetime.fromtimestamp(notice.said_at, UTC)
    dispute = Dispute.objects.filter(account=payment.account, reference=notice.dispute).first()
    if dispute is None:
        dispute = Dispute.objects.create(
            payment=payment,
            account=payment.account,
            reference=notice.dispute[:120],
            status=notice.dispute_status,
            reason=notice.reason,
            amount_minor=notice.amount_minor,
            currency=notice.currency,
            answer_by=_moment(notice.answer_by),
            told_at=said_at,
        )
        told = made(status=dispute.status, amount_minor=dispute.amount_minor, currency=dispute.currency)
        details = {"order": payment.order.code, "reason": dispute.reason, **told}
        record("dispute.opened", dispute, details=details, deliver=False)
        _alert(dispute)
    elif dispute.payment_id != payment.pk:
        return "other payment"
    elif (dispute.told_at, ORDER.index(Dispute.Status(dispute.status))) < (
        said_at, ORDER.index(Dispute.Status(notice.dispute_status))
    ):  # fmt: skip
        _change(dispute, notice, said_at)
    _move(dispute, notice)
    return dispute.status


def _alert(dispute: Dispute) -> None:
    """Everybody whose role gives money back is told; a message each, so that each is told once (G1)."""
    members = Membership.objects.select_related("role")
    people = [member.user_id for member in members if "refund_orders" in member.role.rights]
    OutboxMessage.objects.bulk_create(
        OutboxMessage(topic="dispute.alert", aggregate=f"payments.dispute:{dispute.pk}", payload={"user": person})
        for person in people
    )
    hints.deliver_soon()


def _change(dispute: Dispute, notice: Notice, said_at: datetime) -> None:
    before = dispute.status
    dispute.status, dispute.told_at = notice.dispute_status, said_at
    dispute.reason = notice.reason or dispute.reason
    dispute.amount_minor = notice.amount_minor or dispute.amount_minor
    dispute.answer_by = _moment(notice.answer_by) or dispute.answer_by
    dispute.save()
    if before != dispute.status:
        change = before_and_after({"status": before}, {"status": dispute.status})
        record("dispute.changed", dispute, details={"order": dispute.payment.order.code, **change})


def _move(dispute: Dispute, notice: Notice) -> None:
    """The provider took the money for it, or gave it back: each once in the ledger (M8)."""
    payment = dispute.payment
    moves = LedgerEntry.objects.filter(account=dispute.account, kind=LedgerEntry.Kind.ADJUSTMENT)
    taken, given = f"{dispute.reference}:out", f"{dispute.reference}:in"
    reference = taken if notice.moved == "out" else given
    if not notice.moved or moves.filter(reference=reference).exists():
        return
    amount = notice.amount_minor or 0
    adjustment = LedgerEntry.Kind.ADJUSTMENT
    ledger.enter(payment, adjustment, -amount if notice.moved == "out" else amount, reference=reference)
    ledger.enter(payment, LedgerEntry.Kind.FEE, -notice.fee_minor, reference=reference)
    there = set(moves.filter(reference__in=[taken, given]).values_list("reference", flat=True))
    dispute.withdrawn = there == {taken}
    Dispute.objects.filter(pk=dispute.pk).update(withdrawn=dispute.withdrawn)


def _moment(text: str) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
