"""Fields that only the server decides are ignored or refused, wherever they are sent (I9).

Each route is asked twice as usual and then with every column of every model beside what it takes. What a usual request
leaves behind, row by row, is all that the others may leave: a `status`, a price or an owner that was taken shows as
another row, whatever its value. What differs between two usual requests (ids, times, secrets) is looked through for
the values that were sent.
"""

import json
from functools import cache
from typing import Any

import pytest
from django.apps import apps
from django.core.cache import caches
from django.db import connection, models

from api.routes import OPERATORS, Route, table
from tests.permissions import bodies, fields, matrix, samples
from tests.permissions.world import undone

MARK = 424_242
WHEN, UUID, WORD = "2042-04-24T04:24:24Z", "42424242-4242-4242-8242-424242424242", "server-owned-424242"
TELLTALES = ("424242", "2042-04-24", UUID, "server-owned")
# What looks like a column and is none; older clients' and other products' names for what rows hold.
WISHES: dict[str, Any] = {
    **dict.fromkeys(("pk", "tenant", "tenant_id", "user", "owner", "created_by", "total", "paid_amount"), MARK),
    **dict.fromkeys(("paid", "is_owner", "is_admin", "email_verified", "revoked", "verified", "hidden"), True),
    **dict.fromkeys(("token", "preset", "actor", "role_name"), WORD),
    "_state": {"adding": False}, "groups": [1], "user_permissions": [1],
}  # fmt: skip
# What a document of OpenAPI cannot say about a body: any of the settings.
TAKES_BESIDES = {"PATCH /settings/": ("tenant", "settings")}
# Written for each request, and told apart from what it does.
BESIDE = frozenset({"activity_idempotent", "activity_auditentry", "accounts_platformauditentry"})
# How long something has waited: another number each second.
CLOCKED = frozenset({"lag_seconds"})
ROUTES = [each for each in table() if each.kind == "api" and each.method in ("POST", "PUT", "PATCH")]


def value_for(column: Any, *, other: bool) -> Any:
    """A value that the column would take, and that no request of the samples gives."""
    if column.choices:
        choices = [value for value, _label in column.flatchoices]
        return choices[0] if other else choices[-1]
    if isinstance(column, models.BooleanField):
        return not other
    if isinstance(column, models.UUIDField):
        return UUID
    if isinstance(column, models.DateTimeField):
        return WHEN
    if isinstance(column, models.DateField):
        return WHEN[:10]
    if isinstance(column, models.JSONField):
        return {"was": WORD}
    if isinstance(column, models.CharField | models.TextField):
        return WORD[: column.max_length] if column.max_length else WORD
    return MARK


@cache
def columns() -> dict[str, tuple[Any, Any]]:
    """Every column of every model of ours, under its own name and its _id's, with two values to wish for."""
    found: dict[str, tuple[Any, Any]] = {name: (value, value) for name, value in WISHES.items()}
    for model in apps.get_models():
        if model.__module__.split(".")[0] not in ("shared_apps", "tenant_apps", "tenants"):
            continue
        for column in model._meta.concrete_fields:
            for name in {column.name, column.attname}:
                found[name] = (value_for(column, other=False), value_for(column, other=True))
    return found


def accepted(route: Route) -> set[str]:
    """What the route says that it takes, and what its sample sends under older names."""
    named = {name.partition(".")[0] for name in fields.taken_by(route)}
    short = f"{route.method} {samples.short(route.path)}"
    if short in TAKES_BESIDES:
        from tenant_apps.staff.site_settings import COLUMNS
        from tenants.preferences import PREFERENCES

        named |= {*COLUMNS, *PREFERENCES}
    return named | set(bodies.ALSO_TAKEN.get(short, ()))


def left_behind(before: dict[str, Any], counted: dict[str, int]) -> dict[str, list[dict[str, Any]]]:
    """The rows of every table that changed."""
    found = {}
    for name in (each.partition(":")[0] for each in matrix.changes(before, counted, without=BESIDE)):
        schema, _point, of = name.partition(".")
        with connection.cursor() as cursor:
            cursor.execute(f'SELECT to_jsonb(t)::text FROM "{schema}"."{of}" t')
            found[name] = [json.loads(text) for (text,) in cursor.fetchall()]
    return found


