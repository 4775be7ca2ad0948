"""Indexes of the outbox's queues and keys; the one that knew of one queue only goes."""

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models

ONCE = models.UniqueConstraint(
    condition=models.Q(("dedupe_key__isnull", False)), fields=("dedupe_key",), name="outbox_once"
)


class Migration(migrations.Migration):
    # Built while people buy (P1).
    atomic = False

    dependencies = [("activity", "0002_queues_and_keys")]

    operations = [
        AddIndexConcurrently(
            model_name="outboxmessage",
            index=models.Index(
                condition=models.Q(("delivered_at__isnull", True), ("parked_at__isnull", True)),
                fields=["queue", "due_at"],
                name="outbox_waiting",
            ),
        ),
        AddIndexConcurrently(
            model_name="outboxmessage",
            index=models.Index(
                condition=models.Q(("delivered_at__isnull", False)), fields=["delivered_at"], name="outbox_done"
            ),
        ),
        # What AddConstraint makes of this is an index too, but one that is built while nobody may write.
        migrations.SeparateDatabaseAndState(
            state_operations=[migrations.AddConstraint(model_name="outboxmessage", constraint=ONCE)],
            database_operations=[
                migrations.RunSQL(
                    'CREATE UNIQUE INDEX CONCURRENTLY "outbox_once" ON "activity_outboxmessage" ("dedupe_key")'
                    ' WHERE "dedupe_key" IS NOT NULL',
                    'DROP INDEX CONCURRENTLY IF EXISTS "outbox_once"',
                )
            ],
        ),
        RemoveIndexConcurrently(model_name="outboxmessage", name="outbox_due"),
    ]
