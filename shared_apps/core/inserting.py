"""New rows of several tables in one statement: one round trip, and a tenth of the ORM's work.

The columns are the models' own, so a new column cannot be forgotten; values are prepared by the fields as
`bulk_create` does it. No signals, and no keys that the database makes: the rows' keys are known before.
"""

from collections.abc import Sequence
from functools import cache
from itertools import groupby
from types import NoneType
from typing import Any, NamedTuple
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, connection, connections, models
from django.db.models.expressions import DatabaseDefault


def insert_all(rows: Sequence[models.Model], then: str = "", parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """Insert the rows; those of one model must stand together. Foreign keys between them may point anywhere.

    `then` is a SELECT that comes with it in the same statement, and what it finds is returned. It sees the database
    as it was before the rows were there; what it locks with FOR KEY SHARE it sees as it is.
    """
    database = connections[DEFAULT_DB_ALIAS]
    parts: list[str] = []
    values: list[Any] = []
    for number, (model, some) in enumerate(groupby(rows, type)):
        head, columns = _plan(model)
        marks = []
        for row in some:
            marks.append(_add(row, columns, values, database))
            row._state.adding, row._state.db = False, DEFAULT_DB_ALIAS
        parts.append(f"new_{number} AS ({head} VALUES {', '.join(marks)})")
    with database.cursor() as cursor:
        cursor.execute(f"WITH {', '.join(parts)} {then or 'SELECT 1'}", [*values, *parameters])
        return list(cursor.fetchall()) if then else []


class _Column(NamedTuple):
    """A field with its placeholder, and the types of values that go to the database as they are."""

    field: Any
    name: str
    placeholder: str
    as_it_is: frozenset[type]


@cache
def _plan(model: type[models.Model]) -> tuple[str, tuple[_Column, ...]]:
    """The beginning of the model's INSERT, and its columns in that order."""
    meta = model._meta
    fields = [field for field in meta.concrete_fields if not field.generated]
    quote = connection.ops.quote_name
    names = ", ".join(quote(str(field.column)) for field in fields)
    return f"INSERT INTO {quote(meta.db_table)} ({names})", tuple(map(_column, fields))


# What these fields' own preparation returns unchanged on Postgres; everything else is left to the field.
_AS_IT_IS: dict[type, frozenset[type]] = {
    models.CharField: frozenset({str, NoneType}),
    models.EmailField: frozenset({str, NoneType}),
    models.TextField: frozenset({str, NoneType}),
    models.IntegerField: frozenset({int, NoneType}),
    models.BigIntegerField: frozenset({int, NoneType}),
    models.BooleanField: frozenset({bool, NoneType}),
    models.UUIDField: frozenset({UUID, NoneType}),
    models.ForeignKey: frozenset({int, UUID, NoneType}),
    models.OneToOneField: frozenset({int, UUID, NoneType}),
}


def _column(field: Any) -> _Column:
    own = type(field).pre_save is models.Field.pre_save
    # Arrays say their type here: an empty one would have none.
    placeholder = str(field.get_placeholder(None, None, connection)) if hasattr(field, "get_placeholder") else "%s"
    return _Column(field, field.attname, placeholder, _AS_IT_IS.get(type(field), frozenset()) if own else frozenset())


def _add(row: models.Model, columns: Sequence[_Column], values: list[Any], database: Any) -> str:
    """Append the row's values; returns its placeholders."""
    marks, state = [], row.__dict__
    for field, name, placeholder, as_it_is in columns:
        value = state.get(name, _MISSING)
        if type(value) not in as_it_is:
            value = field.pre_save(row, add=True)
            if isinstance(value, DatabaseDefault):
                marks.append("DEFAULT")
                continue
            value = field.get_db_prep_save(value, database)
        marks.append(placeholder)
        values.append(value)
    return f"({', '.join(marks)})"


_MISSING = object()
