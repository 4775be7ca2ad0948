"""A standing for each product that there is. What is made by the release before meanwhile gets one with its first like."""

from django.db import migrations

FILL = """
INSERT INTO catalog_productstanding (product_id) SELECT p.id FROM catalog_product p
WHERE NOT EXISTS (SELECT FROM catalog_productstanding s WHERE s.product_id = p.id) ON CONFLICT DO NOTHING
"""


class Migration(migrations.Migration):
    dependencies = [("catalog", "0003_standing")]

    operations = [migrations.RunSQL(FILL, migrations.RunSQL.noop)]
