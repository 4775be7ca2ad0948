"""django-tenants' Postgres backend, with a search path that the server itself vouches for.

django-tenants either sends `SET search_path` before every cursor (safe, one more statement each time) or
remembers that it once did (a rollback, a reset or another's SET makes that a lie). From version 18 on Postgres
reports every change of search_path to the client in the protocol itself, so the truth is here already, also
after a rollback, and the SET is sent only where it differs. Older servers get one SET a cursor.
See docs/decisions/0003-search-path.md.
"""

import select
from time import monotonic
from typing import Any

import psycopg2
from django.conf import settings
from django.db.backends.postgresql.operations import DatabaseOperations as PostgresOperations
from django_tenants.postgresql_backend import base
from psycopg2.extensions import TRANSACTION_STATUS_IDLE

from tenants import freshness

# A network that swallows everything says nothing either; this often it is asked for a sign of life all the same.
ASK_AFTER_SECONDS = 10.0


class DatabaseOperations(PostgresOperations):
    """Postgres' operations with short names for constraints and indexes."""

    def max_name_length(self) -> int:
        """Return 45: Citus appends shard numbers to constraint names (citus.md, rule 7)."""
        return 45


class DatabaseWrapper(base.DatabaseWrapper):
    """The connection that knows in which tenant's schema it is."""

    ops_class = DatabaseOperations

    def __init__(self, *args: Any, **kwargs: Any):
        self._schemas_seen: set[str] = set()
        super().__init__(*args, **kwargs)
        self._asked_at = 0.0
        # Here, and not where writes are made: no write to what the public sees can go unseen.
        self.execute_wrappers.append(freshness.notice)

    def set_tenant(self, tenant: Any, include_public: bool = True) -> None:
        # The original also empties the cache of content types; ours live in public only and never differ (N3).
        self.tenant = tenant
        self.schema_name = tenant.schema_name
        self._schemas_seen.add(self.schema_name)
        self.include_public_schema = include_public
        self.set_settings_schema(self.schema_name)
        self.search_path_set_schemas = None

    def connect(self) -> None:
        self._schemas_seen = {self.schema_name} if self.schema_name else set()
        super().connect()

    def close_if_unusable_or_obsolete(self) -> None:
        """Also close a connection that has seen so many schemas: the server's process keeps what it learnt of each
        one's tables for as long as it lives (foundation.md 3c measured 0.3 MB a schema and more)."""
        worn = len(self._schemas_seen) > settings.SCHEMAS_PER_CONNECTION
        if worn and self.connection is not None and not self.in_atomic_block:
            self.close()
        super().close_if_unusable_or_obsolete()

    def close_if_health_check_failed(self) -> None:
        """Close the connection if the server is gone; ask it only if that could be.

        Where a server ends a connection (a restart, a crash, an administrator), our socket has something to read:
        so one that is silent, and was asked a moment ago, needs no `SELECT 1` before each request.
        """
        if self.connection is None or not self.health_check_enabled or self.health_check_done:
            return
        if monotonic() - self._asked_at < ASK_AFTER_SECONDS and _is_silent(self.connection):
            self.health_check_done: bool = True
            return
        self._asked_at = monotonic()
        super().close_if_health_check_failed()

    def _handle_search_path(self, cursor: Any = None) -> None:
        if self.schema_name and self._server_search_path() == self._get_cursor_search_paths():
            return
        super()._handle_search_path(cursor)

    def _server_search_path(self) -> list[str] | None:
        """The search path as the server last reported it; None where it reports none (before Postgres 18)."""
        reported = self.connection.get_parameter_status("search_path")
        return [name.strip().strip('"') for name in reported.split(",")] if reported else None


def _is_silent(connection: Any) -> bool:
    """Whether a connection that nobody uses now is open and in no transaction, with nothing waiting to be read."""
    if connection.closed or connection.info.transaction_status != TRANSACTION_STATUS_IDLE:
        return False
    try:
        poll = select.poll()
        poll.register(connection.fileno(), select.POLLIN)
        return not poll.poll(0)
    except (OSError, ValueError, psycopg2.Error):
        return False
