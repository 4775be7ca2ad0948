"""pg_trgm, once for the whole database, where every schema's search path finds it: public.

Run on Citus' coordinator, which passes extensions on to its workers (citus.md 2). Trusted since Postgres 13: whoever
may create schemas may create it.
"""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("tenants", "0002_edit_policy_name")]

    operations = [
        migrations.RunSQL(
            "CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA public", reverse_sql=migrations.RunSQL.noop
        ),
    ]
