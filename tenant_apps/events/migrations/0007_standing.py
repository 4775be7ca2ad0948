"""How events stand with people: likes, favourites and stars, counted beside the event. New tables: nothing waits for them."""

import django.db.models.deletion
import django.db.models.expressions
import django.db.models.functions.comparison
import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('events', '0006_told_at_the_door'),
    ]

    operations = [
        migrations.CreateModel(
            name='EventStanding',
            fields=[
                ('event', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='standing', serialize=False, to='events.event')),
                ('likes', models.IntegerField(db_default=0, default=0)),
                ('favourites', models.IntegerField(db_default=0, default=0)),
                ('stars_1', models.IntegerField(db_default=0, default=0)),
                ('stars_2', models.IntegerField(db_default=0, default=0)),
                ('stars_3', models.IntegerField(db_default=0, default=0)),
                ('stars_4', models.IntegerField(db_default=0, default=0)),
                ('stars_5', models.IntegerField(db_default=0, default=0)),
                ('ratings', models.GeneratedField(db_persist=True, expression=django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(models.F('stars_1'), '+', models.F('stars_2')), '+', models.F('stars_3')), '+', models.F('stars_4')), '+', models.F('stars_5')), output_field=models.IntegerField())),
                ('rating_total', models.GeneratedField(db_persist=True, expression=django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(models.F('stars_1'), '+', django.db.models.expressions.CombinedExpression(models.F('stars_2'), '*', models.Value(2))), '+', django.db.models.expressions.CombinedExpression(models.F('stars_3'), '*', models.Value(3))), '+', django.db.models.expressions.CombinedExpression(models.F('stars_4'), '*', models.Value(4))), '+', django.db.models.expressions.CombinedExpression(models.F('stars_5'), '*', models.Value(5))), output_field=models.IntegerField())),
                ('rating', models.GeneratedField(db_persist=True, expression=django.db.models.expressions.CombinedExpression(django.db.models.functions.comparison.Cast(django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(models.F('stars_1'), '+', django.db.models.expressions.CombinedExpression(models.F('stars_2'), '*', models.Value(2))), '+', django.db.models.expressions.CombinedExpression(models.F('stars_3'), '*', models.Value(3))), '+', django.db.models.expressions.CombinedExpression(models.F('stars_4'), '*', models.Value(4))), '+', django.db.models.expressions.CombinedExpression(models.F('stars_5'), '*', models.Value(5))), models.DecimalField(decimal_places=6, max_digits=20)), '/', django.db.models.functions.comparison.NullIf(django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(models.F('stars_1'), '+', models.F('stars_2')), '+', models.F('stars_3')), '+', models.F('stars_4')), '+', models.F('stars_5')), models.Value(0))), output_field=models.DecimalField(decimal_places=2, max_digits=3))),
                ('score', models.GeneratedField(db_persist=True, expression=django.db.models.expressions.CombinedExpression(django.db.models.functions.comparison.Cast(django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(models.F('stars_1'), '+', django.db.models.expressions.CombinedExpression(models.F('stars_2'), '*', models.Value(2))), '+', django.db.models.expressions.CombinedExpression(models.F('stars_3'), '*', models.Value(3))), '+', django.db.models.expressions.CombinedExpression(models.F('stars_4'), '*', models.Value(4))), '+', django.db.models.expressions.CombinedExpression(models.F('stars_5'), '*', models.Value(5))), '+', models.Value(30)), models.DecimalField(decimal_places=6, max_digits=20)), '/', django.db.models.expressions.CombinedExpression(django.db.models.functions.comparison.NullIf(django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(models.F('stars_1'), '+', models.F('stars_2')), '+', models.F('stars_3')), '+', models.F('stars_4')), '+', models.F('stars_5')), models.Value(0)), '+', models.Value(10))), output_field=models.DecimalField(decimal_places=6, max_digits=7))),
            ],
            options={
                'indexes': [models.Index(models.OrderBy(models.F('score'), descending=True, nulls_last=True), models.F('event'), name='standing_best_first'), models.Index(models.OrderBy(models.F('score'), nulls_last=True), models.F('event'), name='standing_worst_first')],
                'constraints': [models.CheckConstraint(condition=models.Q(('favourites__gte', 0), ('likes__gte', 0), ('stars_1__gte', 0), ('stars_2__gte', 0), ('stars_3__gte', 0), ('stars_4__gte', 0), ('stars_5__gte', 0)), name='standing_not_below_zero')],
            },
        ),
        migrations.CreateModel(
            name='StandingChange',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('likes', models.IntegerField(db_default=0, default=0)),
                ('favourites', models.IntegerField(db_default=0, default=0)),
                ('stars_1', models.IntegerField(db_default=0, default=0)),
                ('stars_2', models.IntegerField(db_default=0, default=0)),
                ('stars_3', models.IntegerField(db_default=0, default=0)),
                ('stars_4', models.IntegerField(db_default=0, default=0)),
                ('stars_5', models.IntegerField(db_default=0, default=0)),
                ('event', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='events.event')),
            ],
        ),
    ]
