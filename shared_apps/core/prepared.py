"""A question whose SQL is made once per process: for hot paths, where the ORM's work costs more than the database's.

The QuerySet stays the place where the question is written down; only its text is kept, never a row (N4). Tables are
named without their schema, so the text is the same for all tenants.
"""

import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

from django.db import DEFAULT_DB_ALIAS, connection, connections, models
from django.db.models.expressions import RawSQL
from django.db.models.query import get_related_populators


class Parameter:
    """Stands in a QuerySet where a value comes later."""

    def __init__(self, position: int):
        self.position = position

    def among(self, column: str) -> dict[str, Any]:
        """Return what `extra` takes for a column that has one of the values; they are given as a list."""
        return {"where": [f"{column} = ANY(%s)"], "params": [self]}

    def as_moment(self) -> Any:
        """Return the expression of a datetime."""
        return RawSQL("%s::timestamptz", [self], models.DateTimeField())


class _Plan(NamedTuple):
    """What the ORM worked out about the question, none of which depends on who asks."""

    sql: str
    parameters: tuple[Any, ...]
    model: type[models.Model]
    names: list[str]
    columns: slice
    annotations: dict[str, int]
    converters: list[tuple[int, list[Any], Any]]
    populators: list[Any]


class Prepared:
    """`Prepared(make)` where `make`, given a Parameter for each of its own, returns a QuerySet of whole rows; call it
    with the values."""

    def __init__(self, make: Callable[..., models.QuerySet[Any]]):
        self._make = make
        self._plan: _Plan | None = None

    def __call__(self, *values: Any) -> list[Any]:
        """Return the rows, with their annotations and related rows; one statement."""
        plan = self._plan = self._plan or self._planned()
        database = connections[DEFAULT_DB_ALIAS]
        with database.cursor() as cursor:
            cursor.execute(
                plan.sql, [values[each.position] if isinstance(each, Parameter) else each for each in plan.parameters]
            )
            found = cursor.fetchall()
        rows = []
        # As django.db.models.query.ModelIterable makes rows of what a compiler has found.
        for cells in map(list, found):
            for position, converters, expression in plan.converters:
                for convert in converters:
                    cells[position] = convert(cells[position], expression, database)
            row = plan.model.from_db(DEFAULT_DB_ALIAS, plan.names, cells[plan.columns])
            for populator in plan.populators:
                populator.populate(cells, row)
            for name, position in plan.annotations.items():
                setattr(row, name, cells[position])
            rows.append(row)
        return rows

    def _planned(self) -> _Plan:
        count = len(inspect.signature(self._make).parameters)
        compiler = self._make(*map(Parameter, range(count))).query.get_compiler(connection=connection)
        sql, parameters = compiler.as_sql()
        info = compiler.klass_info
        columns = slice(info["select_fields"][0], info["select_fields"][-1] + 1)
        converters = compiler.get_converters([column[0] for column in compiler.select])
        return _Plan(
            sql=sql,
            parameters=tuple(parameters),
            model=info["model"],
            names=[column[0].target.attname for column in compiler.select[columns]],
            columns=columns,
            annotations=dict(compiler.annotation_col_map or {}),
            converters=[(position, *found) for position, found in converters.items()],
            populators=get_related_populators(info, compiler.select, DEFAULT_DB_ALIAS),  # type: ignore[call-arg]  # the stubs are of Django 6
        )
