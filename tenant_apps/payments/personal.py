"""Payments name nobody; they are handed out with their orders. Amounts and ledger never change (M8)."""

from collections.abc import Collection, Mapping

from django.db.models import F

from shared_apps.core.personal import Person, Rows, harmless, hold
from tenant_apps.orders.personal import own_orders
from tenant_apps.payments.models import Payment, Refund, Statement, StatementLine


def _payments(person: Person) -> Rows:
    rows = Payment.objects.filter(order__in=own_orders(person).values("pk")).order_by("created_at", "pk")
    return rows.values(
        "provider", "status", "amount_minor", "captured_minor", "refunded_minor", "currency", "created_at",
        order_code=F("order__code"),
    )  # fmt: skip


def _located(person: Person) -> Mapping[str, Collection[str]]:
    payments = list(Payment.objects.filter(order__in=own_orders(person).values("pk")).values_list("pk", flat=True))
    refunds = Refund.objects.filter(payment__in=payments).values_list("pk", flat=True)
    targets = {*(f"payments.payment:{pk}" for pk in payments), *(f"payments.refund:{pk}" for pk in refunds)}
    return {"targets": targets}


def _end_reasons(person: Person) -> int:
    """What staff wrote about a refund may name the buyer."""
    refunds = Refund.objects.filter(payment__order__in=own_orders(person).values("pk")).exclude(reason="")
    return refunds.update(reason="")


hold("payments", "payments.Payment", {"order"}, export=_payments, locate=_located)
hold("refund_reasons", "payments.Refund", {"reason"}, erase=_end_reasons, order=10)


def _end_words(person: Person) -> int:
    """A bank's line names who paid. Those that nobody booked are nobody's we know: they go with the next erasure."""
    booked = StatementLine.objects.filter(payment__order__in=own_orders(person).values("pk"))
    lines = booked | StatementLine.objects.filter(payment=None)
    return lines.exclude(payer="", purpose="").update(payer="", purpose="")


def _end_files(person: Person) -> int:
    return Statement.objects.exclude(content="").update(content="")


hold("statement_lines", "payments.StatementLine", {"payer", "purpose"}, erase=_end_words, order=10)
hold("statement_files", "payments.Statement", {"content"}, erase=_end_files, order=10)
harmless("payments.Statement", {"mapping", "file_name"}, "names of columns, and what a file was called")
harmless("payments.Statement", {"uploaded_by", "booked_by"}, "the id of a row that names nobody once it is erased")
harmless("payments.MassRefund", {"started_by"}, "the id of a row that names nobody once it is erased")
harmless("payments.MassRefund", {"reason"}, "why an event is called off, for all its buyers")
harmless("payments.Dispute", {"reference", "reason", "answer_by"}, "a provider's number, its word for why, and a time")
harmless("payments.LedgerEntry", {"reference"}, "a provider's number of a movement of money")
harmless("payments.ProviderAccount", {"public", "sealed"}, "the tenant's own keys and numbers at a provider")
harmless("payments.ProviderEvent", {"event_id", "notice", "outcome"}, "numbers and amounts of a payment, no names")
harmless("payments.Payment", {"session", "reference"}, "a provider's number of a payment")
