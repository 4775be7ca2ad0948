"""What people were told here, in whose words, from whose address, and who wants no more of it."""

import django.db.models.functions.datetime
import django.utils.timezone
import shared_apps.core.codes
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('notifications', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='Notification',
            fields=[
                ('id', models.UUIDField(default=shared_apps.core.codes.uuid7, editable=False, primary_key=True, serialize=False)),
                ('user_id', models.BigIntegerField()),
                ('topic', models.CharField(max_length=60)),
                ('title', models.CharField(max_length=300)),
                ('body', models.TextField(blank=True)),
                ('url', models.CharField(blank=True, max_length=500)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), default=django.utils.timezone.now)),
                ('read_at', models.DateTimeField(null=True)),
            ],
            options={
                'db_table': 'notifications_feed',
                'indexes': [models.Index(fields=['user_id', '-created_at', '-id'], name='notification_feed'), models.Index(condition=models.Q(('read_at__isnull', True)), fields=['user_id'], name='notification_unread')],
            },
        ),
        migrations.CreateModel(
            name='Sender',
            fields=[
                ('id', models.IntegerField(default=1, editable=False, primary_key=True, serialize=False)),
                ('name', models.CharField(blank=True, max_length=80)),
                ('reply_to', models.CharField(blank=True, max_length=254)),
                ('address', models.CharField(blank=True, max_length=254)),
                ('dkim_selector', models.CharField(blank=True, max_length=63)),
                ('proven_at', models.DateTimeField(null=True)),
                ('host', models.CharField(blank=True, max_length=253)),
                ('port', models.IntegerField(default=587)),
                ('username', models.CharField(blank=True, max_length=254)),
                ('sealed', models.BinaryField(null=True)),
                ('problem', models.CharField(blank=True, max_length=500)),
                ('failing_since', models.DateTimeField(null=True)),
                ('failures', models.IntegerField(default=0)),
                ('rest_until', models.DateTimeField(null=True)),
                ('worked_at', models.DateTimeField(null=True)),
                ('changed_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), default=django.utils.timezone.now)),
            ],
            options={
                'db_table': 'notifications_sender',
                'constraints': [models.CheckConstraint(condition=models.Q(('id', 1)), name='sender_only_one'), models.CheckConstraint(condition=models.Q(('port__in', (25, 465, 587))), name='sender_port')],
            },
        ),
        migrations.CreateModel(
            name='Suppression',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('address', models.CharField(max_length=254)),
                ('topic', models.CharField(max_length=60)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), default=django.utils.timezone.now)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('address', 'topic'), name='suppression_once')],
            },
        ),
        migrations.CreateModel(
            name='Wording',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('topic', models.CharField(max_length=60)),
                ('language', models.CharField(max_length=12)),
                ('title', models.CharField(max_length=150)),
                ('body', models.TextField()),
                ('short', models.CharField(blank=True, max_length=300)),
                ('changed_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), default=django.utils.timezone.now)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('topic', 'language'), name='wording_once')],
            },
        ),
    ]
