"""What the platform sells, the plans that it begins with, and what the fees of tickets come to."""

from decimal import Decimal

import django.core.validators
import django.db.models.deletion
import django.db.models.functions.datetime
import django.utils.timezone
from django.db import migrations, models

import shared_apps.billing.models
import shared_apps.core.money

GB = 1_000_000_000
HOUSE = {"api_rate": 1200, "storage_bytes": 10 * GB, "domains": 1}
CHAIN = {"api_rate": 3000, "storage_bytes": 100 * GB, "domains": 10}
# slug, name, price, interval, per cent of a ticket, days of trial, limits
PLANS = (
    ("free", "Free", 0, "", "2.5", 0, {"storage_bytes": GB, "domains": 0}),
    ("house-monthly", "House", 2900, "month", "1", 14, HOUSE),
    ("house-yearly", "House", 29000, "year", "1", 14, HOUSE),
    ("chain-monthly", "Chain", 9900, "month", "0", 14, CHAIN),
    ("chain-yearly", "Chain", 99000, "year", "0", 14, CHAIN),
)


def make_plans(apps, schema_editor):
    plan = apps.get_model("billing", "Plan")
    for position, (slug, name, price, interval, percent, trial, limits) in enumerate(PLANS):
        plan.objects.get_or_create(
            slug=slug,
            defaults={
                "name": name, "price_minor": price, "currency": "EUR", "interval": interval, "trial_days": trial,
                "ticket_fee_percent": Decimal(percent), "limits": limits, "position": position,
            },
        )  # fmt: skip


class Migration(migrations.Migration):
    dependencies = [("billing", "0001_initial"), ("tenants", "0010_limits")]

    operations = [
        migrations.CreateModel(
            name='Plan',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('slug', models.SlugField(max_length=40, unique=True)),
                ('name', models.CharField(max_length=60, verbose_name='name')),
                ('price_minor', models.BigIntegerField(default=0, validators=[django.core.validators.MinValueValidator(0)])),
                ('currency', models.CharField(default='EUR', max_length=3, validators=[shared_apps.core.money.validate_currency], verbose_name='currency')),
                ('interval', models.CharField(blank=True, choices=[('', 'no fixed price'), ('month', 'a month'), ('year', 'a year')], default='', max_length=5)),
                ('ticket_fee_minor', models.BigIntegerField(default=0, validators=[django.core.validators.MinValueValidator(0)])),
                ('ticket_fee_percent', models.DecimalField(decimal_places=2, default=Decimal('0'), max_digits=5, validators=[django.core.validators.MinValueValidator(0)])),
                ('trial_days', models.IntegerField(default=0, validators=[django.core.validators.MinValueValidator(0)])),
                ('limits', models.JSONField(blank=True, default=dict, validators=[shared_apps.billing.models.validate_limits])),
                ('stripe_price', models.CharField(blank=True, max_length=120)),
                ('position', models.IntegerField(default=0)),
                ('is_offered', models.BooleanField(default=True)),
            ],
            options={
                'ordering': ['position', 'id'],
                'constraints': [models.CheckConstraint(condition=models.Q(('price_minor__gte', 0), ('ticket_fee_minor__gte', 0), ('trial_days__gte', 0)), name='plan_not_negative'), models.CheckConstraint(condition=models.Q(('ticket_fee_percent__gte', 0), ('ticket_fee_percent__lte', 100)), name='plan_fee_within_price'), models.CheckConstraint(condition=models.Q(models.Q(('interval', ''), ('price_minor', 0)), models.Q(('interval', ''), _negated=True), _connector='OR'), name='plan_price_has_time')],
            },
        ),
        migrations.CreateModel(
            name='TicketFees',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('day', models.DateField()),
                ('currency', models.CharField(max_length=3)),
                ('tickets', models.BigIntegerField(default=0)),
                ('gross_minor', models.BigIntegerField(default=0)),
                ('fee_minor', models.BigIntegerField(default=0)),
                ('collected_minor', models.BigIntegerField(default=0)),
                ('measured_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), default=django.utils.timezone.now)),
                ('tenant', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='ticket_fees', to='tenants.tenant')),
            ],
            options={
                'verbose_name_plural': 'ticket fees',
                'ordering': ['-day', 'currency'],
                'constraints': [models.UniqueConstraint(fields=('tenant', 'day', 'currency'), name='ticketfees_once_a_day'), models.CheckConstraint(condition=models.Q(('collected_minor__gte', 0), ('fee_minor__gte', 0), ('gross_minor__gte', 0), ('tickets__gte', 0)), name='ticketfees_not_negative')],
            },
        ),
        migrations.RunPython(make_plans, migrations.RunPython.noop),
    ]
