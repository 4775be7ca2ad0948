"""Money that came in through a provider and money that went back. The ledger is append-only (M8)."""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _

from shared_apps.core.codes import uuid7
from tenant_apps.orders.models import Order


class ProviderAccount(models.Model):
    """A tenant's account with a provider: its keys, encrypted at rest, and the secret of its webhooks.

    Test and live money never mix: `live` follows from the keys, each mode is a row of its own, and a payment stays
    with the row that it was started with (O7).
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    provider = models.CharField(max_length=20)
    live = models.BooleanField(default=False, db_default=False)
    # Off: buyers are not offered it any more; payments that were started are still brought to their end.
    enabled = models.BooleanField(default=True, db_default=True)
    # What may be shown: publishable key, merchant number, the connected account.
    public = models.JSONField(default=dict, db_default={})
    # {name: secret} as JSON, sealed by `shared_apps.core.secrets` for this schema alone.
    sealed = models.BinaryField()
    created_at = models.DateTimeField(default=now, db_default=Now())
    modified_at = models.DateTimeField(auto_now=True, db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["provider", "live"], name="provideraccount_once")]

    def __str__(self) -> str:
        return f"{self.provider} {'live' if self.live else 'test'}"


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
    account = models.ForeignKey(ProviderAccount, models.PROTECT, null=True, related_name="payments")
    # The hosted page or approval that the money may come through, where that has an id of its own.
    session = models.CharField(max_length=120, blank=True, default="", db_default="")
    # The provider's own id of the payment; with the provider it is unique, so a repeat finds the first.
    reference = models.CharField(max_length=120, null=True)
    status = models.CharField(max_length=20, choices=Status.choices, default=Status.PENDING)
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    captured_minor = models.BigIntegerField(default=0)
    refunding_minor = models.BigIntegerField(default=0)
    refunded_minor = models.BigIntegerField(default=0)
    # The platform's part of it, taken by the provider (Stripe Connect).
    fee_minor = models.BigIntegerField(default=0, db_default=0)
    # When the provider is asked next, and how often it was (O9); NULL: there is nothing to ask.
    poll_at = models.DateTimeField(null=True)
    polls = models.IntegerField(default=0, db_default=0)
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
            ),
            models.Index(fields=["poll_at"], condition=Q(poll_at__isnull=False), name="payment_poll"),
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
    poll_at = models.DateTimeField(null=True)
    polls = models.IntegerField(default=0, db_default=0)
    created_at = models.DateTimeField(default=now, db_default=Now())
    modified_at = models.DateTimeField(auto_now=True, db_default=Now())

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(amount_minor__gt=0), name="refund_positive")]
        indexes = [models.Index(fields=["poll_at"], condition=Q(poll_at__isnull=False), name="refund_poll")]

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


class ProviderEvent(models.Model):
    """Something that a provider told us, verified; kept once however often it comes (O8).

    `notice` is what we understood of it. The raw body is not kept: it may name the buyer.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    account = models.ForeignKey(ProviderAccount, models.CASCADE, related_name="events")
    # The provider's id of the event or, lacking one, a hash of the content.
    event_id = models.CharField(max_length=120)
    kind = models.CharField(max_length=80)
    notice = models.JSONField(default=dict)
    received_at = models.DateTimeField(default=now, db_default=Now())
    done_at = models.DateTimeField(null=True)
    tries = models.IntegerField(default=0, db_default=0)
    outcome = models.CharField(max_length=200, blank=True, default="", db_default="")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "event_id"], name="providerevent_once")]
        indexes = [models.Index(fields=["received_at"], condition=Q(done_at__isnull=True), name="providerevent_open")]

    def __str__(self) -> str:
        return f"{self.kind} {self.event_id}"
