"""Since when what a due job's row says is known, so that an older answer does not replace a newer one."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("tenants", "0006_heartbeats")]

    operations = [
        migrations.AddField("duejob", "asked_at", models.DateTimeField(null=True)),
    ]
