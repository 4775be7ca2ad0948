"""The rows of a file in temporary tables, where one statement checks or applies all of them.

The tables live in the job's connection and go with its transaction: they need no right to make tables in a tenant's
schema, leave nothing behind when a worker dies, and cost no WAL. `import_row` holds the rows whose cells could be
read, `import_error` everything that is wrong. One statement is one execute, also behind Citus.
"""

import csv
import gzip
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from django.db import connection

BATCH = 4_000
# What a statement over a whole file may take; the usual limits are for pages.
STATEMENT_TIMEOUT = "120s"


class Refused(NamedTuple):
    """What is wrong with one line: the column (empty for the whole row), a stable code, a sentence."""

    line: int
    column: str
    code: str
    message: str


def pack_errors(errors: Iterable[tuple[int, str, str, str]]) -> bytes:
    """Return lines, columns, codes and sentences as a CSV file, packed with gzip (B5)."""
    from shared_apps.core.resources import guarded

    packed = io.BytesIO()
    with gzip.open(packed, "wt", encoding="utf-8", newline="") as target:
        writer = csv.writer(target)
        writer.writerow(("line", "column", "code", "message"))
        writer.writerows((line, guarded(column), code, guarded(message)) for line, column, code, message in errors)
    return packed.getvalue()


class Staging:
    """Takes rows in by COPY, collects what is wrong, and counts.

    Every row has `number` (from 1), `line` (as an editor counts) and `outcome` (new, changed, unchanged) beside the
    columns of its resource, which are given with their SQL types. Text columns are never NULL.
    """

    def __init__(self, columns: Mapping[str, str]):
        self.columns = dict(columns)
        self.rows = 0
        self._rows: list[Sequence[Any]] = []
        self._errors: list[Refused] = []
        self._refused = 0

    def open(self) -> None:
        """Make the tables. Runs inside the transaction that they live in."""
        columns = "".join(
            f', "{name}" {kind}{" NOT NULL" if kind.startswith("text") else ""}' for name, kind in self.columns.items()
        )
        self.run(f"SET LOCAL statement_timeout = '{STATEMENT_TIMEOUT}'")
        self.run("SET LOCAL client_min_messages = 'warning'")
        # Tables that this transaction fills are still small by their statistics: joined row by row, they take hours.
        self.run("SET LOCAL enable_nestloop = off")
        self.run("DROP TABLE IF EXISTS import_row, import_error")
        self.run(
            "CREATE TEMPORARY TABLE import_row (number integer PRIMARY KEY, line integer NOT NULL, "
            f"outcome text NOT NULL DEFAULT 'unchanged', ignored boolean NOT NULL DEFAULT false{columns}) "
            "ON COMMIT DROP"
        )
        self.run(
            "CREATE TEMPORARY TABLE import_error (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, "
            "line integer NOT NULL, field text NOT NULL, code text NOT NULL, message text NOT NULL) ON COMMIT DROP"
        )

    def add(self, line: int, values: Sequence[Any]) -> None:
        """Take in a row whose values stand in the order of the columns."""
        self.rows += 1
        self._rows.append((self.rows, line, *values))
        if len(self._rows) >= BATCH:
            self.flush()

    def refuse(self, line: int, errors: Iterable[Any], *, counts: bool = True) -> None:
        """Note what is wrong with a row that is not taken in: anything with column, code and message."""
        self._errors.extend(Refused(line, one.column, one.code, one.message) for one in errors)
        self._refused += counts
        if len(self._errors) >= BATCH:
            self._copy("import_error", ("line", "field", "code", "message"), self._errors)
            self._errors = []

    def flush(self) -> None:
        """Write what is still in memory."""
        if self._rows:
            self._copy("import_row", ("number", "line", *self.columns), self._rows)
            self._rows = []
        if self._errors:
            self._copy("import_error", ("line", "field", "code", "message"), self._errors)
            self._errors = []

    def refuse_rows(self, column: str, code: str, message: Any, rows: str, *params: Any) -> int:
        """Refuse every row that `rows` (the statement from FROM on, with import_row as `r`) finds; returns how many.

        `{taken}` and the like in the message stand for a column of that statement, cast to text.
        """
        return self.run(
            f"INSERT INTO import_error (line, field, code, message) SELECT r.line, %s, %s, %s {rows}",
            column, code, str(message), *params,
        )  # fmt: skip

    def run(self, statement: str, *params: Any) -> int:
        """Execute one statement; returns how many rows it touched."""
        with connection.cursor() as cursor:
            cursor.execute(statement, params or None)
            return int(cursor.rowcount)

    def fetch(self, statement: str, *params: Any) -> list[tuple[Any, ...]]:
        """Return the rows of one statement."""
        with connection.cursor() as cursor:
            cursor.execute(statement, params or None)
            return list(cursor.fetchall())

    def copy(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """COPY many rows into another table, a batch at a time. None of its texts is NULL."""
        batch: list[Sequence[Any]] = []
        for row in rows:
            batch.append(row)
            if len(batch) >= BATCH:
                self._copy(table, columns, batch, texts=True)
                batch = []
        if batch:
            self._copy(table, columns, batch, texts=True)

    def counts(self) -> dict[str, int]:
        """Return by rows what they do; a row with an error is refused, whatever else it would do."""
        found = dict.fromkeys(("new", "changed", "unchanged", "refused"), 0)
        refused_here = 0
        for outcome, is_refused, count in self.fetch(
            "SELECT outcome, EXISTS (SELECT FROM import_error x WHERE x.line = r.line), count(*) "
            "FROM import_row r GROUP BY 1, 2"
        ):
            if is_refused:
                refused_here += count
            else:
                found[outcome] += count
        found["refused"] = refused_here + self._refused
        return found

    def errors(self, most: int) -> tuple[int, list[Refused]]:
        """Return how many errors there are, and the first of them by line."""
        ((count,),) = self.fetch("SELECT count(*) FROM import_error")
        first = self.fetch("SELECT line, field, code, message FROM import_error ORDER BY line, id LIMIT %s", most)
        return int(count), [Refused(*one) for one in first]

    def errors_file(self) -> bytes:
        """Return all errors as a CSV file, packed with gzip."""

        def all_of_them() -> Iterator[tuple[int, str, str, str]]:
            last = (0, 0)
            while found := self.fetch(
                "SELECT line, id, field, code, message FROM import_error WHERE (line, id) > (%s, %s) "
                "ORDER BY line, id LIMIT 20000", *last,
            ):  # fmt: skip
                last = found[-1][:2]  # type: ignore[assignment]  # two integers
                yield from ((line, field, code, message) for line, _id, field, code, message in found)

        return pack_errors(all_of_them())

    def _copy(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]], *, texts: bool = False) -> None:
        buffer = io.StringIO()
        csv.writer(buffer).writerows(rows)
        buffer.seek(0)
        names = ", ".join(f'"{name}"' for name in columns)
        filled = [name for place, name in enumerate(columns) if self._is_text(name, rows[0][place] if texts else None)]
        forced = f", FORCE_NOT_NULL ({', '.join(f'{chr(34)}{name}{chr(34)}' for name in filled)})" if filled else ""
        with connection.cursor() as cursor:
            cursor.copy_expert(f"COPY {table} ({names}) FROM STDIN WITH (FORMAT csv{forced})", buffer)

    def _is_text(self, name: str, sample: Any) -> bool:
        if sample is not None:
            return isinstance(sample, str)
        return name in ("field", "code", "message") or self.columns.get(name, "").startswith("text")
