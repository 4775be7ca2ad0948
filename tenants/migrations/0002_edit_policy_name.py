"""The policy `one_hour` is called `one_hour_after_creation` from now on."""

from django.db import migrations


def rename(apps, old, new):
    tenants = apps.get_model("tenants", "Tenant")._base_manager
    for tenant in tenants.filter(preferences__event_edit_policy=old):
        tenant.preferences = {**tenant.preferences, "event_edit_policy": new}
        tenant.save(update_fields=["preferences"])


class Migration(migrations.Migration):
    dependencies = [("tenants", "0001_initial")]
    operations = [
        migrations.RunPython(
            lambda apps, editor: rename(apps, "one_hour", "one_hour_after_creation"),
            lambda apps, editor: rename(apps, "one_hour_after_creation", "one_hour"),
        )
    ]
