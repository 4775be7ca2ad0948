"""What the door is told of a ticket type, and what a scanner had decided by itself while it was offline."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("ticketing", "0007_ticket_life")]

    operations = [
        migrations.AddField(
            "tickettype",
            "door_note",
            models.CharField(blank=True, db_default="", default="", max_length=100, verbose_name="tell the door"),
        ),
        migrations.AddField(
            "checkin", "decided_offline", models.CharField(blank=True, db_default="", default="", max_length=8)
        ),
    ]
