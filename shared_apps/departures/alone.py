"""One worker at a time for one piece of work, by a lock that the server frees if the worker dies (G4)."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tenants.database import connection

DEPARTURE_LOCK = 7104


@contextmanager
def alone(key: Any, lock: int = DEPARTURE_LOCK) -> Iterator[bool]:
    """Whether this connection holds the key now; inside a caller's transaction it ends with that."""
    with_transaction = connection.in_atomic_block
    function = "pg_try_advisory_xact_lock" if with_transaction else "pg_try_advisory_lock"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(%s, hashtext(%s))", [lock, str(key)])
        mine = bool(cursor.fetchone()[0])
    try:
        yield mine
    finally:
        if mine and not with_transaction and connection.connection is not None and connection.is_usable():
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s, hashtext(%s))", [lock, str(key)])
