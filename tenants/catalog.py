"""What a schema holds, read from Postgres' catalogs, and the statements that make the same again elsewhere.

All text is read with the search path on that schema alone, so names inside it come without its name and the
statements fit any schema. What this module does not know how to write raises NotRenderable: never a schema
that is only nearly the same.
"""

# ruff: noqa: S608  (identifiers come from our own catalogs and are quoted)

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tenants.database import connection

# `varchar IN ('a', 'b')` is kept as one cast of the whole array. Postgres prints that so that it reads its own text
# back as a cast of each element: the same to it, another text to us. A cast in between makes it read what it wrote.
_TEXT = r"'(?:[^']|'')*'::character varying"
_CAST_OF_ARRAY = re.compile(rf"(ARRAY\[{_TEXT}(?:, {_TEXT})*\])(\)?)::text\[\]")

# What pg_sequence holds for an identity column that nobody gave options.
_PLAIN_SEQUENCE = (1, 1, 1, False)


class NotRenderable(Exception):
    """The schema holds something that `statements` cannot write."""


@dataclass(frozen=True)
class Column:
    """One column, with the name that its NOT NULL constraint has (Postgres 18; None before, and where it has none)."""

    name: str
    type: str
    collation: str | None
    default: str | None
    identity: str
    sequence: str | None
    generated: str
    required: bool
    required_name: str | None
    comment: str | None


@dataclass(frozen=True)
class Constraint:
    """A primary key, unique, check, exclusion or foreign key, by Postgres' own definition."""

    name: str
    kind: str
    definition: str
    target: str | None


@dataclass(frozen=True)
class Table:
    """One table; `indexes` are those that no constraint owns."""

    name: str
    columns: tuple[Column, ...]
    constraints: tuple[Constraint, ...]
    indexes: tuple[tuple[str, str, bool], ...]
    comment: str | None


@dataclass
class _Draft:
    columns: list[Column] = field(default_factory=list)
    constraints: list[Constraint] = field(default_factory=list)
    indexes: list[tuple[str, str, bool]] = field(default_factory=list)
    comment: str | None = None


@contextmanager
def alone_in(schema_name: str) -> Iterator[None]:
    """Run the block with the search path on this schema only."""
    before, include_public = connection.tenant, connection.include_public_schema
    connection.set_schema(schema_name, include_public=False)
    try:
        yield
    finally:
        connection.set_tenant(before, include_public)


def read(schema_name: str) -> dict[str, Table]:
    """Return every table of the schema by name. Two schemas are the same if these are equal.

    Raises NotRenderable for a schema with something else in it: views, functions, triggers, sequences of their own.
    """
    with alone_in(schema_name), connection.cursor() as cursor:
        cursor.execute("SELECT quote_ident(%s)::regnamespace::oid", [schema_name])
        namespace = cursor.fetchone()[0]
        _refuse_strangers(cursor, namespace)
        drafts: dict[str, _Draft] = {}
        cursor.execute(_TABLES, [namespace])
        for name, comment in cursor.fetchall():
            drafts[name] = _Draft(comment=comment)
        cursor.execute(_COLUMNS, [namespace])
        for table, *rest in cursor.fetchall():
            drafts[table].columns.append(Column(*rest))
        cursor.execute(_CONSTRAINTS, [namespace])
        for table, name, kind, definition, target, target_namespace in cursor.fetchall():
            if target is not None and target_namespace != namespace:
                raise NotRenderable(f"the foreign key {table}.{name} leaves the schema")
            drafts[table].constraints.append(Constraint(name, kind, definition, target))
        cursor.execute(_INDEXES, [namespace])
        for table, name, definition, valid in cursor.fetchall():
            drafts[table].indexes.append((name, definition, valid))
    return {
        name: Table(name, tuple(draft.columns), tuple(draft.constraints), tuple(draft.indexes), draft.comment)
        for name, draft in drafts.items()
    }


def statements(tables: dict[str, Table]) -> list[str]:
    """Return one statement after the other that make these tables in the schema that the search path is on.

    Constraints are folded into CREATE TABLE and identity stands inline, foreign keys too where their target comes
    first: fewer statements, and the only form that Citus distributes (citus.md, rule 5).
    """
    made: set[str] = set()
    creating: list[str] = []
    linking: list[str] = []
    indexing: list[str] = []
    for table in targets_first(tables):
        made.add(table.name)
        parts = [_column(column) for column in table.columns]
        for constraint in table.constraints:
            text = f"CONSTRAINT {_quoted(constraint.name)} {_as_read(constraint.definition)}"
            if constraint.kind == "f" and (constraint.target not in made or "NOT VALID" in constraint.definition):
                linking.append(f"ALTER TABLE {_quoted(table.name)} ADD {text}")
            else:
                parts.append(text)
        creating.append(f"CREATE TABLE {_quoted(table.name)} ({', '.join(parts)})")
        indexing += [_as_read(definition) for _name, definition, _valid in table.indexes]
        indexing += _comments(table)
    return creating + linking + indexing


