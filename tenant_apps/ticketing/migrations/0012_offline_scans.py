"""What scanners without network told at the door, beside what the database says of it."""

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models
from django.db.models.functions import Now

CONFLICTS = [
    ("let_in", "Let in, though the ticket does not admit"),
    ("turned_away", "Turned away with a good ticket"),
]


class Migration(migrations.Migration):
    dependencies = [("ticketing", "0011_check_in_zones_validated")]

    operations = [
        migrations.CreateModel(
            name="OfflineScan",
            fields=[
                (
                    "check_in",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="offline",
                        serialize=False,
                        to="ticketing.checkin",
                    ),
                ),
                ("reason", models.CharField(blank=True, max_length=20)),
                ("conflict", models.CharField(blank=True, choices=CONFLICTS, max_length=12)),
                ("device", models.CharField(blank=True, max_length=36)),
                ("listed_at", models.DateTimeField(blank=True, null=True)),
                ("clock_ahead", models.IntegerField(default=0)),
                ("received_at", models.DateTimeField(db_default=Now(), default=django.utils.timezone.now)),
                ("seen_at", models.DateTimeField(blank=True, null=True)),
                ("seen_by", models.BigIntegerField(null=True)),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("conflict", ""), _negated=True),
                        fields=["received_at"],
                        name="offline_scan_conflicts",
                    )
                ],
            },
        ),
    ]
