"""Statements that the server parses and plans once per connection: PREPARE, then EXECUTE (for the hottest paths).

A statement of several joins takes the server longer to plan than to run. Postgres plans a prepared one anew by itself
where the search path or a table has changed, so one text serves all tenants and survives migrations. The values go
the way that they always go; only the plan is kept, on the connection, and it ends with it (there is no pooler
between: N3).
"""

import re
from collections.abc import Sequence
from itertools import count
from typing import Any

from django.db import DatabaseError
from psycopg2.extensions import AsIs

# The server no longer knows the name; or the types of the columns are others since it was told.
_FORGOTTEN, _CHANGED = "26000", "0A000"
_MARK = re.compile(r"%s|%%")
_numbers = count(1)


class ServerStatement:
    """An SQL text with `%s` for each value; call it with a connection and the values for all rows that it gives.

    `fixed` are values that never change, by position: they become part of the text that the server plans. `which` says
    of each other place which of the values stands there, where one stands at several.
    """

    def __init__(self, sql: str, fixed: Sequence[tuple[int, Any]] = (), which: Sequence[int] | None = None):
        self.sql = sql
        self._fixed = dict(fixed)
        self._places = len(_MARK.findall(sql.replace("%%", "")))
        self._which = range(self._places - len(self._fixed)) if which is None else which
        self._rename()

    def __call__(self, database: Any, values: Sequence[Any]) -> list[Any]:
        """Return the rows; `values` are those that are not fixed, in their order."""
        with database.cursor() as cursor:
            known = _known(database)  # the cursor may have opened the connection
            if self._name not in known:
                self._tell(cursor, known)
            try:
                cursor.execute(self._execute, values)
            except DatabaseError as error:
                state = getattr(error.__cause__, "pgcode", None)
                if state not in (_FORGOTTEN, _CHANGED):
                    raise
                # The text has another name from now on, here and on all connections: the old plan is no use to any.
                self._rename()
                if database.in_atomic_block:
                    raise  # the transaction is over; whoever tries it again gets the new one
                cursor.execute(self.sql, self._all(values))
            return list(cursor.fetchall())

    def _tell(self, cursor: Any, known: set[str]) -> None:
        """Let the server know the statement. What was broken off on the way the last time, by a task's time limit or a
        cancelled statement, may have come to its end there: a second PREPARE would be refused for as long as the
        connection lives."""
        begun = f"begun {self._name}"
        told = 0
        if begun in known:
            cursor.execute("SELECT count(*) FROM pg_prepared_statements WHERE name = %s", [self._name])
            (told,) = cursor.fetchone()
        known.add(begun)
        if not told:
            cursor.execute(f"PREPARE {self._name} AS {self.sql}", self._marks())
        known.add(self._name)

    def _rename(self) -> None:
        self._name = f"foyer_{next(_numbers)}"
        free = max(self._which, default=-1) + 1
        self._execute = f"EXECUTE {self._name} ({', '.join(['%s'] * free)})" if free else f"EXECUTE {self._name}"

    def _marks(self) -> list[Any]:
        return self._all([AsIs(f"${number + 1}") for number in range(max(self._which, default=-1) + 1)])

    def _all(self, values: Sequence[Any]) -> list[Any]:
        which = iter(self._which)
        return [self._fixed[place] if place in self._fixed else values[next(which)] for place in range(self._places)]


def _known(database: Any) -> set[str]:
    """The names that the server knows on the connection as it is now: a new one has none. "begun" stands before those
    that were told, to whatever end."""
    kept = getattr(database, "_server_statements", None)
    if kept is None or kept[0] is not database.connection:
        kept = database._server_statements = (database.connection, set())
    names: set[str] = kept[1]
    return names
