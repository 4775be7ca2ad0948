from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    # Built while people buy (P1).
    atomic = False

    dependencies = [("orders", "0005_goods")]

    operations = [
        AddIndexConcurrently(
            model_name=model,
            index=models.Index(
                fields=[field], condition=models.Q((f"{field}__isnull", False)), name=name
            ),
        )
        for model, field, name in (
            ("order", "delivery_method", "order_delivery_method"),
            ("orderline", "variant", "order_line_variant"),
        )
    ]
