"""What a tenant has subscribed to and owes, as Stripe tells it; what was said to us and what we said to owners."""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _

from shared_apps.billing.subscription_querysets import (
    BillingEventQuerySet,
    BillingLetterQuerySet,
    SubscriptionQuerySet,
)
from tenants.models import Tenant


class Subscription(models.Model):
    """A tenant's standing with the platform. Nobody writes it but `mirror`, from what Stripe answers and the clock;
    only what the owner means to do is noted before Stripe is called (O3).

    Without a row, and in every status but the four that stand for a running plan, the tenant has the free plan.
    """

    class Status(models.TextChoices):
        FREE = "free", _("Nothing subscribed")
        INCOMPLETE = "incomplete", _("First payment missing")
        TRIALING = "trialing", _("Trial")
        ACTIVE = "active", _("Active")
        PAST_DUE = "past_due", _("Payment missing")
        RESTRICTED = "restricted", _("Restricted")
        SUSPENDED = "suspended", _("Suspended")
        CANCELLED = "cancelled", _("Cancelled")

    tenant = models.OneToOneField(Tenant, models.CASCADE, related_name="subscription")
    plan = models.ForeignKey("billing.Plan", models.PROTECT, null=True, related_name="subscriptions")
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.FREE)
    # Stripe's own ids; empty until they are known. The customer stays the same for the tenant's whole life.
    stripe_customer = models.CharField(max_length=120, blank=True)
    stripe_subscription = models.CharField(max_length=120, blank=True)
    # The page on which a card is asked for: for which plan, its id there, and which try it is (part of the fixed key).
    checkout_plan = models.ForeignKey("billing.Plan", models.SET_NULL, null=True, related_name="+")
    checkout_coupon = models.CharField(max_length=120, blank=True)
    checkout_session = models.CharField(max_length=120, blank=True)
    checkout_at = models.DateTimeField(null=True)
    checkouts = models.IntegerField(default=0)
    current_period_start = models.DateTimeField(null=True)
    current_period_end = models.DateTimeField(null=True)
    trial_ends_at = models.DateTimeField(null=True)
    # A tenant tries once.
    had_trial = models.BooleanField(default=False)
    cancel_at_period_end = models.BooleanField(default=False)
    cancelled_at = models.DateTimeField(null=True)
    # Since when something is owed that should have been paid; what follows from it when is in `standing`.
    past_due_since = models.DateTimeField(null=True)
    grace_until = models.DateTimeField(null=True)
    suspended_from = models.DateTimeField(null=True)
    # Each reading of Stripe takes a number before it asks; an answer older than one that was kept is not kept (O8).
    asked = models.BigIntegerField(default=0)
    answered = models.BigIntegerField(default=0)
    # When it is to be looked at next, whatever Stripe says or does not say.
    look_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=now, db_default=Now())
    changed_at = models.DateTimeField(default=now, db_default=Now())

    objects = SubscriptionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["stripe_customer"], condition=~Q(stripe_customer=""), name="subscription_customer_once"
            ),
            models.CheckConstraint(
                condition=Q(answered__lte=F("asked"), answered__gte=0, checkouts__gte=0), name="subscription_counts"
            ),
        ]
        indexes = [models.Index(fields=["look_at"], name="subscription_look")]

    def __str__(self) -> str:
        return f"{self.tenant_id} {self.status}"

    @property
    def is_running(self) -> bool:
        """True while a plan is subscribed to, paid for or not."""
        return self.status in RUNNING

    @property
    def is_owing(self) -> bool:
        """True while a payment is missing."""
        return self.status in OWING


RUNNING = ("trialing", "active", "past_due", "restricted", "suspended")
OWING = ("past_due", "restricted", "suspended")


