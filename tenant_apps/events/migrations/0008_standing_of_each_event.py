"""A standing for each event that there is. What is made by the release before meanwhile gets one from the schedule."""

from django.db import migrations

FILL = """
INSERT INTO events_eventstanding (event_id) SELECT e.id FROM events_event e
WHERE NOT EXISTS (SELECT FROM events_eventstanding s WHERE s.event_id = e.id) ON CONFLICT DO NOTHING
"""


class Migration(migrations.Migration):
    dependencies = [("events", "0007_standing")]

    operations = [migrations.RunSQL(FILL, migrations.RunSQL.noop)]
