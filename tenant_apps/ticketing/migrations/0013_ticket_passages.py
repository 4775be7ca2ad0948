"""How often something was decided about who is inside with a ticket: scans are answered in one statement by it."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("ticketing", "0012_offline_scans")]

    operations = [
        migrations.AddField("ticket", "passages", models.IntegerField(db_default=0, default=0, editable=False)),
    ]
