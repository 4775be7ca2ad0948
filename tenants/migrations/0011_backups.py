"""Backups of single tenants that the platform keeps, and restores of them."""

import django.db.models.deletion
import django.db.models.functions.datetime
import django.utils.timezone
import shared_apps.core.codes
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('tenants', '0010_limits'),
    ]

    operations = [
        migrations.CreateModel(
            name='Backup',
            fields=[
                ('id', models.UUIDField(default=shared_apps.core.codes.uuid7, editable=False, primary_key=True, serialize=False)),
                ('schema_name', models.CharField(max_length=42)),
                ('slug', models.CharField(max_length=63, verbose_name='address')),
                ('status', models.CharField(choices=[('waiting', 'Waiting'), ('running', 'Running'), ('ready', 'Ready'), ('failed', 'Failed')], default='waiting', max_length=8, verbose_name='status')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), default=django.utils.timezone.now, verbose_name='asked for')),
                ('alive_at', models.DateTimeField(null=True)),
                ('finished_at', models.DateTimeField(null=True, verbose_name='ended')),
                ('tries', models.IntegerField(db_default=0, default=0)),
                ('error', models.CharField(blank=True, max_length=300, verbose_name='what went wrong')),
                ('cause', models.CharField(choices=[('schedule', 'by schedule'), ('asked', 'asked for'), ('restore', 'before a restore')], default='schedule', max_length=8, verbose_name='why')),
                ('taken_at', models.DateTimeField(null=True, verbose_name='as of')),
                ('rows', models.BigIntegerField(db_default=0, default=0, verbose_name='rows')),
                ('files', models.IntegerField(db_default=0, default=0, verbose_name='files')),
                ('size_bytes', models.BigIntegerField(db_default=0, default=0, verbose_name='size')),
            ],
            options={
                'verbose_name': 'backup',
                'verbose_name_plural': 'backups',
                'db_table': 'tenants_backup',
                'ordering': ['-created_at', '-id'],
                'indexes': [models.Index(fields=['schema_name', '-created_at'], name='backup_newest')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('status__in', ('waiting', 'running'))), fields=('schema_name',), name='backup_one_open_each')],
            },
        ),
        migrations.CreateModel(
            name='Restore',
            fields=[
                ('id', models.UUIDField(default=shared_apps.core.codes.uuid7, editable=False, primary_key=True, serialize=False)),
                ('schema_name', models.CharField(max_length=42)),
                ('slug', models.CharField(max_length=63, verbose_name='address')),
                ('status', models.CharField(choices=[('waiting', 'Waiting'), ('running', 'Running'), ('ready', 'Ready'), ('failed', 'Failed')], default='waiting', max_length=8, verbose_name='status')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), default=django.utils.timezone.now, verbose_name='asked for')),
                ('alive_at', models.DateTimeField(null=True)),
                ('finished_at', models.DateTimeField(null=True, verbose_name='ended')),
                ('tries', models.IntegerField(db_default=0, default=0)),
                ('error', models.CharField(blank=True, max_length=300, verbose_name='what went wrong')),
                ('reason', models.CharField(max_length=300, verbose_name='reason')),
                ('rows', models.BigIntegerField(db_default=0, default=0, verbose_name='rows')),
                ('notes', models.TextField(blank=True, verbose_name='notes')),
                ('backup', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='restores', to='tenants.backup', verbose_name='backup')),
                ('before', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='tenants.backup', verbose_name='what was there')),
            ],
            options={
                'verbose_name': 'restore',
                'verbose_name_plural': 'restores',
                'db_table': 'tenants_restore',
                'ordering': ['-created_at', '-id'],
                'constraints': [models.UniqueConstraint(condition=models.Q(('status__in', ('waiting', 'running'))), fields=('schema_name',), name='restore_one_open_each')],
            },
        ),
    ]
