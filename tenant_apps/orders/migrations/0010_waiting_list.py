"""Who waits for ticket types that are sold out."""
import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
import django.db.models.functions.text
import django.utils.timezone
import shared_apps.core.codes
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('orders', '0009_invoices'),
        ('ticketing', '0006_waiting_list'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='WaitingEntry',
            fields=[
                ('id', models.UUIDField(default=shared_apps.core.codes.uuid7, editable=False, primary_key=True, serialize=False)),
                ('quantity', models.IntegerField()),
                ('email', models.EmailField(max_length=254, verbose_name='email')),
                ('language', models.CharField(blank=True, max_length=10)),
                ('secret', models.CharField(max_length=43, unique=True)),
                ('status', models.CharField(choices=[('waiting', 'Waiting'), ('collecting', 'Collecting places'), ('offered', 'Offered'), ('taken', 'Ordered'), ('declined', 'Declined'), ('lapsed', 'Not answered in time'), ('left', 'Left the list'), ('removed', 'Removed'), ('closed', 'List closed')], default='waiting', max_length=10)),
                ('held', models.IntegerField(default=0)),
                ('quotas', django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), default=list, size=None)),
                ('joined_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), default=django.utils.timezone.now)),
                ('expires_at', models.DateTimeField(null=True)),
                ('passed_at', models.DateTimeField(null=True)),
                ('told_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), default=django.utils.timezone.now)),
                ('ended_at', models.DateTimeField(null=True)),
                ('order', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='waiting_entries', to='orders.order')),
                ('ticket_type', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='waiting_entries', to='ticketing.tickettype')),
                ('user', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'db_table': 'orders_waiting',
                'indexes': [models.Index(condition=models.Q(('status__in', ('waiting', 'collecting'))), fields=['ticket_type', 'joined_at'], name='waiting_line'), models.Index(condition=models.Q(('held__gt', 0)), fields=['expires_at'], name='waiting_overdue')],
                'constraints': [models.UniqueConstraint(models.F('ticket_type'), django.db.models.functions.text.Upper('email'), condition=models.Q(('status__in', ('waiting', 'collecting', 'offered'))), name='waiting_once'), models.CheckConstraint(condition=models.Q(models.Q(('expires_at__isnull', False), ('held', models.F('quantity')), ('status', 'offered')), models.Q(('expires_at__isnull', False), ('held__gt', 0), ('held__lt', models.F('quantity')), ('status', 'collecting')), models.Q(models.Q(('status__in', ('offered', 'collecting')), _negated=True), ('held', 0)), _connector='OR'), name='waiting_held'), models.CheckConstraint(condition=models.Q(('quantity__gte', 1)), name='waiting_quantity')],
            },
        ),
    ]
