"""How each tenant does, for the operators' console, and when operators were on a tenant's site as somebody."""

import django.db.models.deletion
import django.db.models.functions.datetime
import django.utils.timezone
import shared_apps.core.codes
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('tenants', '0006_heartbeats'),
    ]

    operations = [
        migrations.CreateModel(
            name='TenantHealth',
            fields=[
                ('tenant', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='health', serialize=False, to='tenants.tenant')),
                ('measured_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), default=django.utils.timezone.now)),
                ('state', models.CharField(choices=[('ok', 'Well'), ('warning', 'Needs a look'), ('problem', 'Something does not work')], db_default='ok', default='ok', max_length=7)),
                ('parked', models.IntegerField(db_default=0, default=0)),
                ('waiting', models.IntegerField(db_default=0, default=0)),
                ('lag_seconds', models.IntegerField(db_default=0, default=0)),
                ('failing_jobs', models.IntegerField(db_default=0, default=0)),
                ('webhooks_off', models.IntegerField(db_default=0, default=0)),
                ('webhooks_failed', models.IntegerField(db_default=0, default=0)),
                ('imports_failed', models.IntegerField(db_default=0, default=0)),
                ('errors', models.IntegerField(db_default=0, default=0)),
                ('warnings', models.IntegerField(db_default=0, default=0)),
                ('events', models.IntegerField(db_default=0, default=0)),
                ('staff', models.IntegerField(db_default=0, default=0)),
                ('sales_minor', models.BigIntegerField(db_default=0, default=0)),
                ('fees_minor', models.BigIntegerField(db_default=0, default=0)),
                ('orders', models.BigIntegerField(db_default=0, default=0)),
                ('paid_tickets', models.BigIntegerField(db_default=0, default=0)),
                ('mails', models.BigIntegerField(db_default=0, default=0)),
                ('api_requests', models.BigIntegerField(db_default=0, default=0)),
                ('storage_bytes', models.BigIntegerField(db_default=0, default=0)),
            ],
            options={
                'verbose_name_plural': 'health',
                'constraints': [models.CheckConstraint(condition=models.Q(('failing_jobs__gte', 0), ('lag_seconds__gte', 0), ('parked__gte', 0), ('waiting__gte', 0)), name='tenanthealth_not_negative')],
            },
        ),
        migrations.CreateModel(
            name='Impersonation',
            fields=[
                ('id', models.UUIDField(default=shared_apps.core.codes.uuid7, editable=False, primary_key=True, serialize=False)),
                ('operator_id', models.BigIntegerField()),
                ('person_id', models.BigIntegerField()),
                ('reason', models.CharField(max_length=500, verbose_name='reason')),
                ('writes', models.BooleanField(db_default=False, default=False)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), default=django.utils.timezone.now)),
                ('expires_at', models.DateTimeField()),
                ('code_digest', models.CharField(blank=True, db_default='', default='', max_length=64)),
                ('token_digest', models.CharField(blank=True, db_default='', default='', max_length=64)),
                ('entered_at', models.DateTimeField(null=True)),
                ('ended_at', models.DateTimeField(null=True)),
                ('ended_by', models.CharField(blank=True, choices=[('operator', 'by the operator'), ('owner', 'by the organizer')], db_default='', default='', max_length=8)),
                ('requests', models.IntegerField(db_default=0, default=0)),
                ('changes', models.IntegerField(db_default=0, default=0)),
                ('tenant', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='impersonations', to='tenants.tenant')),
            ],
            options={
                'indexes': [models.Index(fields=['tenant', '-created_at'], name='impersonation_tenant'), models.Index(fields=['-created_at'], name='impersonation_newest')],
                'constraints': [models.CheckConstraint(condition=models.Q(('reason', ''), _negated=True), name='impersonation_has_a_reason'), models.CheckConstraint(condition=models.Q(('expires_at__gt', models.F('created_at'))), name='impersonation_ends_after_it_began')],
            },
        ),
    ]
