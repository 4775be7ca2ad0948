"""What tenants take along and what becomes of them: exports of everything, erasures with their certificates."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _

from shared_apps.core.codes import unguessable_secret, uuid7
from tenants.models import Tenant


class TenantExport(models.Model):
    """An archive of all that a tenant has here. It is built as a whole; what was broken off is built anew."""

    class Status(models.TextChoices):
        RUNNING = "running", _("Running")
        READY = "ready", _("Ready")
        FAILED = "failed", _("Failed")
        EXPIRED = "expired", _("Expired")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="+")
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.RUNNING)
    # Parts that are written, and of how many; `doing` names the one at work.
    done = models.IntegerField(default=0, db_default=0)
    total = models.IntegerField(default=0, db_default=0)
    doing = models.CharField(max_length=60, blank=True)
    tries = models.IntegerField(default=0, db_default=0)
    due_at = models.DateTimeField(default=now, db_default=Now())
    error = models.CharField(max_length=60, blank=True)
    size_bytes = models.BigIntegerField(default=0, db_default=0)
    sha256 = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField(default=now, db_default=Now())
    finished_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant"], condition=Q(status="running"), name="tenantexport_one_runs")
        ]
        indexes = [models.Index(fields=["tenant", "-created_at"], name="tenantexport_newest")]

    def __str__(self) -> str:
        return f"{self.tenant_id} {self.status}"


class Erasure(models.Model):
    """The end of a tenant, step by step, and what certifies it. Kept for good: it names nobody but the organizer."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant = models.ForeignKey(Tenant, models.PROTECT, related_name="+")
    # As they were: the tenant's own row forgets its name.
    slug = models.CharField(max_length=63)
    name = models.CharField(max_length=120)
    reason = models.CharField(max_length=500, blank=True)
    # Opens the page with the certificate; its owner has no site to sign in to any more.
    secret = models.CharField(max_length=43, unique=True, default=unguessable_secret, editable=False)
    # {step: {"at": ISO 8601, …what it found and removed}}
    steps = models.JSONField(default=dict)
    certificate = models.JSONField(null=True)
    signature = models.CharField(max_length=64, blank=True)
    tries = models.IntegerField(default=0, db_default=0)
    due_at = models.DateTimeField(default=now, db_default=Now())
    error = models.CharField(max_length=60, blank=True)
    created_at = models.DateTimeField(default=now, db_default=Now())
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant"], condition=Q(finished_at=None), name="erasure_one_runs")
        ]

    def __str__(self) -> str:
        return f"{self.slug} {'erased' if self.finished_at else 'being erased'}"


class DepartureLetter(models.Model):
    """A letter to an owner about the end of their tenant, until it is sent. Then the address goes."""

    class Kind(models.TextChoices):
        CLOSING = "closing", _("Closing begun")
        SOON = "soon", _("Erased soon")
        ERASED = "erased", _("Erased")
        READY = "ready", _("Export ready")

    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="+")
    kind = models.CharField(max_length=8, choices=Kind.choices)
    # What it is about: the date of closing, the erasure, the export. One letter of a kind for each.
    about = models.CharField(max_length=60)
    to = models.CharField(max_length=254, blank=True)
    language = models.CharField(max_length=10, blank=True)
    due_at = models.DateTimeField(default=now, db_default=Now())
    tries = models.IntegerField(default=0, db_default=0)
    sent_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "kind", "about"], name="departureletter_once")]
        indexes = [models.Index(fields=["due_at"], condition=Q(sent_at=None), name="departureletter_unsent")]

    def __str__(self) -> str:
        return f"{self.kind} {self.about}"
