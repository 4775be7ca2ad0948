"""Goods: a tree of categories with grants, products with typed parameters, variants with a stock, delivery."""

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.contrib.postgres.search
import django.db.models.deletion
import django.db.models.expressions
import django.db.models.functions.datetime
import django.db.models.functions.text
import shared_apps.core.money
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        # pg_trgm has to be there for the index on names.
        ('tenants', '0003_trigrams'),
        ('auth', '0012_alter_user_first_name_max_length'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='DeliveryMethod',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('created_at', models.DateTimeField(auto_now_add=True, db_default=django.db.models.functions.datetime.Now())),
                ('modified_at', models.DateTimeField(auto_now=True, db_default=django.db.models.functions.datetime.Now())),
                ('name', models.CharField(max_length=100, verbose_name='name')),
                ('kind', models.CharField(choices=[('courier', 'Courier'), ('post', 'Post'), ('pickup', 'Pickup')], max_length=10, verbose_name='kind')),
                ('description', models.CharField(blank=True, max_length=300, verbose_name='description')),
                ('currency', models.CharField(max_length=3, validators=[shared_apps.core.money.validate_currency])),
                ('price_minor', models.BigIntegerField(db_default=0, default=0, verbose_name='price')),
                ('free_from_minor', models.BigIntegerField(blank=True, null=True, verbose_name='free from')),
                ('most_grams', models.IntegerField(blank=True, null=True, verbose_name='at most, in grams')),
                ('active', models.BooleanField(db_default=True, default=True, verbose_name='offered')),
                ('position', models.IntegerField(db_default=0, default=0)),
            ],
            options={
                'db_table': 'catalog_delivery',
                'ordering': ['position', 'name', 'id'],
                'constraints': [models.CheckConstraint(condition=models.Q(('price_minor__gte', 0), models.Q(('free_from_minor__isnull', True), ('free_from_minor__gte', 0), _connector='OR')), name='delivery_price_not_negative')],
            },
        ),
        migrations.CreateModel(
            name='ProductCategory',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('created_at', models.DateTimeField(auto_now_add=True, db_default=django.db.models.functions.datetime.Now())),
                ('modified_at', models.DateTimeField(auto_now=True, db_default=django.db.models.functions.datetime.Now())),
                ('slug', models.SlugField(max_length=60, unique=True)),
                ('name', models.CharField(max_length=80, verbose_name='name')),
                ('lineage', django.contrib.postgres.fields.ArrayField(base_field=models.SlugField(max_length=60), default=list, size=None)),
                ('position', models.IntegerField(db_default=0, default=0)),
                ('external_id', models.CharField(blank=True, max_length=100, null=True, unique=True)),
                ('parent', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='children', to='catalog.productcategory')),
            ],
            options={
                'db_table': 'catalog_category',
                'ordering': ['position', 'name', 'id'],
                'permissions': [('change_catalog', 'Change the catalog')],
            },
        ),
        migrations.CreateModel(
            name='Product',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('created_at', models.DateTimeField(auto_now_add=True, db_default=django.db.models.functions.datetime.Now())),
                ('modified_at', models.DateTimeField(auto_now=True, db_default=django.db.models.functions.datetime.Now())),
                ('slug', models.SlugField(max_length=100, unique=True)),
                ('name', models.CharField(max_length=200, verbose_name='name')),
                ('description', models.TextField(blank=True, verbose_name='description')),
                ('supplier', models.CharField(blank=True, max_length=120, verbose_name='supplier')),
                ('model', models.CharField(blank=True, max_length=120, verbose_name='model')),
                ('parameters', models.JSONField(db_default={}, default=dict, verbose_name='parameters')),
                ('currency', models.CharField(max_length=3, validators=[shared_apps.core.money.validate_currency], verbose_name='currency')),
                ('price_minor', models.BigIntegerField(verbose_name='price')),
                ('recommended_price_minor', models.BigIntegerField(blank=True, null=True, verbose_name='recommended price')),
                ('weight_grams', models.IntegerField(blank=True, null=True, verbose_name='weight in grams')),
                ('accepting_orders', models.BooleanField(db_default=True, default=True, verbose_name='accepting orders')),
                ('published', models.BooleanField(db_default=True, default=True, verbose_name='published')),
                ('external_id', models.CharField(blank=True, max_length=100, null=True, unique=True)),
                ('search', models.GeneratedField(db_persist=True, expression=django.contrib.postgres.search.CombinedSearchVector(django.contrib.postgres.search.SearchVector('name', 'model', config='russian', weight='A'), '||', django.contrib.postgres.search.SearchVector('description', config='russian', weight='C'), django.contrib.postgres.search.SearchConfig('russian')), output_field=django.contrib.postgres.search.SearchVectorField())),
                ('letters', models.GeneratedField(db_persist=True, expression=models.Func(django.db.models.functions.text.Lower('name'), models.Value('абвгдеёжзийклмнопрстуфхцчшщыэюяіїєґўъь'), models.Value('abvgdeejziiklmnoprstufhc4wwyeuqiiegu'), function='translate'), output_field=models.TextField())),
                ('category', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='products', to='catalog.productcategory')),
            ],
            options={
                'ordering': ['name', 'id'],
            },
        ),
        migrations.CreateModel(
            name='Parameter',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('created_at', models.DateTimeField(auto_now_add=True, db_default=django.db.models.functions.datetime.Now())),
                ('modified_at', models.DateTimeField(auto_now=True, db_default=django.db.models.functions.datetime.Now())),
                ('name', models.CharField(max_length=80, verbose_name='name')),
                ('kind', models.CharField(choices=[('text', 'Text'), ('number', 'Number'), ('boolean', 'Yes or no')], max_length=10, verbose_name='kind')),
                ('filterable', models.BooleanField(db_default=True, default=True, verbose_name='offered as a filter')),
                ('position', models.IntegerField(db_default=0, default=0)),
                ('category', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='parameters', to='catalog.productcategory')),
            ],
            options={
                'ordering': ['position', 'name', 'id'],
            },
        ),
        migrations.CreateModel(
            name='CategoryUserPermission',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('permission', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='auth.permission')),
                ('user', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('content_object', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='grants', to='catalog.productcategory')),
            ],
            options={
                'db_table': 'catalog_grant',
            },
        ),
        migrations.CreateModel(
            name='ProductVariant',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('created_at', models.DateTimeField(auto_now_add=True, db_default=django.db.models.functions.datetime.Now())),
                ('modified_at', models.DateTimeField(auto_now=True, db_default=django.db.models.functions.datetime.Now())),
                ('capacity', models.IntegerField(blank=True, null=True)),
                ('held', models.IntegerField(db_default=0, default=0)),
                ('sold', models.IntegerField(db_default=0, default=0)),
                ('sku', models.CharField(blank=True, max_length=64, null=True, unique=True, verbose_name='SKU')),
                ('name', models.CharField(blank=True, max_length=100, verbose_name='name')),
                ('price_minor', models.BigIntegerField(blank=True, null=True, verbose_name='price')),
                ('min_quantity', models.IntegerField(db_default=1, default=1, verbose_name='at least per order')),
                ('order_multiple', models.IntegerField(db_default=1, default=1, verbose_name='in multiples of')),
                ('low_stock_level', models.IntegerField(blank=True, null=True, verbose_name='low below')),
                ('position', models.IntegerField(db_default=0, default=0)),
                ('product', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='variants', to='catalog.product')),
            ],
            options={
                'db_table': 'catalog_variant',
                'ordering': ['position', 'id'],
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='DeliveryRate',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('from_total_minor', models.BigIntegerField(db_default=0, default=0)),
                ('from_grams', models.IntegerField(db_default=0, default=0)),
                ('price_minor', models.BigIntegerField()),
                ('method', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='rates', to='catalog.deliverymethod')),
            ],
            options={
                'db_table': 'catalog_rate',
                'ordering': ['from_grams', 'from_total_minor'],
                'constraints': [models.UniqueConstraint(fields=('method', 'from_total_minor', 'from_grams'), name='rate_once'), models.CheckConstraint(condition=models.Q(('from_grams__gte', 0), ('from_total_minor__gte', 0), ('price_minor__gte', 0)), name='rate_not_negative')],
            },
        ),
        migrations.AddIndex(
            model_name='productcategory',
            index=django.contrib.postgres.indexes.GinIndex(fields=['lineage'], name='category_lineage'),
        ),
        migrations.AddConstraint(
            model_name='productcategory',
            constraint=models.UniqueConstraint(fields=('parent', 'name'), name='category_name_once', nulls_distinct=False),
        ),
        migrations.AddConstraint(
            model_name='productcategory',
            constraint=models.CheckConstraint(condition=models.Q(('parent', models.F('id')), _negated=True), name='category_not_below_itself'),
        ),
        migrations.AddIndex(
            model_name='product',
            index=django.contrib.postgres.indexes.GinIndex(fields=['search'], name='product_search'),
        ),
        migrations.AddIndex(
            model_name='product',
            index=django.contrib.postgres.indexes.GinIndex(fields=['letters'], name='product_letters', opclasses=['gin_trgm_ops']),
        ),
        migrations.AddIndex(
            model_name='product',
            index=django.contrib.postgres.indexes.GinIndex(fields=['parameters'], name='product_parameters', opclasses=['jsonb_path_ops']),
        ),
        migrations.AddIndex(
            model_name='product',
            index=models.Index(fields=['modified_at'], name='product_modified'),
        ),
        migrations.AddConstraint(
            model_name='product',
            constraint=models.CheckConstraint(condition=models.Q(('price_minor__gte', 0)), name='product_price_not_negative'),
        ),
        migrations.AddConstraint(
            model_name='product',
            constraint=models.CheckConstraint(condition=models.Q(('recommended_price_minor__isnull', True), ('recommended_price_minor__gte', 0), _connector='OR'), name='product_recommended_not_negative'),
        ),
        migrations.AddConstraint(
            model_name='product',
            constraint=models.CheckConstraint(condition=models.Q(('weight_grams__isnull', True), ('weight_grams__gte', 0), _connector='OR'), name='product_weight_not_negative'),
        ),
        migrations.AddConstraint(
            model_name='parameter',
            constraint=models.UniqueConstraint(fields=('category', 'name'), name='parameter_name_once', nulls_distinct=False),
        ),
        migrations.AddConstraint(
            model_name='categoryuserpermission',
            constraint=models.UniqueConstraint(fields=('user', 'permission', 'content_object'), name='category_grant_once'),
        ),
        migrations.AddConstraint(
            model_name='productvariant',
            constraint=models.CheckConstraint(condition=models.Q(('held__gte', 0), ('sold__gte', 0), models.Q(('capacity__isnull', True), ('capacity__gte', django.db.models.expressions.CombinedExpression(models.F('held'), '+', models.F('sold'))), _connector='OR')), name='productvariant_within_capacity'),
        ),
        migrations.AddConstraint(
            model_name='productvariant',
            constraint=models.CheckConstraint(condition=models.Q(('price_minor__isnull', True), ('price_minor__gte', 0), _connector='OR'), name='variant_price_not_negative'),
        ),
        migrations.AddConstraint(
            model_name='productvariant',
            constraint=models.CheckConstraint(condition=models.Q(('min_quantity__gte', 1), ('order_multiple__gte', 1)), name='variant_order_limits'),
        ),
    ]
