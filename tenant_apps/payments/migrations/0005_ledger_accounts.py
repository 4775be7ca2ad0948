"""Say of each entry whose account it moved: that of the payment or refund with its number. None for money by hand."""

from django.db import migrations

FILL = [
    """
    UPDATE payments_ledgerentry l SET account_id = p.account_id FROM payments_payment p
    WHERE l.kind = 'payment' AND l.account_id IS NULL AND p.account_id IS NOT NULL AND p.order_id = l.order_id
      AND p.provider = l.provider AND l.reference = coalesce(nullif(p.reference, ''), p.id::text)
    """,
    """
    UPDATE payments_ledgerentry l SET account_id = p.account_id FROM payments_refund r
    JOIN payments_payment p ON p.id = r.payment_id
    WHERE l.kind = 'refund' AND l.account_id IS NULL AND p.account_id IS NOT NULL AND p.order_id = l.order_id
      AND p.provider = l.provider AND l.reference = coalesce(nullif(r.reference, ''), r.id::text)
    """,
]


class Migration(migrations.Migration):
    dependencies = [("payments", "0004_disputes_mass_refunds_statements")]

    operations = [migrations.RunSQL(FILL, migrations.RunSQL.noop)]
