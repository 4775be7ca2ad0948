"""Whether the answer to a question is told at the door."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("events", "0005_media")]

    operations = [
        migrations.AddField(
            "question",
            "at_door",
            models.BooleanField(db_default=False, default=False, verbose_name="tell the answer at the door"),
        ),
    ]
