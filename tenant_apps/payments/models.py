"""Money that came in through a provider and money that went back. The ledger is append-only (M8)."""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _

from shared_apps.core.codes import uuid7
from tenant_apps.events.models import Event
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
    # The row of a mass refund that this is a part of.
    mass_row = models.ForeignKey("payments.MassRefundRow", models.PROTECT, null=True, related_name="refunds")
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
    # Whose money it moved; none for what people move by hand.
    account = models.ForeignKey(ProviderAccount, models.PROTECT, null=True, related_name="ledger")
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


class Dispute(models.Model):
    """A buyer's bank wants a payment's money back. The provider decides; we keep what it says, and tell staff.

    `withdrawn` is true while the provider has taken the money out of the account; the ledger has it as adjustments.
    """

    class Status(models.TextChoices):
        OPEN = "open", _("Needs an answer")
        REVIEW = "review", _("Being decided")
        WON = "won", _("Won")
        LOST = "lost", _("Lost")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    payment = models.ForeignKey(Payment, models.PROTECT, related_name="disputes")
    account = models.ForeignKey(ProviderAccount, models.PROTECT, related_name="disputes")
    reference = models.CharField(max_length=120)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.OPEN)
    # The provider's word for why, such as "fraudulent".
    reason = models.CharField(max_length=60, blank=True)
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    withdrawn = models.BooleanField(default=False)
    # When the provider said what stands here: an older message that comes later changes nothing (O8).
    told_at = models.DateTimeField()
    # Until when staff can answer at the provider.
    answer_by = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=now, db_default=Now())
    modified_at = models.DateTimeField(auto_now=True, db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "reference"], name="dispute_once")]
        indexes = [models.Index(fields=["created_at"], condition=Q(status="open"), name="dispute_open")]

    def __str__(self) -> str:
        return f"{self.reference} {self.status}"


class MassRefund(models.Model):
    """Everybody's money back for one event: one run, with a row for each order. It goes on after any kill (G4)."""

    class Status(models.TextChoices):
        RUNNING = "running", _("Running")
        DONE = "done", _("Done")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    event = models.ForeignKey(Event, models.CASCADE, related_name="mass_refunds")
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.RUNNING)
    reason = models.CharField(max_length=300, blank=True)
    # The id of whoever asked for it, in the shared table of users.
    started_by = models.BigIntegerField(null=True)
    created_at = models.DateTimeField(default=now, db_default=Now())
    modified_at = models.DateTimeField(auto_now=True, db_default=Now())
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["event"], condition=Q(status="running"), name="massrefund_one_running")
        ]

    def __str__(self) -> str:
        return f"{self.event_id} {self.status}"


class MassRefundRow(models.Model):
    """What a mass refund does to one order."""

    class Status(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        # The order is changed and its refunds are intended; the providers have not said the last word.
        SENT = "sent", _("On its way")
        DONE = "done", _("Done")
        FAILED = "failed", _("Failed")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    mass = models.ForeignKey(MassRefund, models.CASCADE, related_name="rows")
    order = models.ForeignKey(Order, models.PROTECT, related_name="mass_refund_rows")
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.WAITING)
    # What goes back, fixed when the order's lines were cancelled; NULL before.
    amount_minor = models.BigIntegerField(null=True)
    currency = models.CharField(max_length=3)
    # Why it failed: the refusal's code, and the provider's words.
    code = models.CharField(max_length=60, blank=True)
    words = models.CharField(max_length=300, blank=True)
    tries = models.IntegerField(default=0)
    modified_at = models.DateTimeField(auto_now=True, db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["mass", "order"], name="massrefundrow_once")]
        indexes = [models.Index(fields=["mass", "status"], name="massrefundrow_status")]

    def __str__(self) -> str:
        return f"{self.order_id} {self.status}"


class Statement(models.Model):
    """A bank's file of what came in: read, shown beside the orders, and booked when staff say so."""

    class Status(models.TextChoices):
        COLUMNS = "columns", _("Which column is which?")
        READY = "ready", _("Ready to book")
        BOOKING = "booking", _("Being booked")
        BOOKED = "booked", _("Booked")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.COLUMNS)
    file_name = models.CharField(max_length=200)
    # A hash of the bytes: the same file again is the same statement.
    digest = models.CharField(max_length=64, unique=True)
    # The file as text, until its lines are read; the lines are what is kept.
    content = models.TextField(blank=True)
    # {our name: the file's column}, with "currency" or "=EUR" for one that all lines have.
    mapping = models.JSONField(default=dict)
    uploaded_by = models.BigIntegerField(null=True)
    booked_by = models.BigIntegerField(null=True)
    created_at = models.DateTimeField(default=now, db_default=Now())
    modified_at = models.DateTimeField(auto_now=True, db_default=Now())

    def __str__(self) -> str:
        return self.file_name


class StatementLine(models.Model):
    """One movement on the tenant's bank account."""

    class Status(models.TextChoices):
        OPEN = "open", _("Not booked")
        BOOKED = "booked", _("Booked")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    statement = models.ForeignKey(Statement, models.CASCADE, related_name="lines")
    # The line of the file, as an editor counts.
    number = models.IntegerField()
    day = models.DateField()
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    payer = models.CharField(max_length=200, blank=True)
    purpose = models.CharField(max_length=500, blank=True)
    # What tells this movement from all others: two overlapping files have it in common.
    fingerprint = models.CharField(max_length=64)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.OPEN)
    payment = models.ForeignKey(Payment, models.PROTECT, null=True, related_name="statement_lines")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["statement", "number"], name="statementline_once"),
            models.UniqueConstraint(
                fields=["fingerprint"], condition=Q(status="booked"), name="statementline_booked_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.day} {self.amount_minor} {self.currency}"
