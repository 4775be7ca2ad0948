"""What went wrong in a tenant, for its owner; and reports that come by mail by themselves."""

import django.db.models.functions.datetime
import django.utils.timezone
import shared_apps.core.codes
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('reports', '0001_read_models'),
    ]

    operations = [
        migrations.CreateModel(
            name='ReportSchedule',
            fields=[
                ('id', models.UUIDField(default=shared_apps.core.codes.uuid7, editable=False, primary_key=True, serialize=False)),
                ('report', models.CharField(max_length=20)),
                ('params', models.JSONField(default=dict)),
                ('format', models.CharField(choices=[('csv', 'CSV'), ('xlsx', 'XLSX'), ('pdf', 'PDF')], default='pdf', max_length=4)),
                ('cron', models.CharField(max_length=100)),
                ('recipients', models.JSONField(default=list)),
                ('enabled', models.BooleanField(default=True)),
                ('created_by', models.BigIntegerField(null=True)),
                ('next_at', models.DateTimeField(null=True)),
                ('zone', models.CharField(max_length=63)),
                ('last_at', models.DateTimeField(null=True)),
                ('last_sent', models.IntegerField(default=0)),
                ('last_skipped', models.IntegerField(default=0)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), default=django.utils.timezone.now)),
                ('modified_at', models.DateTimeField(auto_now=True, db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                'db_table': 'reports_schedule',
            },
        ),
        migrations.CreateModel(
            name='LogEntry',
            fields=[
                ('id', models.UUIDField(default=shared_apps.core.codes.uuid7, editable=False, primary_key=True, serialize=False)),
                ('hour', models.DateTimeField()),
                ('event', models.CharField(max_length=40)),
                ('subject', models.CharField(blank=True, default='', max_length=100)),
                ('level', models.CharField(choices=[('warning', 'Warning'), ('error', 'Error')], max_length=7)),
                ('times', models.IntegerField(default=1)),
                ('last_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), default=django.utils.timezone.now)),
                ('request_id', models.CharField(blank=True, default='', max_length=64)),
            ],
            options={
                'db_table': 'reports_log',
                'constraints': [models.UniqueConstraint(fields=('hour', 'event', 'subject'), name='report_log_once_an_hour')],
            },
        ),
    ]
