"""Public profiles, who follows and blocks whom, what is reported; and whether an event of the copy takes place."""

import django.db.models.deletion
import django.db.models.functions.datetime
import django.utils.timezone
import shared_apps.core.codes
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0005_words_about_sites'),
        ('people', '0003_agreements'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Profile',
            fields=[
                ('user', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='profile', serialize=False, to=settings.AUTH_USER_MODEL)),
                ('about', models.CharField(blank=True, max_length=1000)),
                ('is_public', models.BooleanField(db_default=False, default=False)),
                ('shows_coming', models.BooleanField(db_default=False, default=False)),
                ('shows_attended', models.BooleanField(db_default=False, default=False)),
                ('hidden_at', models.DateTimeField(null=True)),
                ('changed_at', models.DateTimeField(auto_now=True, db_default=django.db.models.functions.datetime.Now())),
            ],
        ),
        migrations.AddField(
            model_name='boughtplace',
            name='called_off',
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.CreateModel(
            name='PersonBlock',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('blocked_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), default=django.utils.timezone.now)),
                ('blocked', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'db_table': 'people_block',
                'constraints': [models.UniqueConstraint(fields=('user', 'blocked'), name='people_block_once'), models.CheckConstraint(condition=models.Q(('user', models.F('blocked')), _negated=True), name='people_block_another')],
            },
        ),
        migrations.CreateModel(
            name='PersonFollow',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('followed_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), default=django.utils.timezone.now)),
                ('follower', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('person', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'db_table': 'people_follow',
                'indexes': [models.Index(fields=['follower', '-followed_at'], name='people_follow_mine')],
                'constraints': [models.UniqueConstraint(fields=('person', 'follower'), name='people_follow_once'), models.CheckConstraint(condition=models.Q(('person', models.F('follower')), _negated=True), name='people_follow_another')],
            },
        ),
        migrations.CreateModel(
            name='ProfileReport',
            fields=[
                ('id', models.UUIDField(default=shared_apps.core.codes.uuid7, editable=False, primary_key=True, serialize=False)),
                ('reason', models.CharField(choices=[('spam', 'Spam or advertising'), ('abuse', 'Insults or threats'), ('impersonation', 'Pretends to be somebody else'), ('other', 'Something else')], max_length=15)),
                ('note', models.CharField(blank=True, max_length=500)),
                ('said', models.CharField(blank=True, max_length=1200)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), default=django.utils.timezone.now)),
                ('decision', models.CharField(blank=True, choices=[('hidden', 'Profile hidden'), ('dismissed', 'Nothing wrong')], max_length=10)),
                ('decided_at', models.DateTimeField(null=True)),
                ('person', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('reporter', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'db_table': 'people_report',
                'indexes': [models.Index(condition=models.Q(('decided_at__isnull', True)), fields=['created_at'], name='people_report_open')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('decided_at__isnull', True)), fields=('person', 'reporter'), name='people_report_one_open')],
            },
        ),
    ]