def row_statements(schema_name: str, tables: dict[str, Table]) -> list[str]:
    """Return the statements that insert the rows which the migrations themselves made, django_migrations last."""
    result: list[str] = []
    with alone_in(schema_name), connection.cursor() as cursor:
        for table in targets_first(tables):
            if table.name == "django_migrations":
                continue
            columns = [column for column in table.columns if not column.generated]
            names = ", ".join(_quoted(column.name) for column in columns)
            literals = " || ', ' || ".join(f"quote_nullable({_quoted(column.name)}::text)" for column in columns)
            cursor.execute(f"SELECT '(' || {literals} || ')' FROM {_quoted(table.name)} ORDER BY 1")
            rows = [row for (row,) in cursor.fetchall()]
            if rows:
                head = f"INSERT INTO {_quoted(table.name)} ({names}) OVERRIDING SYSTEM VALUE VALUES "
                result += [head + ", ".join(rows[start : start + 500]) for start in range(0, len(rows), 500)]
                result += _sequence_positions(cursor, table)
        cursor.execute("SELECT format('(%L, %L, now())', app, name) FROM django_migrations ORDER BY id")
        applied = ", ".join(row for (row,) in cursor.fetchall())
    return [*result, f"INSERT INTO django_migrations (app, name, applied) VALUES {applied}"]


def _sequence_positions(cursor: Any, table: Table) -> list[str]:
    positions = []
    for column in table.columns:
        if column.identity:
            cursor.execute(f"SELECT max({_quoted(column.name)}) FROM {_quoted(table.name)}")
            sequence = sequence_name(table.name, column)
            positions.append(f"SELECT setval('{_quoted(sequence)}', {int(cursor.fetchone()[0])})")
    return positions


def sequence_name(table: str, column: Column) -> str:
    """Return the name of the sequence behind an identity column."""
    return (column.sequence or f"{table}_{column.name}_seq").split(" ")[0]


def targets_first(tables: dict[str, Table]) -> list[Table]:
    """Return the tables ordered so that a foreign key's target comes before it wherever there is no circle."""
    waiting = {
        name: {one.target for one in table.constraints if one.kind == "f" and one.target not in (None, name)}
        for name, table in sorted(tables.items())
    }
    ordered: list[Table] = []
    while waiting:
        ready = [name for name, targets in waiting.items() if not targets & waiting.keys()]
        # A circle: take the table with the fewest open targets; the rest of its keys are added afterwards.
        for name in ready or [min(waiting, key=lambda one: (len(waiting[one] & waiting.keys()), one))]:
            ordered.append(tables[name])
            del waiting[name]
    return ordered


def _column(column: Column) -> str:
    parts = [_quoted(column.name), column.type]
    if column.collation:
        parts.append(f"COLLATE {column.collation}")
    if column.required:
        parts.append(f"CONSTRAINT {_quoted(column.required_name)} NOT NULL" if column.required_name else "NOT NULL")
    if column.identity:
        always = "ALWAYS" if column.identity == "a" else "BY DEFAULT"
        options = f" (SEQUENCE NAME {_quoted(column.sequence)})" if column.sequence else ""
        parts.append(f"GENERATED {always} AS IDENTITY{options}")
    elif column.generated:
        kept = "STORED" if column.generated == "s" else "VIRTUAL"
        parts.append(f"GENERATED ALWAYS AS ({_as_read(column.default or '')}) {kept}")
    elif column.default is not None:
        parts.append(f"DEFAULT {column.default}")
    return " ".join(parts)


def _comments(table: Table) -> Iterable[str]:
    if table.comment:
        yield f"COMMENT ON TABLE {_quoted(table.name)} IS {_literal(table.comment)}"
    for column in table.columns:
        if column.comment:
            yield f"COMMENT ON COLUMN {_quoted(table.name)}.{_quoted(column.name)} IS {_literal(column.comment)}"


def _as_read(definition: str) -> str:
    return _CAST_OF_ARRAY.sub(r"\1\2::character varying[]::text[]", definition)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _refuse_strangers(cursor: Any, namespace: int) -> None:
    cursor.execute(_STRANGERS, {"namespace": namespace, "plain": _PLAIN_SEQUENCE})
    found = [text for (text,) in cursor.fetchall()]
    if found:
        raise NotRenderable("; ".join(found[:5]))


