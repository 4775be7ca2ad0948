"""Hosts that tenants say are their own, and what DNS says to that."""

import django.db.models.deletion
import django.db.models.functions.datetime
import django.utils.timezone
import tenants.models
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("tenants", "0007_due_asked"),
    ]

    operations = [
        migrations.CreateModel(
            name="DomainClaim",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("domain", models.CharField(max_length=253)),
                ("token", models.CharField(default=tenants.models.claim_token, max_length=64)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "Waiting for proof"),
                            ("proved", "Proved"),
                            ("failing", "Proof is missing"),
                            ("lost", "Proof ended"),
                            ("taken", "Used by another organizer"),
                        ],
                        default="waiting",
                        max_length=10,
                    ),
                ),
                (
                    "claimed_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), default=django.utils.timezone.now
                    ),
                ),
                ("checked_at", models.DateTimeField(blank=True, null=True)),
                ("proved_at", models.DateTimeField(blank=True, null=True)),
                ("failing_since", models.DateTimeField(blank=True, null=True)),
                ("found", models.CharField(blank=True, max_length=500)),
                ("next_check_at", models.DateTimeField(blank=True, default=django.utils.timezone.now, null=True)),
                (
                    "tenant",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="domain_claims",
                        to="tenants.tenant",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["domain"], name="domainclaim_domain"),
                    models.Index(
                        condition=models.Q(("next_check_at__isnull", False)),
                        fields=["next_check_at"],
                        name="domainclaim_due",
                    ),
                ],
                "constraints": [models.UniqueConstraint(fields=("tenant", "domain"), name="domainclaim_once")],
            },
        ),
    ]
