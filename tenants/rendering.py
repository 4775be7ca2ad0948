"""A tenant's schema from a rendered template."""

from django.core.management import call_command
from django.db import connection


def make_schema(schema_name: str) -> None:
    """Create the schema with every table."""
    from django.db.migrations.executor import MigrationExecutor
    from django.db.migrations.recorder import MigrationRecorder

    with connection.cursor() as cursor:
        cursor.execute(f"CREATE SCHEMA {connection.ops.quote_name(schema_name)}")
    migrate(schema_name)


def migrate(schema_name: str) -> None:
    from django_tenants.migration_executors.base import run_migrations  # noqa
    from django.db.migrations.executor import MigrationExecutor
    from django.db.migrations.recorder import MigrationRecorder
    before = connection.tenant, connection.include_public_schema
    connection.set_schema(schema_name, include_public=False)
    try:
        MigrationRecorder(connection).ensure_schema()
        connection.set_schema(schema_name)
        executor = MigrationExecutor(connection)
        executor.migrate(executor.loader.graph.leaf_nodes())
    finally:
        connection.set_tenant(*before)
