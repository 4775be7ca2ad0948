"""What a tenant's programs are told, and how far that has come."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _

from shared_apps.core.codes import uuid7
from shared_apps.core.models import Stamped
from tenant_apps.webhooks.querysets import DeliveryQuerySet


class WebhookEndpoint(Stamped):
    """An address that wants to be told of some topics.

    It is worked on by one worker at a time: `busy_until` is that worker's lease, and after it the time when the
    endpoint was last served, by which endpoints take turns. After failures nothing is sent before `rest_until`.
    """

    class Why(models.TextChoices):
        """Why it is switched off."""

        STAFF = "staff", _("Switched off by staff")
        GONE = "gone", _("It answered 410: it does not want to be told any more")
        FAILING = "failing", _("It failed for three days")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    url = models.CharField(_("address"), max_length=500)
    description = models.CharField(_("what it is for"), max_length=100, blank=True)
    # Names of `topics.TOPICS`, or only "*".
    topics = ArrayField(models.CharField(max_length=60))
    # {"present", "previous", "previous_until"}, encrypted (`secrets`).
    sealed = models.BinaryField()
    enabled = models.BooleanField(default=True, db_default=True)
    disabled_because = models.CharField(max_length=10, choices=Why.choices, blank=True, default="", db_default="")
    disabled_at = models.DateTimeField(null=True)
    # Tries in a row that failed, and since when none succeeded.
    failures = models.IntegerField(default=0, db_default=0)
    failing_since = models.DateTimeField(null=True)
    last_success_at = models.DateTimeField(null=True)
    rest_until = models.DateTimeField(default=now, db_default=Now())
    busy_until = models.DateTimeField(default=now, db_default=Now())

    class Meta:
        db_table = "webhooks_endpoint"

    def __str__(self) -> str:
        return self.url


class WebhookEvent(models.Model):
    """What happened, as it is told: the same text to every endpoint and with every try.

    `id` is the outbox message's, so a message that is handed over twice is one event (G1). The body names no person.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    topic = models.CharField(max_length=60)
    aggregate = models.CharField(max_length=100)
    body = models.TextField()
    created_at = models.DateTimeField(default=now, db_default=Now())

    class Meta:
        db_table = "webhooks_event"
        indexes = [models.Index(fields=["created_at"], name="webhook_event_age")]

    def __str__(self) -> str:
        return f"{self.topic} {self.id}"


class WebhookDelivery(models.Model):
    """One event for one endpoint. `due_at` is when it is tried next; while it is tried, when its lease runs out."""

    class Status(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        DELIVERED = "delivered", _("Delivered")
        FAILED = "failed", _("Given up")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    # The constraint and the index below begin with these two.
    event = models.ForeignKey(WebhookEvent, models.CASCADE, related_name="deliveries", db_index=False)
    endpoint = models.ForeignKey(WebhookEndpoint, models.CASCADE, related_name="deliveries", db_index=False)
    status = models.CharField(max_length=9, choices=Status.choices, default=Status.WAITING, db_default=Status.WAITING)
    tries = models.IntegerField(default=0, db_default=0)
    created_at = models.DateTimeField(default=now, db_default=Now())
    due_at = models.DateTimeField(default=now, db_default=Now())
    give_up_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True)
    # How the last try ended: a code of `posting.OUTCOMES`, the answer's status, its time and size.
    outcome = models.CharField(max_length=20, blank=True, default="", db_default="")
    http_status = models.IntegerField(null=True)
    took_ms = models.IntegerField(null=True)
    reply_bytes = models.IntegerField(null=True)
    # The beginning of the last reply, encrypted: for the operator alone (docs/decisions/0041-webhooks.md).
    reply = models.BinaryField(null=True)
    # The tries so far, the oldest first: [{"at", "outcome", "status", "ms"}].
    log = models.JSONField(default=list, db_default=models.Value([], models.JSONField()))

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "deliveries"
        db_table = "webhooks_delivery"
        constraints = [models.UniqueConstraint(fields=["event", "endpoint"], name="webhook_delivery_once")]
        indexes = [
            models.Index(fields=["endpoint", "due_at"], condition=Q(status="waiting"), name="webhook_delivery_due"),
            models.Index(fields=["endpoint", "-created_at"], name="webhook_delivery_log"),
        ]

    def __str__(self) -> str:
        return f"{self.event_id} to {self.endpoint_id}"
