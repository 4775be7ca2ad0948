"""In which tenant code runs. Schemas are switched here and by the middleware, nowhere else (N3)."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import transaction

from tenants import lookup
from tenants.database import connection
from tenants.errors import NotInTenant, TenantMissing
from tenants.models import Tenant


def current_tenant() -> Tenant:
    """Return the tenant that this code runs in. Raises NotInTenant in the public schema."""
    if connection.schema_name == "public":
        raise NotInTenant("This needs a tenant, and runs in the public schema.")
    if isinstance(connection.tenant, Tenant):
        return connection.tenant
    return _row_of(connection.schema_name)


def is_in_tenant() -> bool:
    """True inside a tenant, False in the public schema."""
    return connection.schema_name != "public"


@contextmanager
def in_tenant(tenant: Tenant | str) -> Iterator[Tenant]:
    """Run the block in a tenant's schema, given as a Tenant or a schema name, then go back to where it was.

    Raises TenantMissing if there is no such tenant or its schema is gone: a search path with a hole in it would
    quietly read and write in public. Costs one statement, and the SET that the next one would need anyway.
    """
    row = tenant if isinstance(tenant, Tenant) else _row_of(tenant)
    if row.schema_name == "public" or row.pk is None:
        raise TenantMissing("The public schema is no tenant's; use in_public().")
    if connection.schema_name == row.schema_name and isinstance(connection.tenant, Tenant):
        yield connection.tenant
        return
    with entered(row):
        require_schema(row.schema_name)
        yield row


@contextmanager
def in_public() -> Iterator[None]:
    """Run the block in the public schema, then go back to where it was."""
    before, include_public = connection.tenant, connection.include_public_schema
    connection.set_schema_to_public()
    try:
        yield
    finally:
        connection.set_tenant(before, include_public)


def on_commit(function: Callable[[], Any], *, robust: bool = False) -> None:
    """Call the function after the transaction is committed, in the schema that is the present one now.

    Django's own runs it in whichever schema the commit happens, which after a nested `in_tenant` is another.
    """
    tenant, include_public = connection.tenant, connection.include_public_schema

    def run() -> None:
        with entered(tenant, include_public):
            function()

    transaction.on_commit(run, robust=robust)


@contextmanager
def entered(tenant: Any, include_public: bool = True) -> Iterator[None]:
    """Run the block in the schema of a row that was checked a moment ago; no statement. For the parts of a body."""
    before, included_before = connection.tenant, connection.include_public_schema
    connection.set_tenant(tenant, include_public)
    try:
        yield
    finally:
        connection.set_tenant(before, included_before)


def _row_of(schema_name: str) -> Tenant:
    row = None if schema_name == "public" else lookup.by_schema(schema_name)
    if row is None:
        raise TenantMissing(f"There is no tenant with the schema {schema_name!r}.")
    return row


def require_schema(schema_name: str) -> None:
    """Raise TenantMissing unless the schema is there."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regnamespace(quote_ident(%s)) IS NOT NULL", [schema_name])
        if not cursor.fetchone()[0]:
            raise TenantMissing(f"The schema {schema_name!r} does not exist.")
