"""How much each tenant uses, a row a day."""

import django.db.models.deletion
import django.db.models.functions.datetime
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('tenants', '0004_connected_accounts'),
    ]

    operations = [
        migrations.CreateModel(
            name='Usage',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('day', models.DateField()),
                ('orders', models.BigIntegerField(default=0)),
                ('paid_tickets', models.BigIntegerField(default=0)),
                ('mails', models.BigIntegerField(default=0)),
                ('api_requests', models.BigIntegerField(default=0)),
                ('storage_bytes', models.BigIntegerField(default=0)),
                ('measured_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), default=django.utils.timezone.now)),
                ('tenant', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='usage', to='tenants.tenant')),
            ],
            options={
                'verbose_name_plural': 'usage',
                'ordering': ['-day'],
                'constraints': [models.UniqueConstraint(fields=('tenant', 'day'), name='usage_once_a_day'), models.CheckConstraint(condition=models.Q(('api_requests__gte', 0), ('mails__gte', 0), ('orders__gte', 0), ('paid_tickets__gte', 0), ('storage_bytes__gte', 0)), name='usage_not_negative')],
            },
        ),
    ]
