"""Migrating all tenants: rendered once, replayed everywhere, taken up again after a kill (P1, N6)."""

import threading
import time
from io import StringIO
from typing import Any

import psycopg2
import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from tenant_apps.events.models import Category
from tenants import catalog, lookup, migrating, replaying, schema_state
from tenants.context import in_tenant
from tenants.models import Tenant

SHADE = 'migrations.AddField("event", "shade", models.CharField(max_length=9, default="x", db_default="x"))'
INDEX = 'migrations.AddIndex("event", models.Index(fields=["slug", "title"], name="event_test_index"))'
CONCURRENT = 'AddIndexConcurrently("event", models.Index(fields=["slug", "title"], name="event_test_index"))'


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("migrate_tenants", *arguments, stdout=out)
    return out.getvalue()


def columns(tenant: Tenant, table: str = "events_event") -> set[str]:
    return {column.name for column in catalog.read(tenant.schema_name)[table].columns}


def indexes(tenant: Tenant) -> dict[str, bool]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname, x.indisvalid FROM pg_index x JOIN pg_class c ON c.oid = x.indexrelid"
            " WHERE c.relnamespace = %s::regnamespace",
            [tenant.schema_name],
        )
        return dict(cursor.fetchall())


@pytest.fixture
def plain(transactional_db: None) -> Any:
    """A connection of its own, for holding locks against the migration."""
    own = migrating.connector()()
    yield own
    own.close()


def test_nothing_to_do_is_said_and_done_quickly(transactional_db: None) -> None:
    assert "2 were current" in run()


def test_all_tenants_get_the_column_and_the_index_and_serve_again(alpha: Any, beta: Any, more_migrations: Any) -> None:
    more_migrations("events", f"{SHADE}, {INDEX}")
    assert schema_state.is_behind(Tenant.objects.get(pk=alpha.pk))
    assert "2 migrated by SQL, 0 by Django's executor, 0 failed" in run()
    for tenant in (alpha, beta):
        assert "shade" in columns(tenant) and indexes(tenant)["event_test_index"]
        assert not schema_state.is_behind(Tenant.objects.get(pk=tenant.pk))
        found = lookup.by_host(f"{tenant.slug}.localhost")
        assert found is not None and not schema_state.is_behind(found)
    assert catalog.read(alpha.schema_name) == catalog.read(beta.schema_name)
    assert "2 were current" in run()


def test_a_later_step_may_ask_for_what_an_earlier_one_has_made(alpha: Any, beta: Any, more_migrations: Any) -> None:
    """Django asks the database for the name of the index to drop. Collected without running, it would find none."""
    more_migrations(
        "events", 'migrations.AddField("event", "mark", models.IntegerField(db_default=0, unique=True, null=True))'
    )
    more_migrations("events", 'migrations.AlterField("event", "mark", models.IntegerField(db_default=0, null=True))')
    assert "2 migrated by SQL" in run()
    for tenant in (alpha, beta):
        table = catalog.read(tenant.schema_name)["events_event"]
        assert "mark" in columns(tenant)
        assert not [one for one in table.constraints if "mark" in one.definition]


def test_python_goes_through_djangos_executor(alpha: Any, beta: Any, more_migrations: Any) -> None:
    more_migrations("events", "migrations.RunPython(python, migrations.RunPython.noop)")
    assert "0 migrated by SQL, 2 by Django's executor" in run()
    for tenant in (alpha, beta):
        with in_tenant(tenant):
            assert Category.objects.filter(slug="by-python").exists()
        assert not schema_state.is_behind(Tenant.objects.get(pk=tenant.pk))


def test_the_plan_is_shown_and_nothing_is_changed(alpha: Any, beta: Any, more_migrations: Any) -> None:
    name = more_migrations("events", SHADE)
    shown = run("--plan", "-v", "2")
    assert f"2 tenants: events.{name} (by SQL)" in shown and 'ADD COLUMN "shade"' in shown
    assert "shade" not in columns(alpha)
    more_migrations("events", "migrations.RunPython(python, migrations.RunPython.noop)")
    assert "by Django's executor" in run("--plan")


def test_only_the_named_tenant_is_migrated(alpha: Any, beta: Any, more_migrations: Any) -> None:
    more_migrations("events", SHADE)
    run("--only", "alpha")
    assert "shade" in columns(alpha) and "shade" not in columns(beta)
    with pytest.raises(CommandError, match="nobody"):
        run("--only", "nobody")


def test_one_that_fails_is_named_with_the_reason_and_stops_no_other(
    alpha: Any, beta: Any, more_migrations: Any
) -> None:
    """Not even if it is the first, whose schema the SQL would have been rendered on."""
    with connection.cursor() as cursor:
        cursor.execute(f'ALTER TABLE "{alpha.schema_name}".events_event ADD COLUMN shade integer')
    more_migrations("events", f"{SHADE}, {INDEX}")
    with pytest.raises(CommandError, match=r"t_alpha: .*shade.* already exists"):
        run()
    assert "shade" in columns(beta)
    assert "event_test_index" not in indexes(alpha)
    assert schema_state.is_behind(Tenant.objects.get(slug="alpha"))


