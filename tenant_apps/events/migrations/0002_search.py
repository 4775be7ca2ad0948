"""The number of changes, for calendars; search in Russian and English, with typos: the words stemmed, and the title in Latin letters.

A generated column's expression cannot be changed in place, so it is made anew, in one transaction: code of the
release before finds a column of the same name and type, and is answered by stems instead of whole words.
"""

import django.contrib.postgres.search
from django.db import migrations, models

from shared_apps.core.search import document, letters


class Migration(migrations.Migration):
    dependencies = [("events", "0001_initial")]

    operations = [
        migrations.AddField("event", "revision", models.IntegerField(default=0, db_default=0, editable=False)),
        migrations.RemoveField("event", "search"),
        migrations.AddField(
            "event",
            "search",
            models.GeneratedField(
                expression=document(high=["title"], low=["summary", "description"]),
                output_field=django.contrib.postgres.search.SearchVectorField(),
                db_persist=True,
            ),
        ),
        migrations.AddField(
            "event",
            "letters",
            models.GeneratedField(expression=letters("title"), output_field=models.TextField(), db_persist=True),
        ),
    ]
