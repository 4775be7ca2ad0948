"""Pictures of events. A new table: nothing waits for it."""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('events', '0004_season'),
    ]

    operations = [
        migrations.CreateModel(
            name='EventMedia',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('created_at', models.DateTimeField(auto_now_add=True, db_default=django.db.models.functions.datetime.Now())),
                ('modified_at', models.DateTimeField(auto_now=True, db_default=django.db.models.functions.datetime.Now())),
                ('stem', models.CharField(max_length=32, unique=True)),
                ('alt', models.CharField(max_length=300, verbose_name='what it shows')),
                ('position', models.IntegerField(db_default=0, default=0)),
                ('is_lead', models.BooleanField(db_default=False, default=False, verbose_name='shown first')),
                ('width', models.IntegerField()),
                ('height', models.IntegerField()),
                ('widths', django.contrib.postgres.fields.ArrayField(base_field=models.IntegerField(), size=None)),
                ('size_bytes', models.BigIntegerField()),
                ('event', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='media', to='events.event')),
            ],
            options={
                'db_table': 'events_media',
                'ordering': ['position', 'id'],
                'abstract': False,
                'constraints': [models.UniqueConstraint(condition=models.Q(('is_lead', True)), fields=('event',), name='event_media_one_leads')],
            },
        ),
    ]