_TABLES = """
SELECT relname, obj_description(oid, 'pg_class') FROM pg_class
WHERE relnamespace = %s AND relkind = 'r' ORDER BY relname
"""

# The default name of an identity's sequence is left out (NULL): CREATE TABLE gives it again.
_COLUMNS = """
SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod),
  CASE WHEN a.attcollation <> t.typcollation THEN
    (SELECT quote_ident(n.nspname) || '.' || quote_ident(o.collname)
     FROM pg_collation o JOIN pg_namespace n ON n.oid = o.collnamespace WHERE o.oid = a.attcollation) END,
  pg_get_expr(d.adbin, d.adrelid), a.attidentity::text,
  (SELECT s.relname FROM pg_depend p JOIN pg_class s ON s.oid = p.objid AND s.relkind = 'S'
   WHERE a.attidentity <> '' AND p.classid = 'pg_class'::regclass AND p.refclassid = 'pg_class'::regclass
     AND p.refobjid = c.oid AND p.refobjsubid = a.attnum AND p.deptype = 'i'
     AND s.relname <> c.relname || '_' || a.attname || '_seq'),
  a.attgenerated::text, a.attnotnull,
  (SELECT k.conname FROM pg_constraint k
   WHERE k.conrelid = c.oid AND k.contype = 'n' AND k.conkey = ARRAY[a.attnum]),
  col_description(c.oid, a.attnum)
FROM pg_class c
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
WHERE c.relnamespace = %s AND c.relkind = 'r' ORDER BY c.relname, a.attnum
"""

_CONSTRAINTS = """
SELECT c.relname, k.conname, k.contype::text, pg_get_constraintdef(k.oid), f.relname, f.relnamespace
FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid LEFT JOIN pg_class f ON f.oid = k.confrelid
WHERE k.connamespace = %s AND c.relkind = 'r' AND k.contype IN ('p', 'u', 'c', 'x', 'f')
ORDER BY c.relname, array_position(ARRAY['p', 'u', 'c', 'x', 'f'], k.contype::text), k.conname
"""

# "Pretty" is what leaves the table's schema out where the search path finds it.
_INDEXES = """
SELECT c.relname, i.relname, pg_get_indexdef(x.indexrelid, 0, true), x.indisvalid
FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class c ON c.oid = x.indrelid
WHERE c.relnamespace = %s AND c.relkind = 'r'
  AND NOT EXISTS (SELECT 1 FROM pg_constraint k WHERE k.conindid = x.indexrelid AND k.contype IN ('p', 'u', 'x'))
ORDER BY c.relname, i.relname
"""

_STRANGERS = """
SELECT 'relation ' || c.relname || ' of kind ' || c.relkind::text FROM pg_class c
WHERE c.relnamespace = %(namespace)s AND (
  c.relkind NOT IN ('r', 'i', 'S') OR c.relpersistence <> 'p' OR c.relrowsecurity OR c.relhassubclass
  OR c.relispartition OR (c.relkind = 'r' AND (c.reloptions IS NOT NULL OR c.relreplident <> 'd'))
  OR (c.relkind = 'S' AND NOT EXISTS (
    SELECT 1 FROM pg_depend d JOIN pg_sequence s ON s.seqrelid = c.oid
    WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'i'
      AND (s.seqstart, s.seqincrement, s.seqmin, s.seqcycle) = %(plain)s)))
UNION ALL
SELECT 'function ' || proname FROM pg_proc WHERE pronamespace = %(namespace)s
UNION ALL
SELECT 'type ' || t.typname FROM pg_type t LEFT JOIN pg_class c ON c.oid = t.typrelid
WHERE t.typnamespace = %(namespace)s AND t.typtype IN ('d', 'e', 'r', 'm', 'c') AND coalesce(c.relkind, 'c') = 'c'
UNION ALL
SELECT 'trigger ' || g.tgname FROM pg_trigger g JOIN pg_class c ON c.oid = g.tgrelid
WHERE c.relnamespace = %(namespace)s AND NOT g.tgisinternal
UNION ALL
SELECT 'rule ' || r.rulename FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class
WHERE c.relnamespace = %(namespace)s
UNION ALL
SELECT 'statistics ' || stxname FROM pg_statistic_ext WHERE stxnamespace = %(namespace)s
UNION ALL
SELECT 'invalid index ' || i.relname FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid
WHERE i.relnamespace = %(namespace)s AND NOT x.indisvalid
UNION ALL
SELECT 'storage of ' || c.relname || '.' || a.attname
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_type t ON t.oid = a.atttypid
WHERE c.relnamespace = %(namespace)s AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
  AND (a.attstorage <> t.typstorage OR a.attcompression <> '' OR coalesce(a.attstattarget, -1) <> -1
       OR a.attoptions IS NOT NULL)
"""