def differing(usual: list[dict[str, Any]], again: list[dict[str, Any]]) -> set[str]:
    """The columns in which two usual requests differ: ids, times, what is drawn by lot."""
    one, two = (sorted(rows, key=_stable) for rows in (usual, again))
    return CLOCKED | {name for a, b in zip(one, two, strict=True) for name in a if a[name] != b[name]}


def _stable(row: dict[str, Any]) -> str:
    key = row.get("id")
    return f"{key:020}" if isinstance(key, int) else str(key)


def without(rows: list[dict[str, Any]], names: set[str]) -> list[str]:
    return sorted(json.dumps({k: v for k, v in row.items() if k not in names}, sort_keys=True) for row in rows)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.host} {route.method} {route.path}")
def test_what_the_server_decides_is_not_taken_from_callers(route: Route, world: Any, record_property: Any) -> None:
    own = world.places["own"]
    address = matrix.address(route, own, own)
    assert address is not None
    before = matrix.contents(without=BESIDE)
    sent, wrong = 0, []
    # What takes no body at all reads none: `measure` writes what it reckons, by the clock.
    by_operator = route.rule == OPERATORS and bodies.body_of(route.method, route.path, own)
    asking = ("operator",) if by_operator else ("owner", "buyer", "anonymous", "API key")
    for actor in (each for each in world.actors if each.name in asking):

        def left_by(extras: dict[str, Any], actor: Any = actor) -> tuple[int, dict[str, list[dict[str, Any]]]]:
            with undone():
                caches["global"].clear()
                counted = matrix.touched()
                # A fresh body each time: uploads are read to their end.
                body = {**extras, **bodies.body_of(route.method, route.path, own)}
                response = matrix.ask(route, actor, "own", address, body, world)
                assert response.status_code < 500, response.content
                return response.status_code, left_behind(before, counted)

        status, usual = left_by({})
        again_status, again = left_by({})
        assert again_status == status and again.keys() == usual.keys()
        for which in (0, 1):
            extras = {name: pair[which] for name, pair in columns().items() if name not in accepted(route)}
            sent += len(extras)
            groups = [_formed(route, extras)]
            while groups:
                group = groups.pop()
                answered, taken = left_by(group)
                if answered < 400 <= status:
                    wrong.append(f"{actor.name}: {answered} instead of {status}")
                elif answered < 400 or answered == status:
                    wrong += [f"{actor.name}: {each}" for each in _taken(usual, again, taken)]
                elif taken:
                    wrong.append(f"{actor.name}: refused, and yet changed {sorted(taken)}")
                elif len(group) > 1:
                    # One of them is refused by name; the others must not hide behind it.
                    names = sorted(group)
                    half = len(names) // 2
                    groups += [{name: group[name] for name in part} for part in (names[:half], names[half:])]
    record_property("permissions_matrix", {"fields of the server's": sent})
    assert not wrong, "\n".join(wrong)


def _taken(usual: dict[str, Any], again: dict[str, Any], taken: dict[str, Any]) -> list[str]:
    """What is other than after the usual request."""
    if taken.keys() != usual.keys():
        return [f"changed other tables: {sorted(taken.keys() ^ usual.keys())}"]
    wrong = []
    for name, rows in taken.items():
        if not len(rows) == len(usual[name]) == len(again[name]):
            wrong.append(f"{name} has {len(rows)} rows instead of {len(usual[name])}")
            continue
        by_lot = differing(usual[name], again[name])
        odd = set(without(rows, by_lot)) ^ set(without(usual[name], by_lot))
        if odd:
            wrong.append(f"{name} took a field that is the server's: {sorted(odd)[:2]}")
        text = json.dumps(rows)
        wrong += [f"{name} holds {each}" for each in TELLTALES if each in text]
    return wrong


def _formed(route: Route, extras: dict[str, Any]) -> dict[str, Any]:
    """A form has no lists or objects."""
    if f"{route.method} {samples.short(route.path)}" not in samples.MULTIPART:
        return extras
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in extras.items()}
