"""What happened in this tenant: kept (audit), to be delivered (outbox), answered once (idempotency)."""

from django.db import models
from django.db.models.functions import Now
from django.utils.timezone import now

from shared_apps.core.codes import uuid7


class AuditEntry(models.Model):
    """Who did what to what. Append-only (P7)."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    at = models.DateTimeField(default=now, db_default=Now())
    topic = models.CharField(max_length=60)
    actor_id = models.BigIntegerField(null=True)
    actor = models.CharField(max_length=254, blank=True)
    target = models.CharField(max_length=100, blank=True)
    refused = models.BooleanField(default=False, db_default=False)
    details = models.JSONField(default=dict)
    request_id = models.CharField(max_length=64, blank=True)
    address = models.GenericIPAddressField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["topic", "at"], name="audit_topic"),
            models.Index(fields=["target", "at"], name="audit_target"),
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.topic} {self.target}"


class OutboxMessage(models.Model):
    """An effect outside Postgres that belongs to a change, written with the change (G1).

    `queue` is how soon it should leave (`queues`). Of two messages with the same `dedupe_key` the second is never
    written, for as long as the first is kept.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    topic = models.CharField(max_length=60)
    aggregate = models.CharField(max_length=100)
    payload = models.JSONField(default=dict)
    created_at = models.DateTimeField(default=now, db_default=Now())
    due_at = models.DateTimeField(default=now, db_default=Now())
    tries = models.IntegerField(default=0, db_default=0)
    delivered_at = models.DateTimeField(null=True)
    parked_at = models.DateTimeField(null=True)
    last_error = models.TextField(blank=True)
    queue = models.CharField(max_length=10, default="default", db_default="default")
    dedupe_key = models.CharField(max_length=200, null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["dedupe_key"], condition=models.Q(dedupe_key__isnull=False), name="outbox_once"
            )
        ]
        indexes = [
            models.Index(
                fields=["queue", "due_at"],
                condition=models.Q(delivered_at__isnull=True, parked_at__isnull=True),
                name="outbox_waiting",
            ),
            # What was delivered lately is counted, what was long ago is deleted: neither reads the whole table.
            models.Index(fields=["delivered_at"], condition=models.Q(delivered_at__isnull=False), name="outbox_done"),
            models.Index(
                fields=["aggregate", "id"], condition=models.Q(delivered_at__isnull=True), name="outbox_aggregate"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.topic} {self.aggregate}"


class IdempotentRequest(models.Model):
    """The answer that a key was given, so that asking twice has one effect (O2).

    `status` NULL means that the first request still runs, since `started_at`.
    """

    scope = models.CharField(max_length=200)
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64)
    started_at = models.DateTimeField(default=now, db_default=Now())
    status = models.IntegerField(null=True)
    body = models.BinaryField(null=True)
    content_type = models.CharField(max_length=100, blank=True)

    class Meta:
        # Postgres names NOT NULL constraints after the table; Citus needs them short (citus.md, rule 7).
        db_table = "activity_idempotent"
        constraints = [models.UniqueConstraint(fields=["scope", "key"], name="idempotent_scope_key")]
        indexes = [models.Index(fields=["started_at"], name="idempotent_age")]

    def __str__(self) -> str:
        return f"{self.scope} {self.key}"
