"""That the transfer rule is said becomes a check with a short name; the long one of Postgres 18 goes."""

from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("ticketing", "0003_prices_validated")]

    operations = [
        AddConstraintNotValid(
            "tickettype",
            models.CheckConstraint(
                condition=models.Q(transfer_allowed__isnull=False), name="ticket_type_transfer_said"
            ),
        ),
        migrations.AlterField(
            "tickettype",
            "transfer_allowed",
            models.BooleanField(db_default=True, default=True, null=True, verbose_name="holders may pass it on"),
        ),
    ]
