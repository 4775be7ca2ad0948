"""What tenants have subscribed to and owe, what Stripe said, and what owners are told."""

import django.db.models.deletion
import django.db.models.functions.datetime
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('billing', '0002_plans'),
    ]

    operations = [
        migrations.CreateModel(
            name='BillingEvent',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('stripe_event', models.CharField(max_length=120, unique=True)),
                ('kind', models.CharField(max_length=80)),
                ('customer', models.CharField(blank=True, max_length=120)),
                ('live', models.BooleanField(default=False)),
                ('said_at', models.DateTimeField(null=True)),
                ('received_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), default=django.utils.timezone.now)),
                ('done_at', models.DateTimeField(null=True)),
                ('tries', models.IntegerField(default=0)),
                ('next_try_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), default=django.utils.timezone.now)),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('done_at', None)), fields=['next_try_at'], name='billingevent_open'), models.Index(fields=['received_at'], name='billingevent_old')],
            },
        ),
        migrations.CreateModel(
            name='BillingLetter',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('started', 'Plan started'), ('trial_ends', 'Trial ends soon'), ('failed', 'Payment failed'), ('grace_ends', 'Restricted soon'), ('restricted', 'Restricted'), ('suspended_soon', 'Suspended soon'), ('suspended', 'Suspended'), ('paid', 'Paid again'), ('cancelled', 'Plan ended'), ('returned', 'Paid twice, given back')], max_length=14)),
                ('about', models.CharField(max_length=120)),
                ('facts', models.JSONField(default=dict)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), default=django.utils.timezone.now)),
                ('claimed_at', models.DateTimeField(null=True)),
                ('sent_at', models.DateTimeField(null=True)),
                ('tries', models.IntegerField(default=0)),
                ('tenant', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='tenants.tenant')),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('sent_at', None)), fields=['created_at'], name='billingletter_unsent')],
                'constraints': [models.UniqueConstraint(fields=('tenant', 'kind', 'about'), name='billingletter_once')],
            },
        ),
        migrations.CreateModel(
            name='PlatformInvoice',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('stripe_invoice', models.CharField(max_length=120, unique=True)),
                ('number', models.CharField(blank=True, max_length=60)),
                ('status', models.CharField(choices=[('draft', 'Draft'), ('open', 'Open'), ('paid', 'Paid'), ('void', 'Void'), ('uncollectible', 'Written off')], max_length=13)),
                ('reason', models.CharField(blank=True, max_length=40)),
                ('currency', models.CharField(max_length=3)),
                ('total_minor', models.BigIntegerField()),
                ('due_minor', models.BigIntegerField()),
                ('paid_minor', models.BigIntegerField()),
                ('left_minor', models.BigIntegerField()),
                ('issued_at', models.DateTimeField()),
                ('due_at', models.DateTimeField(null=True)),
                ('paid_at', models.DateTimeField(null=True)),
                ('next_try_at', models.DateTimeField(null=True)),
                ('period_start', models.DateTimeField(null=True)),
                ('period_end', models.DateTimeField(null=True)),
                ('lines', models.JSONField(default=list)),
                ('page_url', models.CharField(blank=True, max_length=500)),
                ('pdf_url', models.CharField(blank=True, max_length=500)),
                ('tenant', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='platform_invoices', to='tenants.tenant')),
            ],
            options={
                'ordering': ['-issued_at', '-id'],
                'indexes': [models.Index(fields=['tenant', '-issued_at'], name='platforminvoice_of_tenant')],
                'constraints': [models.CheckConstraint(condition=models.Q(('due_minor__gte', 0), ('left_minor__gte', 0), ('paid_minor__gte', 0)), name='platforminvoice_not_negative')],
            },
        ),
        migrations.CreateModel(
            name='Subscription',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('status', models.CharField(choices=[('free', 'Nothing subscribed'), ('incomplete', 'First payment missing'), ('trialing', 'Trial'), ('active', 'Active'), ('past_due', 'Payment missing'), ('restricted', 'Restricted'), ('suspended', 'Suspended'), ('cancelled', 'Cancelled')], default='free', max_length=10)),
                ('stripe_customer', models.CharField(blank=True, max_length=120)),
                ('stripe_subscription', models.CharField(blank=True, max_length=120)),
                ('checkout_coupon', models.CharField(blank=True, max_length=120)),
                ('checkout_session', models.CharField(blank=True, max_length=120)),
                ('checkout_at', models.DateTimeField(null=True)),
                ('checkouts', models.IntegerField(default=0)),
                ('current_period_start', models.DateTimeField(null=True)),
                ('current_period_end', models.DateTimeField(null=True)),
                ('trial_ends_at', models.DateTimeField(null=True)),
                ('had_trial', models.BooleanField(default=False)),
                ('cancel_at_period_end', models.BooleanField(default=False)),
                ('cancelled_at', models.DateTimeField(null=True)),
                ('past_due_since', models.DateTimeField(null=True)),
                ('grace_until', models.DateTimeField(null=True)),
                ('suspended_from', models.DateTimeField(null=True)),
                ('asked', models.BigIntegerField(default=0)),
                ('answered', models.BigIntegerField(default=0)),
                ('look_at', models.DateTimeField(null=True)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), default=django.utils.timezone.now)),
                ('changed_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), default=django.utils.timezone.now)),
                ('checkout_plan', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='billing.plan')),
                ('plan', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='subscriptions', to='billing.plan')),
                ('tenant', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='subscription', to='tenants.tenant')),
            ],
            options={
                'indexes': [models.Index(fields=['look_at'], name='subscription_look')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('stripe_customer', ''), _negated=True), fields=('stripe_customer',), name='subscription_customer_once'), models.CheckConstraint(condition=models.Q(('answered__gte', 0), ('answered__lte', models.F('asked')), ('checkouts__gte', 0)), name='subscription_counts')],
            },
        ),
        migrations.CreateModel(
            name='TicketFeeBill',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('month', models.DateField()),
                ('currency', models.CharField(max_length=3)),
                ('tickets', models.BigIntegerField()),
                ('amount_minor', models.BigIntegerField()),
                ('stripe_invoice', models.CharField(blank=True, max_length=120)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), default=django.utils.timezone.now)),
                ('issued_at', models.DateTimeField(null=True)),
                ('tenant', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='ticket_fee_bills', to='tenants.tenant')),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('issued_at', None)), fields=['created_at'], name='ticketfeebill_open')],
                'constraints': [models.UniqueConstraint(fields=('tenant', 'month', 'currency'), name='ticketfeebill_once_a_month'), models.CheckConstraint(condition=models.Q(('amount_minor__gt', 0), ('tickets__gte', 0)), name='ticketfeebill_positive')],
            },
        ),
    ]
