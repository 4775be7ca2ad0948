"""A question whose SQL is made once per process: for hot paths, where the ORM's work costs more than the database's.

The QuerySet stays the place where the question is written down; only its text is kept, never a row (N4). Tables are
named without their schema, so the text is the same for all tenants.
"""

import inspect
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, NamedTuple

from django.db import DEFAULT_DB_ALIAS, connection, connections, models
from django.db.models.base import ModelState
from django.db.models.expressions import RawSQL
from django.db.models.query import get_related_populators
from django.db.models.signals import post_init, pre_init

from shared_apps.core.server_statements import ServerStatement


class Parameter:
    """Stands in a QuerySet where a value comes later."""

    def __init__(self, position: int):
        self.position = position

    def among(self, column: str) -> dict[str, Any]:
        """Return what `extra` takes for a column that has one of the values; they are given as a list."""
        return {"where": [f"{column} = ANY(%s)"], "params": [self]}

    def of(self, field: "models.Field[Any, Any]") -> Any:
        """Return the expression of one value for such a field, as `filter` takes it."""
        return RawSQL("%s", [self], field)

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
    # How many cells a row has, and which of the model's own is its key.
    width: int
    key: int


class Prepared:
    """`Prepared(make)` where `make`, given a Parameter for each of its own, returns a QuerySet of whole rows; call it
    with the values."""

    def __init__(self, make: Callable[..., models.QuerySet[Any]]):
        self._make = make
        self._plan: _Plan | None = None

    def __call__(self, *values: Any) -> list[Any]:
        """Return the rows, with their annotations and related rows; one statement."""
        plan = self.plan()
        database = connections[DEFAULT_DB_ALIAS]
        with database.cursor() as cursor:
            cursor.execute(
                plan.sql, [values[each.position] if isinstance(each, Parameter) else each for each in plan.parameters]
            )
            found = cursor.fetchall()
        return [_row(plan, cells, database) for cells in map(list, found)]

    def plan(self) -> _Plan:
        self._plan = self._plan or self._planned()
        return self._plan

    def _planned(self) -> _Plan:
        count = len(inspect.signature(self._make).parameters)
        compiler = self._make(*map(Parameter, range(count))).query.get_compiler(connection=connection)
        sql, parameters = compiler.as_sql()
        info = compiler.klass_info
        columns = slice(info["select_fields"][0], info["select_fields"][-1] + 1)
        converters = compiler.get_converters([column[0] for column in compiler.select])
        names = [column[0].target.attname for column in compiler.select[columns]]
        return _Plan(
            sql=sql,
            parameters=tuple(parameters),
            model=info["model"],
            names=names,
            columns=columns,
            annotations=dict(compiler.annotation_col_map or {}),
            converters=[(position, *found) for position, found in converters.items()],
            populators=get_related_populators(info, compiler.select, DEFAULT_DB_ALIAS),  # type: ignore[call-arg]  # the stubs are of Django 6
            width=len(compiler.select),
            key=names.index(info["model"]._meta.pk.attname),
        )


class SideBySide:
    """Several prepared questions, of which each finds one row or none, asked in one statement that the server keeps.

    `SideBySide(one, two)((…values of one), (…values of two))` gives a row or None for each. They see one snapshot.
    """

    def __init__(self, *questions: Prepared):
        self._questions = questions
        self._statement: ServerStatement | None = None
        self._positions: list[tuple[int, int]] = []

    def __call__(self, *values: Sequence[Any]) -> list[Any]:
        statement = self._statement or self._planned()
        database = connections[DEFAULT_DB_ALIAS]
        found = statement(database, [values[question][position] for question, position in self._positions])
        cells, start, rows = list(found[0]), 1, []
        for question in self._questions:
            plan = question.plan()
            mine = cells[start : start + plan.width]
            start += plan.width
            there = mine[plan.columns][plan.key] is not None
            rows.append(_row(plan, mine, database) if there else None)
        return rows

    def _planned(self) -> ServerStatement:
        parts, positions = ["SELECT * FROM (SELECT 1) AS one"], dict[tuple[int, int], int]()
        fixed: list[tuple[int, Any]] = []
        which: list[int] = []
        place = 0
        for number, question in enumerate(self._questions):
            plan = question.plan()
            # LIMIT, so that two rows of one question never double those of another.
            one = f"SELECT * FROM ({plan.sql}) AS all_{number} LIMIT 1"  # noqa: S608  (the ORM's own text)
            parts.append(f"LEFT JOIN ({one}) AS q_{number} ON true")
            for value in plan.parameters:
                if isinstance(value, Parameter):
                    # What stands at several places is sent once.
                    which.append(positions.setdefault((number, value.position), len(positions)))
                else:
                    fixed.append((place, value))
                place += 1
        self._positions = list(positions)
        self._statement = ServerStatement(" ".join(parts), fixed, which)
        return self._statement


def _row(plan: _Plan, cells: list[Any], database: Any) -> Any:
    """One row of the model, as django.db.models.query.ModelIterable makes it of what a compiler has found."""
    for position, converters, expression in plan.converters:
        for convert in converters:
            cells[position] = convert(cells[position], expression, database)
    row = _made(plan.model, plan.names, cells[plan.columns])
    for populator in plan.populators:
        _populate(populator, cells, row)
    for name, position in plan.annotations.items():
        setattr(row, name, cells[position])
    return row


def _populate(populator: Any, cells: list[Any], row: Any) -> None:
    """What django.db.models.query.RelatedPopulator does, by `_made`."""
    mine = cells[populator.cols_start : populator.cols_end]
    if populator.reorder_for_init:
        mine = populator.reorder_for_init(cells)
    related = None
    if mine[populator.pk_idx] is not None:
        related = _made(populator.model_cls, populator.init_list, mine)
        for further in populator.related_populators:
            _populate(further, cells, related)
    populator.local_setter(row, related)
    if related is not None:
        populator.remote_setter(related, row)


def _made(model: type[models.Model], names: Sequence[str], values: Sequence[Any]) -> Any:
    """What `model.from_db` gives, for a third of its work: what was read is in `__dict__`, what was not is deferred."""
    if _has_own_start(model):
        return model.from_db(DEFAULT_DB_ALIAS, names, values)
    row = model.__new__(model)
    row._state = state = ModelState()
    state.adding, state.db = False, DEFAULT_DB_ALIAS
    row.__dict__.update(zip(names, values, strict=True))
    return row


@cache
def _has_own_start(model: type[models.Model]) -> bool:
    """Tell whether the model, or somebody who listens, does something as its instances are made."""
    plain = model.from_db.__func__ is models.Model.from_db.__func__ and model.__init__ is models.Model.__init__  # type: ignore[attr-defined]  # a class method
    return not plain or pre_init.has_listeners(model) or post_init.has_listeners(model)
