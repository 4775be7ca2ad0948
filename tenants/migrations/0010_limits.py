"""What a tenant's plan allows, on the row that every request has at hand anyway."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("tenants", "0008_life")]

    operations = [
        migrations.AddField(
            model_name="tenant",
            name="limits",
            field=models.JSONField(blank=True, db_default=models.Value({}, models.JSONField()), default=dict),
        ),
    ]
