"""Carts: what buyers are choosing, with what it holds. New tables only."""

import django.db.models.deletion
import django.db.models.functions.datetime
import django.utils.timezone
import shared_apps.core.codes
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('catalog', '0002_images_and_switch'),
        ('orders', '0006_goods_indexes'),
        ('ticketing', '0005_transfer_validated'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Cart',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('voucher', models.CharField(blank=True, db_default='', default='', max_length=40)),
                ('expires_at', models.DateTimeField(null=True)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), default=django.utils.timezone.now)),
                ('modified_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), default=django.utils.timezone.now)),
                ('delivery_method', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='catalog.deliverymethod')),
                ('user', models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.CreateModel(
            name='CartLine',
            fields=[
                ('id', models.UUIDField(default=shared_apps.core.codes.uuid7, editable=False, primary_key=True, serialize=False)),
                ('quantity', models.IntegerField()),
                ('price_minor', models.BigIntegerField(null=True)),
                ('title', models.CharField(max_length=320)),
                ('places', models.JSONField(db_default=models.Value({}, models.JSONField()), default=dict)),
                ('pieces', models.IntegerField(db_default=0, default=0)),
                ('cart', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='lines', to='orders.cart')),
                ('ticket_type', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='cart_lines', to='ticketing.tickettype')),
                ('variant', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='cart_lines', to='catalog.productvariant')),
            ],
            options={
                'ordering': ['id'],
            },
        ),
        migrations.AddIndex(
            model_name='cart',
            index=models.Index(condition=models.Q(('expires_at__isnull', False)), fields=['expires_at'], name='cart_overdue'),
        ),
        migrations.AddIndex(
            model_name='cart',
            index=models.Index(fields=['modified_at'], name='cart_modified'),
        ),
        migrations.AddIndex(
            model_name='cart',
            index=models.Index(condition=models.Q(('delivery_method__isnull', False)), fields=['delivery_method'], name='cart_delivery_method'),
        ),
        migrations.AddConstraint(
            model_name='cart',
            constraint=models.UniqueConstraint(condition=models.Q(('user__isnull', False)), fields=('user',), name='cart_one_a_person'),
        ),
        migrations.AddIndex(
            model_name='cartline',
            index=models.Index(condition=models.Q(('ticket_type__isnull', False)), fields=['ticket_type'], name='cart_line_type'),
        ),
        migrations.AddIndex(
            model_name='cartline',
            index=models.Index(condition=models.Q(('variant__isnull', False)), fields=['variant'], name='cart_line_variant'),
        ),
        migrations.AddConstraint(
            model_name='cartline',
            constraint=models.UniqueConstraint(condition=models.Q(('ticket_type__isnull', False)), fields=('cart', 'ticket_type', 'price_minor'), name='cart_line_type_once', nulls_distinct=False),
        ),
        migrations.AddConstraint(
            model_name='cartline',
            constraint=models.UniqueConstraint(condition=models.Q(('variant__isnull', False)), fields=('cart', 'variant'), name='cart_line_variant_once'),
        ),
        migrations.AddConstraint(
            model_name='cartline',
            constraint=models.CheckConstraint(condition=models.Q(('pieces__gte', 0), ('quantity__gte', 1), models.Q(('ticket_type__isnull', True), ('variant__isnull', True), _connector='OR')), name='cart_line_one_thing'),
        ),
        migrations.AddConstraint(
            model_name='cartline',
            constraint=models.CheckConstraint(condition=models.Q(('price_minor__isnull', True), ('price_minor__gte', 0), _connector='OR'), name='cart_line_price_not_negative'),
        ),
    ]
