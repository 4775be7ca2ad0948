"""A scan writes fewer indexes: one that two others begin with goes, and one of the status, which every scan changes."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("ticketing", "0013_ticket_passages")]

    operations = [
        migrations.RemoveIndex("ticket", "ticket_event_status"),
        migrations.AlterField(
            "checkin",
            "check_in_list",
            models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="check_ins",
                to="ticketing.checkinlist",
            ),
        ),
    ]
