"""A tenant's schema from a template: migrated once per state of the migration graph, then replayed (foundation.md 3a).

Migrating a schema costs seconds of Python; replaying the statements that its catalogs give costs tenths of one.
"""

import hashlib
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.recorder import MigrationRecorder

from tenants import catalog, schema_state
from tenants.database import connection
from tenants.models import SchemaTemplate

logger = logging.getLogger(__name__)

# Raise it when `catalog.statements` writes differently: stored templates are then rendered anew.
FORMAT = 2
RENDERING_LOCK = 7102
LONGEST_WAIT_SECONDS = 120

_known: dict[str, list[str] | None] = {}


def make_schema(schema_name: str) -> None:
    """Create the schema with every table, inside the caller's transaction. It must not exist."""
    statements = template()
    if statements is None:
        _take_over_migrated(schema_name)
        return
    with connection.cursor() as cursor:
        # A statement of its own: with tables in it Citus would not distribute the schema (citus.md).
        cursor.execute(f"CREATE SCHEMA {connection.ops.quote_name(schema_name)}")
    replay(schema_name, statements)


def replay(schema_name: str, statements: list[str]) -> None:
    """Send the statements one by one with the search path on the schema."""
    with catalog.alone_in(schema_name), connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def template() -> list[str] | None:
    """Return the statements that fill a new schema, rendering them if nobody has; None if they cannot be rendered."""
    key = _template_key()
    if key not in _known:
        _known[key] = _stored(key) or _render_once(key)
    return _known[key]


def forget() -> None:
    """Ask the database again. For tests and benchmarks that change the migrations."""
    _known.clear()


def migrate(schema_name: str) -> None:
    """Bring an existing schema to this code's state by Django's own executor. Slow, and able to do everything."""
    before, include_public = connection.tenant, connection.include_public_schema
    # Without public, or its table of migrations would be taken for the schema's own.
    connection.set_schema(schema_name, include_public=False)
    try:
        MigrationRecorder(connection).ensure_schema()
        connection.set_schema(schema_name)
        executor = MigrationExecutor(connection)
        labels = schema_state.labels_of(settings.TENANT_APPS)
        executor.migrate([key for key in executor.loader.graph.leaf_nodes() if key[0] in labels])
    finally:
        connection.set_tenant(before, include_public)


@contextmanager
def own_connection() -> Iterator[None]:
    """Run the block on a database connection of its own, outside of the caller's transaction and its time limits."""
    callers = connections[DEFAULT_DB_ALIAS]
    own = connections.create_connection(DEFAULT_DB_ALIAS)
    own.settings_dict = {**callers.settings_dict}
    connections[DEFAULT_DB_ALIAS] = own
    try:
        with own.cursor() as cursor:
            cursor.execute("SET statement_timeout = 0")
            cursor.execute("SET idle_in_transaction_session_timeout = 0")
        yield
    finally:
        connections[DEFAULT_DB_ALIAS] = callers
        own.close()


def _template_key() -> str:
    """The graph, the form of the statements and the server that wrote them: constraint names differ by version."""
    connection.ensure_connection()
    server = connection.pg_version // 10000
    return hashlib.sha256(f"{FORMAT} {server} {schema_state.current_graph().hash}".encode()).hexdigest()


def _stored(key: str) -> list[str] | None:
    return SchemaTemplate.objects.filter(graph_hash=key).values_list("statements", flat=True).first()


def _render_once(key: str) -> list[str] | None:
    """Render under a lock that all processes share; who comes second takes what the first has stored."""
    with own_connection():
        # Polled, since waiting inside Postgres would end at lock_timeout.
        deadline = time.monotonic() + LONGEST_WAIT_SECONDS
        while not _try_lock(key):
            if time.monotonic() > deadline:
                raise TimeoutError("Another process has been rendering the tenants' template for two minutes.")
            time.sleep(0.1)
        if (stored := _stored(key)) is not None:
            return stored
        try:
            statements = _render(f"foyer_template_{key[:12]}")
        except catalog.NotRenderable as reason:
            logger.warning("new tenants are migrated one by one, which is slow: %s", reason)
            return None
        SchemaTemplate.objects.create(
            graph_hash=key, statements=statements, migrations=schema_state.current_graph().migrations
        )
        return statements


def _try_lock(key: str) -> bool:
    with connection.cursor() as cursor:
        # Session level, on a connection that is closed right after: a killed process never keeps it.
        cursor.execute("SELECT pg_try_advisory_lock(%s, hashtext(%s))", [RENDERING_LOCK, key])
        return bool(cursor.fetchone()[0])


def _render(hidden: str) -> list[str]:
    started = time.monotonic()
    again = f"{hidden}_again"
    try:
        make_empty(hidden)
        migrate(hidden)
        tables = catalog.read(hidden)
        statements = catalog.statements(tables) + catalog.row_statements(hidden, tables)
        if named := [one for one in statements if hidden in one]:
            raise catalog.NotRenderable(f"the schema's own name stands in: {named[0][:200]}")
        make_empty(again)
        replay(again, statements)
        replayed = catalog.read(again)
        if different := [name for name in tables if tables[name] != replayed.get(name)]:
            raise catalog.NotRenderable(f"replayed, these tables come out different: {', '.join(different)}")
    finally:
        drop(hidden)
        drop(again)
    logger.info("tenants' template rendered: %d statements in %.1f s", len(statements), time.monotonic() - started)
    return statements


def _take_over_migrated(schema_name: str) -> None:
    """Migrate a schema under another name, outside the transaction, and give it its name inside.

    Migrations may need to run outside a transaction, and a schema that bears its tenant's name must be whole.
    """
    unfinished = f"unfinished_{schema_name}"
    with own_connection():
        make_empty(unfinished)
        migrate(unfinished)
    with connection.cursor() as cursor:
        quote = connection.ops.quote_name
        cursor.execute(f"ALTER SCHEMA {quote(unfinished)} RENAME TO {quote(schema_name)}")


def make_empty(schema_name: str) -> None:
    """Make an empty schema that is thrown away or renamed later, in place of what a killed process left of it."""
    drop(schema_name)
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE SCHEMA {connection.ops.quote_name(schema_name)}")


def drop(schema_name: str) -> None:
    """Drop a schema and all that is in it, if it is there."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"DROP SCHEMA IF EXISTS {connection.ops.quote_name(schema_name)} CASCADE")
