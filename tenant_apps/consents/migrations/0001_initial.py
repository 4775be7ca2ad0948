"""Texts that buyers agree to, and who agreed."""

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
            name='LegalText',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('code', models.SlugField(max_length=40, verbose_name='short name')),
                ('version', models.IntegerField()),
                ('title', models.CharField(max_length=200, verbose_name='title')),
                ('body', models.TextField(verbose_name='text')),
                ('required', models.BooleanField(db_default=True, default=True, verbose_name='required')),
                ('sha256', models.CharField(max_length=64)),
                ('published_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), default=django.utils.timezone.now)),
                ('ended_at', models.DateTimeField(blank=True, null=True)),
            ],
            options={
                'verbose_name': 'legal text',
                'verbose_name_plural': 'legal texts',
                'constraints': [models.UniqueConstraint(fields=('code', 'version'), name='legaltext_version_once'), models.UniqueConstraint(condition=models.Q(('ended_at__isnull', True)), fields=('code',), name='legaltext_one_current'), models.CheckConstraint(condition=models.Q(('version__gte', 1)), name='legaltext_version_positive')],
            },
        ),
        migrations.CreateModel(
            name='Consent',
            fields=[
                ('id', models.UUIDField(default=shared_apps.core.codes.uuid7, editable=False, primary_key=True, serialize=False)),
                ('order_id', models.UUIDField(null=True)),
                ('order_code', models.CharField(blank=True, max_length=20)),
                ('user_id', models.BigIntegerField(null=True)),
                ('email', models.EmailField(max_length=254)),
                ('address', models.GenericIPAddressField(null=True)),
                ('agreed_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), default=django.utils.timezone.now)),
                ('withdrawn_at', models.DateTimeField(blank=True, null=True)),
                ('text', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='consents', to='consents.legaltext')),
            ],
            options={
                'verbose_name': 'consent',
                'verbose_name_plural': 'consents',
                'indexes': [models.Index(fields=['agreed_at'], name='consent_age')],
                'constraints': [models.UniqueConstraint(fields=('order_id', 'text'), name='consent_once_an_order')],
            },
        ),
    ]
