"""What each tenant's schema still lacks, and the SQL for it, rendered once for all tenants in the same state."""

# ruff: noqa: S608  (identifiers come from our own catalogs and are quoted)

import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db.migrations import Migration, RunPython
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.operations import SeparateDatabaseAndState

from tenants import catalog, rendering, schema_state
from tenants.database import connection

logger = logging.getLogger(__name__)

SCHEMAS_PER_QUERY = 100
_COPY = "foyer_rendering_"
Name = tuple[str, str]


@dataclass(frozen=True)
class Step:
    """One migration as SQL. `records` are the rows that django_migrations gets: several where it replaces others."""

    name: Name
    atomic: bool
    statements: tuple[str, ...]
    records: tuple[Name, ...]


@dataclass(frozen=True)
class Plan:
    """What a group of tenants lacks. `steps` is None where it cannot be written as SQL: `reason` says why."""

    applied: frozenset[Name]
    pending: tuple[Name, ...]
    steps: tuple[Step, ...] | None
    reason: str = ""


class _NotSql(Exception):
    """This plan has to go through Django's executor."""


def applied_in(schemas: Sequence[str]) -> dict[str, frozenset[Name] | None]:
    """Return the tenant apps' migrations that each schema has, None where schema or table is missing.

    One query per 100 schemas.
    """
    result: dict[str, frozenset[Name] | None] = dict.fromkeys(schemas)
    labels = sorted(schema_state.labels_of(settings.TENANT_APPS))
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT n FROM unnest(%s::text[]) AS n WHERE to_regclass(format('%%I.django_migrations', n)) IS NOT NULL",
            [list(schemas)],
        )
        present = [name for (name,) in cursor.fetchall()]
        for start in range(0, len(present), SCHEMAS_PER_QUERY):
            some = present[start : start + SCHEMAS_PER_QUERY]
            # One row each: a thousand tenants of a hundred migrations are a thousand rows, not a hundred thousand.
            query = " UNION ALL ".join(
                f"SELECT %s, array_agg(app || '.' || name) FROM {_quoted(name)}.django_migrations WHERE app = ANY(%s)"
                for name in some
            )
            cursor.execute(query, [value for name in some for value in (name, labels)])
            for schema_name, names in cursor.fetchall():
                result[schema_name] = frozenset(tuple(name.split(".", 1)) for name in names or ())
    return result


def count_of(applied: Iterable[Name]) -> int:
    """Return what Tenant.migrations_applied is for a schema with these migrations."""
    labels = schema_state.labels_of(settings.TENANT_APPS)
    return sum(app in labels for app, _name in applied)


def plan_for(schema_name: str, applied: frozenset[Name]) -> Plan:
    """Return the plan for all tenants with these migrations; the schema is one of them and is only read.

    The migrations run for real in an empty copy of it: what one of them asks the database about, such as the name
    of an index that the one before has made, is then there. Runs on the present connection, outside transactions.
    """
    if schema_state.current_graph().names <= applied:
        return Plan(applied, (), ())
    with _inside(schema_name):
        executor = MigrationExecutor(connection)
        labels = schema_state.labels_of(settings.TENANT_APPS)
        targets = [key for key in executor.loader.graph.leaf_nodes() if key[0] in labels]
        migrations = [migration for migration, _backwards in executor.migration_plan(targets)]
    pending = tuple((migration.app_label, migration.name) for migration in migrations)
    try:
        for migration in migrations:
            _refuse_python(migration, migration.operations, labels)
        return Plan(applied, pending, tuple(_render(schema_name, targets)))
    except (_NotSql, catalog.NotRenderable) as reason:
        return Plan(applied, pending, None, str(reason))


def leftovers() -> list[str]:
    """Return the copies of schemas that a killed run has left. Only for whoever holds the lock of the migrations."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT nspname FROM pg_namespace WHERE starts_with(nspname, %s)", [_COPY])
        return [name for (name,) in cursor.fetchall()]


def _refuse_python(migration: Migration, operations: Iterable[Any], labels: frozenset[str]) -> None:
    if migration.app_label not in labels:
        return  # a shared app's migration does nothing in a tenant's schema and is only recorded there
    for operation in operations:
        if isinstance(operation, SeparateDatabaseAndState):
            _refuse_python(migration, operation.database_operations, labels)
        elif isinstance(operation, RunPython) and operation.code is RunPython.noop:
            continue
        elif not operation.reduces_to_sql:
            raise _NotSql(f"{migration.app_label}.{migration.name}: {operation.describe()}")


def _render(schema_name: str, targets: list[Name]) -> list[Step]:
    copy = f"{_COPY}{schema_name}"
    tables = catalog.read(schema_name)
    rendering.make_empty(copy)
    try:
        rendering.replay(copy, catalog.statements(tables))
        with connection.cursor() as cursor:
            cursor.execute(
                f"INSERT INTO {_quoted(copy)}.django_migrations (app, name, applied)"
                f" SELECT app, name, applied FROM {_quoted(schema_name)}.django_migrations ORDER BY id"
            )
        with _inside(copy):
            steps = _execute_and_record(targets)
    finally:
        rendering.drop(copy)
    for step in steps:
        if any(copy in statement or schema_name in statement for statement in step.statements):
            raise _NotSql(f"{step.name[0]}.{step.name[1]} names the schema it runs in")
    return steps


def _execute_and_record(targets: list[Name]) -> list[Step]:
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(targets)
    state = executor._create_project_state(  # type: ignore[attr-defined]  # Django's own, which the stubs leave out
        with_applied_migrations=True
    )
    steps = []
    for migration, _backwards in plan:
        recorded: list[str] = []
        with _watched(recorded, migration), _recording_editor(recorded)(connection, atomic=migration.atomic) as editor:
            state = migration.apply(state, editor)
        own = (migration.app_label, migration.name)
        records = (*map(tuple, migration.replaces), own)
        steps.append(Step(own, migration.atomic, tuple(recorded), records))  # type: ignore[arg-type]  # pairs, as migrations name each other
    return steps


def _recording_editor(recorded: list[str]) -> Any:
    class RecordingEditor(connection.SchemaEditorClass):
        """Executes and writes down what it executes, with the parameters filled in."""

        def execute(self, sql: Any, params: Any = ()) -> None:
            text = str(sql) if params is None else self.connection.ops.compose_sql(str(sql), params)
            recorded.append(text)
            super().execute(text, None)

    return RecordingEditor


@contextmanager
def _watched(recorded: list[str], migration: Migration) -> Iterator[None]:
    """Refuse a migration that changes the database past the schema editor: its SQL would be missing."""

    def watch(execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
        text = str(sql)
        reading = text.lstrip().upper().startswith(("SELECT", "WITH", "SAVEPOINT", "RELEASE", "SET ", "SHOW"))
        if not reading and text not in recorded:
            raise _NotSql(f"{migration.app_label}.{migration.name} writes by itself: {text.strip()[:80]}")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(watch):
        yield


@contextmanager
def _inside(schema_name: str) -> Iterator[None]:
    before, include_public = connection.tenant, connection.include_public_schema
    connection.set_schema(schema_name)
    try:
        yield
    finally:
        connection.set_tenant(before, include_public)


def _quoted(name: str) -> str:
    return connection.ops.quote_name(name)
