"""A buyer's orders by address without regard to case, found by an index; made without keeping writers out (P1)."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models.functions import Upper


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("orders", "0003_tax_and_tier")]

    operations = [AddIndexConcurrently("order", models.Index(Upper("email"), name="order_email_any_case"))]
