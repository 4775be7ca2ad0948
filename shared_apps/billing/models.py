"""What the platform sells to tenants, and what it charges them by: how much each used, day by day."""

from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _

from shared_apps.billing.subscription_models import BillingEvent as BillingEvent
from shared_apps.billing.subscription_models import BillingLetter as BillingLetter
from shared_apps.billing.subscription_models import PlatformInvoice as PlatformInvoice
from shared_apps.billing.subscription_models import Subscription as Subscription
from shared_apps.billing.subscription_models import TicketFeeBill as TicketFeeBill
from shared_apps.core.money import MAX_MINOR, validate_currency
from tenants.models import Tenant

# Whatever a plan can limit; `shared_apps.billing.limits` says what each counts.
LIMITS = ("events", "staff", "tickets_month", "api_rate", "storage_bytes", "domains")


def validate_limits(value: Any) -> None:
    """Refuse what is no mapping of known limits to whole numbers of 0 or more, or null for none."""
    if not isinstance(value, dict):
        raise ValidationError(_("Give the limits as an object."), code="invalid")
    for name, most in value.items():
        if name not in LIMITS:
            raise ValidationError(
                _("There is no limit “%(name)s”. There are: %(names)s."),
                code="unknown_limit",
                params={"name": name, "names": ", ".join(LIMITS)},
            )
        if most is not None and (type(most) is not int or not 0 <= most <= MAX_MINOR):
            raise ValidationError(
                _("“%(name)s” is a whole number of 0 or more, or null for no limit."),
                code="invalid",
                params={"name": name},
            )
    if value.get("api_rate") == 0:
        raise ValidationError(_("“api_rate” is at least 1: nobody could sign in to pay."), code="invalid")


class PlanQuerySet(models.QuerySet["Plan"]):
    def offered(self) -> "PlanQuerySet":
        """What somebody may choose now, in the order of the price list."""
        return self.filter(is_offered=True).order_by("position", "pk")


class Plan(models.Model):
    """What a tenant may have, and for how much: a fixed price for a month or a year, a fee for each paid ticket, both
    or neither.

    The fee is the percentage of what the ticket costs, and the fixed sum where tickets are sold in the plan's currency.
    """

    class Interval(models.TextChoices):
        NONE = "", _("no fixed price")
        MONTH = "month", _("a month")
        YEAR = "year", _("a year")

    slug = models.SlugField(max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=60)
    price_minor = models.BigIntegerField(default=0, validators=[MinValueValidator(0)])
    currency = models.CharField(_("currency"), max_length=3, default="EUR", validators=[validate_currency])
    interval = models.CharField(max_length=5, choices=Interval.choices, blank=True, default=Interval.NONE)
    ticket_fee_minor = models.BigIntegerField(default=0, validators=[MinValueValidator(0)])
    ticket_fee_percent = models.DecimalField(
        max_digits=5, decimal_places=2, default=Decimal(0), validators=[MinValueValidator(0)]
    )
    trial_days = models.IntegerField(default=0, validators=[MinValueValidator(0)])
    # Of `LIMITS`; what is not named here is as in `limits.DEFAULTS`.
    limits = models.JSONField(default=dict, blank=True, validators=[validate_limits])
    # The price's id at the provider; empty until it was made there, and always for what costs nothing.
    stripe_price = models.CharField(max_length=120, blank=True)
    position = models.IntegerField(default=0)
    # Who has a plan that is no longer offered keeps it.
    is_offered = models.BooleanField(default=True)

    objects = PlanQuerySet.as_manager()

    class Meta:
        ordering = ["position", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(price_minor__gte=0, ticket_fee_minor__gte=0, trial_days__gte=0), name="plan_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(ticket_fee_percent__gte=0, ticket_fee_percent__lte=100), name="plan_fee_within_price"
            ),
            models.CheckConstraint(
                condition=Q(interval="", price_minor=0) | ~Q(interval=""), name="plan_price_has_time"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        super().clean()
        if self.price_minor and not self.interval:
            raise ValidationError({"interval": _("Say what the price is for.")})
        # Validators are not asked about what is empty: an empty list would pass them.
        if not isinstance(self.limits, dict):
            raise ValidationError({"limits": _("Give the limits as an object.")})

    @property
    def is_free(self) -> bool:
        """True if it has no fixed price: nobody needs a card for it."""
        return self.price_minor == 0


class Usage(models.Model):
    """What one tenant used on one day (UTC). Reckoned anew from the tenant's own rows until the day is over, so that it
    is the same however often and by however many it is reckoned.

    `storage_bytes` is what lay there when it was last reckoned; `measured_at` says when that was.
    """

    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="usage", db_index=False)
    day = models.DateField()
    orders = models.BigIntegerField(default=0)
    paid_tickets = models.BigIntegerField(default=0)
    mails = models.BigIntegerField(default=0)
    api_requests = models.BigIntegerField(default=0)
    storage_bytes = models.BigIntegerField(default=0)
    measured_at = models.DateTimeField(default=now, db_default=Now())

    class Meta:
        verbose_name_plural = "usage"
        ordering = ["-day"]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "day"], name="usage_once_a_day"),
            models.CheckConstraint(
                condition=Q(
                    orders__gte=0, paid_tickets__gte=0, mails__gte=0, api_requests__gte=0, storage_bytes__gte=0
                ),
                name="usage_not_negative",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.tenant_id} {self.day}"


class TicketFees(models.Model):
    """What the fees of one tenant's tickets come to that were paid on one day (UTC), in one currency.

    Reckoned from the orders, which keep the fee that held when each was made (M6); `collected_minor` is what of it was
    kept back from payments by a connected account, so `due_minor` is what is to be invoiced.
    """

    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="ticket_fees", db_index=False)
    day = models.DateField()
    currency = models.CharField(max_length=3)
    tickets = models.BigIntegerField(default=0)
    gross_minor = models.BigIntegerField(default=0)
    fee_minor = models.BigIntegerField(default=0)
    collected_minor = models.BigIntegerField(default=0)
    measured_at = models.DateTimeField(default=now, db_default=Now())

    class Meta:
        verbose_name_plural = "ticket fees"
        ordering = ["-day", "currency"]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "day", "currency"], name="ticketfees_once_a_day"),
            models.CheckConstraint(
                condition=Q(tickets__gte=0, gross_minor__gte=0, fee_minor__gte=0, collected_minor__gte=0),
                name="ticketfees_not_negative",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.tenant_id} {self.day} {self.currency}"

    @property
    def due_minor(self) -> int:
        """What is still to be paid of it."""
        return max(0, self.fee_minor - self.collected_minor)
