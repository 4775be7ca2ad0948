"""When and how often an entrance admits, and zones with a number of people that they hold. 0011 validates the checks."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('events', '0005_media'),
        ('ticketing', '0008_told_at_the_door'),
    ]

    operations = [
        migrations.AddField(
            model_name='checkin',
            name='note',
            field=models.CharField(blank=True, db_default='', default='', max_length=200),
        ),
        migrations.AddField(
            model_name='checkinlist',
            name='closes_at',
            field=models.DateTimeField(blank=True, null=True, verbose_name='open until'),
        ),
        migrations.AddField(
            model_name='checkinlist',
            name='day',
            field=models.DateField(blank=True, null=True, verbose_name='day'),
        ),
        migrations.AddField(
            model_name='checkinlist',
            name='day_starts',
            field=models.IntegerField(db_default=0, default=0, verbose_name='a day begins at'),
        ),
        migrations.AddField(
            model_name='checkinlist',
            name='directions',
            field=models.CharField(choices=[('both', 'In and out'), ('in', 'Only in'), ('out', 'Only out')], db_default='both', default='both', max_length=4, verbose_name='directions'),
        ),
        migrations.AddField(
            model_name='checkinlist',
            name='entries',
            field=models.CharField(choices=[('after_exit', 'Again after going out'), ('once', 'Once'), ('once_per_day', 'Once a day')], db_default='after_exit', default='after_exit', max_length=12, verbose_name='how often'),
        ),
        migrations.AddField(
            model_name='checkinlist',
            name='gate',
            field=models.CharField(blank=True, db_default='', max_length=60, verbose_name='gate'),
        ),
        migrations.AddField(
            model_name='checkinlist',
            name='opens_at',
            field=models.DateTimeField(blank=True, null=True, verbose_name='open from'),
        ),
        migrations.CreateModel(
            name='CheckInZone',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('created_at', models.DateTimeField(auto_now_add=True, db_default=django.db.models.functions.datetime.Now())),
                ('modified_at', models.DateTimeField(auto_now=True, db_default=django.db.models.functions.datetime.Now())),
                ('name', models.CharField(max_length=100, verbose_name='name')),
                ('capacity', models.IntegerField(blank=True, null=True, verbose_name='places')),
                ('inside', models.IntegerField(db_default=0, default=0)),
                ('event', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='check_in_zones', to='events.event')),
            ],
            options={
                'db_table': 'ticketing_zone',
                'ordering': ['name', 'id'],
            },
        ),
        migrations.AddField(
            model_name='checkin',
            name='zone',
            field=models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='ticketing.checkinzone'),
        ),
        migrations.AddField(
            model_name='checkinlist',
            name='zone',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='lists', to='ticketing.checkinzone'),
        ),
        AddConstraintNotValid(
            model_name='checkinlist',
            constraint=models.CheckConstraint(condition=models.Q(('opens_at__isnull', True), ('closes_at__isnull', True), ('closes_at__gt', models.F('opens_at')), _connector='OR'), name='check_in_list_window'),
        ),
        AddConstraintNotValid(
            model_name='checkinlist',
            constraint=models.CheckConstraint(condition=models.Q(('day_starts__range', (0, 23))), name='check_in_list_day_starts'),
        ),
        migrations.AddConstraint(
            model_name='checkinzone',
            constraint=models.CheckConstraint(condition=models.Q(('inside__gte', 0), models.Q(('capacity__isnull', True), ('capacity__gte', models.F('inside')), _connector='OR')), name='check_in_zone_within_capacity'),
        ),
    ]
