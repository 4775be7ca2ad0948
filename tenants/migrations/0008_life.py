"""Why a tenant is suspended, until when it may come back from closing, and when it was erased."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('tenants', '0008_domain_claims'),
    ]

    operations = [
        migrations.AddField(
            model_name='tenant',
            name='closed_at',
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name='tenant',
            name='closes_at',
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name='tenant',
            name='erased_at',
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name='tenant',
            name='suspensions',
            field=models.JSONField(db_default=models.Value({}, models.JSONField()), default=dict, editable=False),
        ),
        migrations.AlterField(
            model_name='tenant',
            name='status',
            field=models.CharField(choices=[('opening', 'Opening'), ('open', 'Open'), ('suspended', 'Suspended'), ('closing', 'Closing'), ('closed', 'Closed')], default='opening', max_length=12, verbose_name='status'),
        ),
    ]
