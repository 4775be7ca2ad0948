"""How soon a message should leave, and a key by which its twin is not written. 0003 makes the indexes."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [("activity", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="outboxmessage",
            name="queue",
            field=models.CharField(db_default="default", default="default", max_length=10),
        ),
        migrations.AddField(
            model_name="outboxmessage",
            name="dedupe_key",
            field=models.CharField(max_length=200, null=True),
        ),
    ]
