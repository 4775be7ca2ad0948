"""Where programs are told of what happens, what they are told, and how far that has come."""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
import django.utils.timezone
import shared_apps.core.codes
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='WebhookEndpoint',
            fields=[
                ('created_at', models.DateTimeField(auto_now_add=True, db_default=django.db.models.functions.datetime.Now())),
                ('modified_at', models.DateTimeField(auto_now=True, db_default=django.db.models.functions.datetime.Now())),
                ('id', models.UUIDField(default=shared_apps.core.codes.uuid7, editable=False, primary_key=True, serialize=False)),
                ('url', models.CharField(max_length=500, verbose_name='address')),
                ('description', models.CharField(blank=True, max_length=100, verbose_name='what it is for')),
                ('topics', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=60), size=None)),
                ('sealed', models.BinaryField()),
                ('enabled', models.BooleanField(db_default=True, default=True)),
                ('disabled_because', models.CharField(blank=True, choices=[('staff', 'Switched off by staff'), ('gone', 'It answered 410: it does not want to be told any more'), ('failing', 'It failed for three days')], db_default='', default='', max_length=10)),
                ('disabled_at', models.DateTimeField(null=True)),
                ('failures', models.IntegerField(db_default=0, default=0)),
                ('failing_since', models.DateTimeField(null=True)),
                ('last_success_at', models.DateTimeField(null=True)),
                ('rest_until', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), default=django.utils.timezone.now)),
                ('busy_until', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), default=django.utils.timezone.now)),
            ],
            options={
                'db_table': 'webhooks_endpoint',
            },
        ),
        migrations.CreateModel(
            name='WebhookEvent',
            fields=[
                ('id', models.UUIDField(default=shared_apps.core.codes.uuid7, editable=False, primary_key=True, serialize=False)),
                ('topic', models.CharField(max_length=60)),
                ('aggregate', models.CharField(max_length=100)),
                ('body', models.TextField()),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), default=django.utils.timezone.now)),
            ],
            options={
                'db_table': 'webhooks_event',
                'indexes': [models.Index(fields=['created_at'], name='webhook_event_age')],
            },
        ),
        migrations.CreateModel(
            name='WebhookDelivery',
            fields=[
                ('id', models.UUIDField(default=shared_apps.core.codes.uuid7, editable=False, primary_key=True, serialize=False)),
                ('status', models.CharField(choices=[('waiting', 'Waiting'), ('delivered', 'Delivered'), ('failed', 'Given up')], db_default='waiting', default='waiting', max_length=9)),
                ('tries', models.IntegerField(db_default=0, default=0)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), default=django.utils.timezone.now)),
                ('due_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), default=django.utils.timezone.now)),
                ('give_up_at', models.DateTimeField()),
                ('done_at', models.DateTimeField(null=True)),
                ('outcome', models.CharField(blank=True, db_default='', default='', max_length=20)),
                ('http_status', models.IntegerField(null=True)),
                ('took_ms', models.IntegerField(null=True)),
                ('reply_bytes', models.IntegerField(null=True)),
                ('reply', models.BinaryField(null=True)),
                ('log', models.JSONField(db_default=models.Value([], models.JSONField()), default=list)),
                ('endpoint', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='deliveries', to='webhooks.webhookendpoint')),
                ('event', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='deliveries', to='webhooks.webhookevent')),
            ],
            options={
                'verbose_name_plural': 'deliveries',
                'db_table': 'webhooks_delivery',
                'indexes': [models.Index(condition=models.Q(('status', 'waiting')), fields=['endpoint', 'due_at'], name='webhook_delivery_due'), models.Index(fields=['endpoint', '-created_at'], name='webhook_delivery_log')],
                'constraints': [models.UniqueConstraint(fields=('event', 'endpoint'), name='webhook_delivery_once')],
            },
        ),
    ]
