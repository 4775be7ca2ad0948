"""Payments name nobody; they are handed out with their orders. Amounts and ledger never change (M8)."""

from collections.abc import Collection, Mapping

from django.db.models import F

from shared_apps.core.personal import Person, Rows, harmless, hold
from tenant_apps.orders.personal import own_orders
from tenant_apps.payments.models import Payment, Refund


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
harmless("payments.LedgerEntry", {"reference"}, "a provider's number of a movement of money")
harmless("payments.ProviderAccount", {"public", "sealed"}, "the tenant's own keys and numbers at a provider")
harmless("payments.ProviderEvent", {"event_id", "notice", "outcome"}, "numbers and amounts of a payment, no names")
harmless("payments.Payment", {"session", "reference"}, "a provider's number of a payment")
