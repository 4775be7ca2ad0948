"""Messages that staff write, the account for text messages with its book, and the devices that take pushes."""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
import django.utils.timezone
import shared_apps.core.codes
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('events', '0006_told_at_the_door'),
        ('notifications', '0002_feed_and_wording'),
        ('orders', '0012_rules'),
        ('ticketing', '0013_ticket_passages'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='SmsMessage',
            fields=[
                ('key', models.CharField(max_length=64, primary_key=True, serialize=False)),
                ('status', models.CharField(choices=[('claimed', 'On its way'), ('sent', 'Sent'), ('refused', 'Refused')], default='claimed', max_length=8)),
                ('parts', models.IntegerField()),
                ('reference', models.CharField(blank=True, max_length=100)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), default=django.utils.timezone.now)),
            ],
            options={
                'db_table': 'notifications_sms',
            },
        ),
        migrations.CreateModel(
            name='Message',
            fields=[
                ('id', models.UUIDField(default=shared_apps.core.codes.uuid7, editable=False, primary_key=True, serialize=False)),
                ('segment', models.JSONField(default=dict)),
                ('person', models.BigIntegerField(null=True)),
                ('subject', models.CharField(max_length=150, verbose_name='subject')),
                ('text', models.TextField(verbose_name='text')),
                ('channels', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=10), size=None)),
                ('status', models.CharField(choices=[('running', 'Being sent'), ('done', 'Sent'), ('stopped', 'Stopped')], default='running', max_length=8)),
                ('total', models.IntegerField(default=0)),
                ('started_by', models.BigIntegerField(null=True)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), default=django.utils.timezone.now)),
                ('modified_at', models.DateTimeField(auto_now=True, db_default=django.db.models.functions.datetime.Now())),
                ('finished_at', models.DateTimeField(null=True)),
                ('event', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='messages', to='events.event')),
            ],
        ),
        migrations.CreateModel(
            name='MessagePerson',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('status', models.CharField(choices=[('waiting', 'Waiting'), ('handed_over', 'Handed over'), ('left_out', 'Left out')], default='waiting', max_length=11)),
                ('message', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='people', to='notifications.message')),
                ('order', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='orders.order')),
                ('ticket', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='ticketing.ticket')),
            ],
            options={
                'db_table': 'notifications_msg_person',
            },
        ),
        migrations.CreateModel(
            name='PushSubscription',
            fields=[
                ('id', models.UUIDField(default=shared_apps.core.codes.uuid7, editable=False, primary_key=True, serialize=False)),
                ('endpoint', models.CharField(max_length=1000)),
                ('digest', models.CharField(max_length=64, unique=True)),
                ('p256dh', models.CharField(max_length=100)),
                ('auth', models.CharField(max_length=40)),
                ('device', models.CharField(blank=True, max_length=60)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), default=django.utils.timezone.now)),
                ('last_key', models.CharField(blank=True, db_default='', default='', max_length=64)),
                ('failures', models.IntegerField(db_default=0, default=0)),
                ('user', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'db_table': 'notifications_push',
            },
        ),
        migrations.CreateModel(
            name='SmsAccount',
            fields=[
                ('only', models.BooleanField(default=True, primary_key=True, serialize=False)),
                ('sender', models.CharField(max_length=16, verbose_name='sender')),
                ('sealed', models.BinaryField()),
                ('enabled', models.BooleanField(db_default=True, default=True)),
                ('daily_parts', models.IntegerField(default=200, verbose_name='parts a day at most')),
                ('day', models.DateField(default=None, null=True)),
                ('used_parts', models.IntegerField(db_default=0, default=0)),
                ('problem', models.CharField(blank=True, choices=[('key_refused', 'The service refuses the key.'), ('no_credit', 'The account has no credit left.')], db_default='', default='', max_length=20)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), default=django.utils.timezone.now)),
                ('modified_at', models.DateTimeField(auto_now=True, db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                'db_table': 'notifications_smsaccount',
                'constraints': [models.CheckConstraint(condition=models.Q(('only', True)), name='sms_account_only_one'), models.CheckConstraint(condition=models.Q(('daily_parts__gte', 0), ('used_parts__gte', 0), ('used_parts__lte', models.F('daily_parts'))), name='sms_account_within_day')],
            },
        ),
        migrations.AddIndex(
            model_name='message',
            index=models.Index(fields=['event', '-created_at'], name='message_event'),
        ),
        migrations.AddConstraint(
            model_name='message',
            constraint=models.UniqueConstraint(condition=models.Q(('event__isnull', False), ('status', 'running')), fields=('event',), name='message_one_running'),
        ),
        migrations.AddIndex(
            model_name='messageperson',
            index=models.Index(condition=models.Q(('status', 'waiting')), fields=['message', 'id'], name='message_person_waiting'),
        ),
        migrations.AddConstraint(
            model_name='messageperson',
            constraint=models.UniqueConstraint(fields=('message', 'ticket'), name='message_ticket_once'),
        ),
        migrations.AddConstraint(
            model_name='messageperson',
            constraint=models.UniqueConstraint(fields=('message', 'order'), name='message_order_once'),
        ),
        migrations.AddConstraint(
            model_name='messageperson',
            constraint=models.CheckConstraint(condition=models.Q(('ticket__isnull', False), ('order__isnull', False), _connector='OR'), name='message_person_known'),
        ),
        migrations.AddIndex(
            model_name='pushsubscription',
            index=models.Index(fields=['user', 'created_at'], name='push_user'),
        ),
    ]
