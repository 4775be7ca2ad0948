"""Tickets that are passed on, codes and keys that are dead before their event is over."""

import django.db.models.deletion
import django.db.models.functions.datetime
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("events", "0005_media"), ("ticketing", "0006_waiting_list")]

    operations = [
        migrations.AddField("eventkey", "revoked_at", models.DateTimeField(blank=True, null=True)),
        migrations.AddField(
            "ticket",
            "secret",
            models.CharField(blank=True, db_default="", default="", editable=False, max_length=43),
        ),
        migrations.AddField("ticket", "reinstated_at", models.DateTimeField(blank=True, null=True)),
        migrations.CreateModel(
            name="Handover",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("by", models.BigIntegerField(null=True)),
                (
                    "at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), default=django.utils.timezone.now
                    ),
                ),
                (
                    "first",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="ticketing.ticket"
                    ),
                ),
                (
                    "new",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="received", to="ticketing.ticket"
                    ),
                ),
                (
                    "old",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="handed_over", to="ticketing.ticket"
                    ),
                ),
            ],
            options={"ordering": ["at", "id"]},
        ),
        migrations.CreateModel(
            name="RetiredCode",
            fields=[
                ("token", models.UUIDField(primary_key=True, serialize=False)),
                (
                    "retired_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), default=django.utils.timezone.now
                    ),
                ),
                (
                    "event",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="events.event",
                    ),
                ),
                (
                    "ticket",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="retired_codes", to="ticketing.ticket"
                    ),
                ),
            ],
            options={
                "db_table": "ticketing_retired",
                "indexes": [models.Index(fields=["event", "retired_at"], name="retired_event")],
            },
        ),
    ]
