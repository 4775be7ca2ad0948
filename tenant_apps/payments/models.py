"""Money that came in through a provider and money that went back. The ledger is append-only (M8)."""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _

from shared_apps.core.codes import uuid7
from tenant_apps.orders.models import Order


class Payment(models.Model):
    """One try to pay an order through one provider.

    `refunding_minor` is reserved by a conditional UPDATE before the provider is asked (M7).
    """

    class Status(models.TextChoices):
        PENDING = "pending", _("Pending")
        REQUIRES_ACTION = "requires_action", _("Waiting for the buyer")
        SUCCEEDED = "succeeded", _("Succeeded")
        FAILED = "failed", _("Declined")
        CANCELLED = "cancelled", _("Cancelled")
        REFUNDED = "refunded", _("Refunded")
        PARTIALLY_REFUNDED = "partially_refunded", _("Partly refunded")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    order = models.ForeignKey(Order, models.PROTECT, related_name="payments")
    provider = models.CharField(max_length=20)
    # The provider's own id of the payment; with the provider it is unique, so a repeat finds the first.
    reference = models.CharField(max_length=120, null=True)
    status = models.CharField(max_length=20, choices=Status.choices, default=Status.PENDING)
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    captured_minor = models.BigIntegerField(default=0)
    refunding_minor = models.BigIntegerField(default=0)
    refunded_minor = models.BigIntegerField(default=0)
    created_at = models.DateTimeField(default=now, db_default=Now())
    modified_at = models.DateTimeField(auto_now=True, db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["provider", "reference"], name="payment_provider_reference"),
            models.CheckConstraint(
                condition=Q(
                    refunded_minor__gte=0,
                    refunding_minor__gte=0,
                    captured_minor__gte=F("refunded_minor") + F("refunding_minor"),
                ),
                name="payment_refunds_within_captured",
            ),
        ]
        indexes = [
            models.Index(
                fields=["created_at"], condition=Q(status__in=["pending", "requires_action"]), name="payment_open"
            )
        ]

    def __str__(self) -> str:
        return f"{self.provider} {self.status}"


class Refund(models.Model):
    """Money on its way back, or back."""

    class Status(models.TextChoices):
        PENDING = "pending", _("Pending")
        SUCCEEDED = "succeeded", _("Succeeded")
        FAILED = "failed", _("Failed")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    payment = models.ForeignKey(Payment, models.PROTECT, related_name="refunds")
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.PENDING)
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    reason = models.CharField(max_length=300, blank=True)
    reference = models.CharField(max_length=120, null=True)
    created_at = models.DateTimeField(default=now, db_default=Now())
    modified_at = models.DateTimeField(auto_now=True, db_default=Now())

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(amount_minor__gt=0), name="refund_positive")]

    def __str__(self) -> str:
        return f"{self.amount_minor} {self.currency} {self.status}"


class LedgerEntry(models.Model):
    """One movement of money, never changed. Money in is positive, money out negative (M8)."""

    class Kind(models.TextChoices):
        PAYMENT = "payment", _("Payment")
        REFUND = "refund", _("Refund")
        FEE = "fee", _("Fee")
        ADJUSTMENT = "adjustment", _("Adjustment")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    at = models.DateTimeField(default=now, db_default=Now())
    kind = models.CharField(max_length=10, choices=Kind.choices)
    provider = models.CharField(max_length=20)
    reference = models.CharField(max_length=120)
    order = models.ForeignKey(Order, models.PROTECT, related_name="ledger")
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["provider", "reference", "kind"], name="ledger_once")]
        indexes = [models.Index(fields=["at"], name="ledger_at")]

    def __str__(self) -> str:
        return f"{self.kind} {self.amount_minor} {self.currency}"
