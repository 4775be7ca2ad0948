"""Short names for the constraints of third-party tables in public (citus.md, rule 7).

Citus appends shard numbers to names. Our own tables keep to 45 characters by themselves; others' are renamed after
each migration of public, and bear their old name as a comment, by which they get it back before the next one.
"""

import hashlib
from typing import Any

from django.db import transaction

from tenants.context import in_public
from tenants.database import connection
from tenants.schema_state import public_is_behind

LONGEST = 45
_MARK = "Renamed from "


def shorten() -> int:
    """Rename every constraint in public whose name is longer than 45 characters; returns how many."""
    with in_public(), transaction.atomic(), connection.cursor() as cursor:
        # An index that a constraint owns is renamed with it.
        cursor.execute(
            "SELECT conrelid::regclass::text, conname FROM pg_constraint"
            " WHERE connamespace = 'public'::regnamespace AND conrelid <> 0 AND length(conname) > %s",
            [LONGEST],
        )
        long = cursor.fetchall()
        for table, name in long:
            _rename(cursor, table, name, short_name(name))
            cursor.execute(f'COMMENT ON CONSTRAINT "{short_name(name)}" ON {table} IS %s', [_MARK + name])
    return len(long)


def restore() -> int:
    """Give renamed constraints their own names back if a migration is about to look for them; returns how many."""
    with in_public(), transaction.atomic(), connection.cursor() as cursor:
        if not public_is_behind():
            return 0
        cursor.execute(
            "SELECT c.conrelid::regclass::text, c.conname, substr(d.description, %s)"
            " FROM pg_constraint c JOIN pg_description d ON d.objoid = c.oid AND d.classoid = 'pg_constraint'::regclass"
            " WHERE c.connamespace = 'public'::regnamespace AND starts_with(d.description, %s)",
            [len(_MARK) + 1, _MARK],
        )
        renamed = cursor.fetchall()
        for table, name, old in renamed:
            cursor.execute(f'COMMENT ON CONSTRAINT "{name}" ON {table} IS NULL')
            _rename(cursor, table, name, old)
    return len(renamed)


def short_name(name: str) -> str:
    """Return the name's beginning with eight hex digits of its hash: 45 characters, the same on every machine."""
    return f"{name[: LONGEST - 9]}_{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def _rename(cursor: Any, table: str, old: str, new: str) -> None:
    cursor.execute(f'ALTER TABLE {table} RENAME CONSTRAINT "{old}" TO "{new}"')