class PlatformInvoice(models.Model):
    """An invoice of the platform to a tenant, as Stripe made it; a copy to show, never reckoned with.

    It outlives the tenant (bookkeeping). `left_minor` is what is still to be paid.
    """

    class Status(models.TextChoices):
        DRAFT = "draft", _("Draft")
        OPEN = "open", _("Open")
        PAID = "paid", _("Paid")
        VOID = "void", _("Void")
        UNCOLLECTIBLE = "uncollectible", _("Written off")

    tenant = models.ForeignKey(Tenant, models.PROTECT, related_name="platform_invoices", db_index=False)
    stripe_invoice = models.CharField(max_length=120, unique=True)
    number = models.CharField(max_length=60, blank=True)
    status = models.CharField(max_length=13, choices=Status.choices)
    reason = models.CharField(max_length=40, blank=True)
    currency = models.CharField(max_length=3)
    # Below 0 where more was given back than charged; what is due is never below 0.
    total_minor = models.BigIntegerField()
    due_minor = models.BigIntegerField()
    paid_minor = models.BigIntegerField()
    left_minor = models.BigIntegerField()
    issued_at = models.DateTimeField()
    due_at = models.DateTimeField(null=True)
    paid_at = models.DateTimeField(null=True)
    # When Stripe charges the card again by itself.
    next_try_at = models.DateTimeField(null=True)
    period_start = models.DateTimeField(null=True)
    period_end = models.DateTimeField(null=True)
    # [{"text", "amount_minor"}], as they stand on the invoice.
    lines = models.JSONField(default=list)
    page_url = models.CharField(max_length=500, blank=True)
    pdf_url = models.CharField(max_length=500, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(due_minor__gte=0, paid_minor__gte=0, left_minor__gte=0), name="platforminvoice_not_negative"
            )
        ]
        indexes = [models.Index(fields=["tenant", "-issued_at"], name="platforminvoice_of_tenant")]
        ordering = ["-issued_at", "-id"]

    def __str__(self) -> str:
        return self.number or self.stripe_invoice


class BillingEvent(models.Model):
    """One message of Stripe to the platform: a hint that something about a customer changed, and nothing more (O8).

    What it says of the change is not kept and not believed: `mirror` asks Stripe.
    """

    stripe_event = models.CharField(max_length=120, unique=True)
    kind = models.CharField(max_length=80)
    # As the message names it; whose it is, our own row with that customer says (O7).
    customer = models.CharField(max_length=120, blank=True)
    live = models.BooleanField(default=False)
    said_at = models.DateTimeField(null=True)
    received_at = models.DateTimeField(default=now, db_default=Now())
    done_at = models.DateTimeField(null=True)
    tries = models.IntegerField(default=0)
    # When it is taken up again, if whoever took it does not end.
    next_try_at = models.DateTimeField(default=now, db_default=Now())

    objects = BillingEventQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["next_try_at"], condition=Q(done_at=None), name="billingevent_open"),
            models.Index(fields=["received_at"], name="billingevent_old"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.stripe_event}"


class BillingLetter(models.Model):
    """A mail to a tenant's owner about its subscription: written with the change, sent outside, once for each
    occasion (G1). `about` is what it is about at Stripe, so that the same news is told once in whatever order it comes.
    """

    class Kind(models.TextChoices):
        STARTED = "started", _("Plan started")
        TRIAL_ENDS = "trial_ends", _("Trial ends soon")
        FAILED = "failed", _("Payment failed")
        GRACE_ENDS = "grace_ends", _("Restricted soon")
        RESTRICTED = "restricted", _("Restricted")
        SUSPENDED_SOON = "suspended_soon", _("Suspended soon")
        SUSPENDED = "suspended", _("Suspended")
        PAID = "paid", _("Paid again")
        CANCELLED = "cancelled", _("Plan ended")
        RETURNED = "returned", _("Paid twice, given back")

    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="+", db_index=False)
    kind = models.CharField(max_length=14, choices=Kind.choices)
    about = models.CharField(max_length=120)
    facts = models.JSONField(default=dict)
    created_at = models.DateTimeField(default=now, db_default=Now())
    claimed_at = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)
    tries = models.IntegerField(default=0)

    objects = BillingLetterQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "kind", "about"], name="billingletter_once")]
        indexes = [models.Index(fields=["created_at"], condition=Q(sent_at=None), name="billingletter_unsent")]

    def __str__(self) -> str:
        return f"{self.kind} {self.about}"


class TicketFeeBill(models.Model):
    """The fees of one month's tickets in one currency that no connected account kept back: the intent to invoice them,
    committed before Stripe is called, with its invoice afterwards (O3)."""

    tenant = models.ForeignKey(Tenant, models.PROTECT, related_name="ticket_fee_bills", db_index=False)
    month = models.DateField()
    currency = models.CharField(max_length=3)
    tickets = models.BigIntegerField()
    amount_minor = models.BigIntegerField()
    stripe_invoice = models.CharField(max_length=120, blank=True)
    created_at = models.DateTimeField(default=now, db_default=Now())
    issued_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "month", "currency"], name="ticketfeebill_once_a_month"),
            models.CheckConstraint(condition=Q(amount_minor__gt=0, tickets__gte=0), name="ticketfeebill_positive"),
        ]
        indexes = [models.Index(fields=["created_at"], condition=Q(issued_at=None), name="ticketfeebill_open")]

    def __str__(self) -> str:
        return f"{self.tenant_id} {self.month:%Y-%m} {self.currency}"
