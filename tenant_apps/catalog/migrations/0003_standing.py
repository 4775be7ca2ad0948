"""How goods stand with people: likes and favourites, counted beside the product. New tables: nothing waits for them."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('catalog', '0002_images_and_switch'),
    ]

    operations = [
        migrations.CreateModel(
            name='ProductStanding',
            fields=[
                ('product', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='standing', serialize=False, to='catalog.product')),
                ('likes', models.IntegerField(db_default=0, default=0)),
                ('favourites', models.IntegerField(db_default=0, default=0)),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('favourites__gte', 0), ('likes__gte', 0)), name='product_standing_not_below_0')],
            },
        ),
        migrations.CreateModel(
            name='ProductStandingChange',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('likes', models.IntegerField(db_default=0, default=0)),
                ('favourites', models.IntegerField(db_default=0, default=0)),
                ('product', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='catalog.product')),
            ],
            options={
                'db_table': 'catalog_change',
            },
        ),
    ]
