"""Letters by the clock: rounds to holders of tickets, reminder times of events, and what was told once."""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('events', '0006_told_at_the_door'),
        ('notifications', '0003_messages_and_channels'),
    ]

    operations = [
        migrations.CreateModel(
            name='EventReminders',
            fields=[
                ('event', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='own_reminders', serialize=False, to='events.event')),
                ('minutes', django.contrib.postgres.fields.ArrayField(base_field=models.IntegerField(), default=list, size=None)),
            ],
            options={
                'db_table': 'notifications_offsets',
            },
        ),
        migrations.CreateModel(
            name='Noted',
            fields=[
                ('name', models.CharField(max_length=60, primary_key=True, serialize=False)),
                ('at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), default=django.utils.timezone.now)),
            ],
        ),
        migrations.CreateModel(
            name='Round',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('reminder', 'Reminder'), ('review', 'Question how it was')], max_length=8)),
                ('anchor_at', models.DateTimeField()),
                ('offset_minutes', models.IntegerField()),
                ('due_at', models.DateTimeField()),
                ('status', models.CharField(choices=[('waiting', 'Planned'), ('done', 'Sent'), ('missed', 'Left out')], default='waiting', max_length=7)),
                ('cursor', models.CharField(blank=True, default='', max_length=32)),
                ('told', models.IntegerField(default=0)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), default=django.utils.timezone.now)),
                ('finished_at', models.DateTimeField(null=True)),
                ('event', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='rounds', to='events.event')),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('status', 'waiting')), fields=['due_at'], name='round_due')],
                'constraints': [models.UniqueConstraint(fields=('event', 'kind', 'anchor_at', 'offset_minutes'), name='round_once'), models.UniqueConstraint(condition=models.Q(('kind', 'review')), fields=('event',), name='round_one_review')],
            },
        ),
    ]
