"""Lines that were cancelled by themselves, saved addresses, and notes on orders."""

import django.db.models.deletion
import django.db.models.functions.datetime
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('orders', '0007_carts'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='orderline',
            name='cancelled_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='orderline',
            name='charged',
            field=models.BooleanField(db_default=True, default=True),
        ),
        migrations.AddField(
            model_name='orderline',
            name='released_minor',
            field=models.BigIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='orderline',
            name='returned_minor',
            field=models.BigIntegerField(blank=True, null=True),
        ),
        migrations.CreateModel(
            name='OrderNote',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('text', models.CharField(max_length=2000, verbose_name='note')),
                ('actor_id', models.BigIntegerField(null=True)),
                ('actor', models.CharField(blank=True, max_length=254)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), default=django.utils.timezone.now)),
                ('order', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='notes', to='orders.order')),
            ],
            options={
                'db_table': 'orders_note',
                'ordering': ['created_at', 'id'],
            },
        ),
        migrations.CreateModel(
            name='SavedAddress',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('created_at', models.DateTimeField(auto_now_add=True, db_default=django.db.models.functions.datetime.Now())),
                ('modified_at', models.DateTimeField(auto_now=True, db_default=django.db.models.functions.datetime.Now())),
                ('slot', models.SmallIntegerField()),
                ('name', models.CharField(max_length=150, verbose_name='recipient')),
                ('phone', models.CharField(blank=True, max_length=30, verbose_name='phone')),
                ('country', models.CharField(blank=True, max_length=80, verbose_name='country')),
                ('city', models.CharField(max_length=100, verbose_name='city')),
                ('street', models.CharField(max_length=150, verbose_name='street')),
                ('house', models.CharField(blank=True, max_length=20, verbose_name='house')),
                ('apartment', models.CharField(blank=True, max_length=20, verbose_name='apartment')),
                ('postcode', models.CharField(blank=True, max_length=20, verbose_name='postcode')),
                ('comment', models.CharField(blank=True, max_length=300, verbose_name='for the courier')),
                ('user', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'db_table': 'orders_address',
                'ordering': ['-modified_at', '-id'],
                'constraints': [models.UniqueConstraint(fields=('user', 'slot'), name='address_slot'), models.CheckConstraint(condition=models.Q(('slot__gte', 1), ('slot__lte', 5)), name='address_at_most_five')],
            },
        ),
    ]
