"""What operators know of each tenant without opening its schema, and when they went in there as somebody."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _

from shared_apps.core.codes import uuid7
from tenants.models import Tenant


class TenantHealth(models.Model):
    """How a tenant does, as its own rows said at `measured_at`: what the console's list sorts and filters by.

    Copies, made anew from the tenant's schema (`measuring`) every ten minutes, or every hour where nothing happens;
    nothing is decided by them. Money is in the tenant's currency; "30 days" end at the measuring.
    """

    class State(models.TextChoices):
        OK = "ok", _("Well")
        WARNING = "warning", _("Needs a look")
        PROBLEM = "problem", _("Something does not work")

    tenant = models.OneToOneField(Tenant, models.CASCADE, primary_key=True, related_name="health")
    measured_at = models.DateTimeField(default=now, db_default=Now())
    state = models.CharField(max_length=7, choices=State.choices, default=State.OK, db_default=State.OK)
    # Messages that were given up after ten tries; that wait; and for how long the oldest of those has been due.
    parked = models.IntegerField(default=0, db_default=0)
    waiting = models.IntegerField(default=0, db_default=0)
    lag_seconds = models.IntegerField(default=0, db_default=0)
    # Jobs that do not end well, by the clock's own table.
    failing_jobs = models.IntegerField(default=0, db_default=0)
    # Addresses of webhooks that were switched off because they failed, and deliveries given up in a week.
    webhooks_off = models.IntegerField(default=0, db_default=0)
    webhooks_failed = models.IntegerField(default=0, db_default=0)
    imports_failed = models.IntegerField(default=0, db_default=0)
    # Of the tenant's log, in the last 24 hours.
    errors = models.IntegerField(default=0, db_default=0)
    warnings = models.IntegerField(default=0, db_default=0)
    events = models.IntegerField(default=0, db_default=0)
    staff = models.IntegerField(default=0, db_default=0)
    # Of 30 days: money in less money back, what of it was the platform's, and what `billing.Usage` counted.
    sales_minor = models.BigIntegerField(default=0, db_default=0)
    fees_minor = models.BigIntegerField(default=0, db_default=0)
    orders = models.BigIntegerField(default=0, db_default=0)
    paid_tickets = models.BigIntegerField(default=0, db_default=0)
    mails = models.BigIntegerField(default=0, db_default=0)
    api_requests = models.BigIntegerField(default=0, db_default=0)
    storage_bytes = models.BigIntegerField(default=0, db_default=0)

    class Meta:
        verbose_name_plural = "health"
        constraints = [
            models.CheckConstraint(
                condition=Q(parked__gte=0, waiting__gte=0, lag_seconds__gte=0, failing_jobs__gte=0),
                name="tenanthealth_not_negative",
            )
        ]

    def __str__(self) -> str:
        return f"{self.tenant_id} {self.state}"


class Impersonation(models.Model):
    """An operator on a tenant's site as one of its staff: with a reason, for minutes, reading only unless chosen.

    Ids of people without foreign keys: the row outlives accounts. It opens one tenant's pages and nothing else; it is
    no sign-in, so no token, refresh or session of the person exists because of it. `code_digest` is of the code in the
    address that leads over to the tenant's host, good once and for two minutes; `token_digest` of what the browser
    keeps there from then on.
    """

    class EndedBy(models.TextChoices):
        OPERATOR = "operator", _("by the operator")
        OWNER = "owner", _("by the organizer")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="impersonations", db_index=False)
    operator_id = models.BigIntegerField()
    person_id = models.BigIntegerField()
    reason = models.CharField(_("reason"), max_length=500)
    writes = models.BooleanField(default=False, db_default=False)
    created_at = models.DateTimeField(default=now, db_default=Now())
    expires_at = models.DateTimeField()
    code_digest = models.CharField(max_length=64, blank=True, default="", db_default="")
    token_digest = models.CharField(max_length=64, blank=True, default="", db_default="")
    entered_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    ended_by = models.CharField(max_length=8, choices=EndedBy.choices, blank=True, default="", db_default="")
    # Requests that were answered, and those of them that may have changed something.
    requests = models.IntegerField(default=0, db_default=0)
    changes = models.IntegerField(default=0, db_default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(reason=""), name="impersonation_has_a_reason"),
            models.CheckConstraint(
                condition=Q(expires_at__gt=models.F("created_at")), name="impersonation_ends_after_it_began"
            ),
        ]
        indexes = [
            models.Index(fields=["tenant", "-created_at"], name="impersonation_tenant"),
            models.Index(fields=["-created_at"], name="impersonation_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.operator_id} as {self.person_id} at {self.tenant_id}"

    @property
    def running(self) -> bool:
        return self.ended_at is None and self.expires_at > now()
