from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    # Built while people buy (P1).
    atomic = False

    dependencies = [("payments", "0002_accounts_events_polls")]

    operations = [
        AddIndexConcurrently(
            model_name=model,
            index=models.Index(fields=["poll_at"], condition=models.Q(poll_at__isnull=False), name=f"{model}_poll"),
        )
        for model in ("payment", "refund")
    ]
