"""Whether people may wait for a ticket type that is sold out: they may, unless the organizer says no."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("ticketing", "0005_transfer_validated")]

    operations = [
        migrations.AddField(
            "tickettype",
            "waiting_list",
            models.BooleanField(db_default=True, default=True, verbose_name="waiting list"),
        ),
    ]
