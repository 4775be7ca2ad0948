"""What search and the neighbourhood of a point are looked up by. Apart, so that nobody waits while they are built."""

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("events", "0002_search")]

    operations = [
        AddIndexConcurrently("event", GinIndex(fields=["search"], name="event_search")),
        AddIndexConcurrently("event", GinIndex(fields=["letters"], opclasses=["gin_trgm_ops"], name="event_letters")),
        AddIndexConcurrently("venue", models.Index(fields=["latitude", "longitude"], name="venue_place")),
    ]