def test_a_schema_that_is_gone_is_named_and_stops_no_other(alpha: Any, beta: Any, more_migrations: Any) -> None:
    more_migrations("events", SHADE)
    with connection.cursor() as cursor:
        cursor.execute(f'ALTER SCHEMA "{alpha.schema_name}" RENAME TO t_elsewhere')
    with pytest.raises(CommandError, match="t_alpha: the schema or its table of migrations is missing"):
        run()
    assert "shade" in columns(beta)


def test_a_locked_table_is_waited_for_with_patience(alpha: Any, beta: Any, more_migrations: Any, plain: Any) -> None:
    more_migrations("events", SHADE)
    with plain.cursor() as cursor:
        cursor.execute(f'LOCK TABLE "{alpha.schema_name}".events_event IN ACCESS SHARE MODE')
    released = threading.Timer(2.6, plain.rollback)
    released.start()
    started = time.monotonic()
    assert "2 migrated by SQL" in run()
    assert time.monotonic() - started > 2
    released.join()


def test_who_keeps_a_lock_forever_only_holds_up_his_own_tenant(
    alpha: Any, beta: Any, more_migrations: Any, plain: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replaying, "LOCK_TIMEOUT", "100ms")
    monkeypatch.setattr(replaying, "MOST_TRIES", 2)
    more_migrations("events", SHADE)
    with plain.cursor() as cursor:
        cursor.execute(f'LOCK TABLE "{alpha.schema_name}".events_event IN ACCESS SHARE MODE')
    with pytest.raises(CommandError, match=r"t_alpha: .*lock timeout"):
        run()
    assert "shade" in columns(beta) and "shade" not in columns(alpha)


def test_killed_before_the_number_was_noted_the_next_run_notes_it(
    alpha: Any, beta: Any, more_migrations: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    more_migrations("events", SHADE)
    with monkeypatch.context() as patched:
        patched.setattr(migrating, "_note", lambda *arguments: None)
        run()
    assert "shade" in columns(alpha) and schema_state.is_behind(Tenant.objects.get(pk=alpha.pk))
    assert "2 were current" in run()
    assert not schema_state.is_behind(Tenant.objects.get(pk=alpha.pk))


def test_killed_between_two_steps_the_next_run_goes_on(
    alpha: Any, beta: Any, more_migrations: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    more_migrations("events", SHADE)
    more_migrations("events", CONCURRENT, atomic=False)
    with monkeypatch.context() as patched:

        def die(*arguments: Any) -> None:
            raise psycopg2.OperationalError("server closed the connection unexpectedly")

        patched.setattr(replaying, "_outside_transactions", die)
        with pytest.raises(CommandError, match="closed the connection"):
            run()
    assert "shade" in columns(alpha) and "event_test_index" not in indexes(alpha)
    run()
    assert indexes(alpha)["event_test_index"] and indexes(beta)["event_test_index"]


def test_an_invalid_index_that_was_left_behind_is_made_anew(alpha: Any, beta: Any, more_migrations: Any) -> None:
    more_migrations("events", CONCURRENT, atomic=False)
    with connection.cursor() as cursor:
        cursor.execute(f'CREATE INDEX event_test_index ON "{beta.schema_name}".events_event (slug)')
        cursor.execute(
            "UPDATE pg_index SET indisvalid = false WHERE indexrelid = %s::regclass",
            [f"{beta.schema_name}.event_test_index"],
        )
    # The state is read from alpha, whose schema is as it should be.
    run()
    assert indexes(alpha)["event_test_index"] and indexes(beta)["event_test_index"]
    assert catalog.read(alpha.schema_name) == catalog.read(beta.schema_name)


def test_two_runs_at_once_do_not_mix(alpha: Any, plain: Any, more_migrations: Any) -> None:
    more_migrations("events", SHADE)
    with plain.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [migrating.MIGRATING_LOCK])
    with pytest.raises(CommandError, match="Another process"):
        run()
    assert "shade" not in columns(alpha)


def test_no_rendering_is_left_behind_not_even_by_a_run_that_was_killed(alpha: Any, more_migrations: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE SCHEMA foyer_rendering_t_killed")
    more_migrations("events", SHADE)
    run()
    with connection.cursor() as cursor:
        cursor.execute("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'foyer%%'", [])
        assert cursor.fetchall() == []


def test_a_column_taken_away_by_newer_code_is_no_matter_to_older_code(alpha: Any, more_migrations: Any) -> None:
    """P1: the schema is ahead; `migrate_tenants` of the older code leaves it so."""
    more_migrations("events", SHADE)
    run()
    with connection.cursor() as cursor:
        cursor.execute(
            f'INSERT INTO "{alpha.schema_name}".django_migrations (app, name, applied) VALUES (%s, %s, now())',
            ["events", "0999_future"],
        )
    Tenant.objects.filter(pk=alpha.pk).update(migrations_applied=schema_state.current_graph().migrations + 1)
    assert "2 were current" in run()
    assert Tenant.objects.get(pk=alpha.pk).migrations_applied == schema_state.current_graph().migrations + 1
