"""What a refund's end means for the mass refund that it is a part of."""

from django.db.models import Sum

from tenant_apps.payments.models import MassRefundRow, Refund


def follow(refund: Refund, words: str = "") -> None:
    """A refund came to its end: so does the row that it is a part of, with the last one. Runs in the transaction that
    ends the refund."""
    if refund.mass_row_id is None:
        return
    row = MassRefundRow.objects.select_for_update(no_key=True).get(pk=refund.mass_row_id)
    pending = row.refunds.filter(status=Refund.Status.PENDING).exclude(pk=refund.pk)
    if row.status != MassRefundRow.Status.SENT or pending.exists():
        return
    back = row.refunds.filter(status=Refund.Status.SUCCEEDED).aggregate(sum=Sum("amount_minor"))["sum"] or 0
    if back >= (row.amount_minor or 0):
        row.status = MassRefundRow.Status.DONE
    else:
        row.status, row.code, row.words = MassRefundRow.Status.FAILED, "refund_failed", words[:300]
    row.save(update_fields=["status", "code", "words", "modified_at"])
