"""Every route, asked as every kind of caller about what is theirs and what is not: all answers as declared (I1, I2)."""

from collections import Counter
from typing import Any

import pytest
from django.core.cache import caches
from django.db import connection

from api.routes import OPERATORS, Route, table
from tests.permissions import bodies, matrix, samples
from tests.permissions.expected import OK, expected, outcome
from tests.permissions.world import undone

ROUTES = table()


def name_of(route: Route) -> str:
    return f"{route.host} {route.method} {route.path}"


@pytest.mark.parametrize("route", ROUTES, ids=name_of)
def test_every_caller_gets_what_is_declared(route: Route, world: Any, record_property: Any) -> None:
    wrong, good_end, refused = [], False, []
    counted: Counter[str] = Counter()
    try:
        asked = list(matrix.cases(route, world))
    except samples.NoSample as missing:
        pytest.fail(str(missing))
    before = matrix.contents()
    for scope, place, filled, body in asked:
        for actor in world.actors:
            allowed = expected(route, actor, place, scope)
            writes = matrix.Writes()
            with undone(), connection.execute_wrapper(writes):
                if route.method != "GET":
                    caches["global"].clear()
                response = matrix.ask(route, actor, scope, filled, body, world)
                found = outcome(response)
                # The whole of both tenants is compared where a statement wrote, and once for each route anyway.
                if found != OK and (writes.any or not any(refused)):
                    changed = matrix.differences(before, matrix.contents())
                    if changed:
                        wrong.append(f"{actor.name}, {scope}: {found}, and yet changed {changed}")
            refused.append(found != OK)
            good_end = good_end or (scope == "own" and response.status_code < 400 and found == OK)
            if found not in allowed:
                said = response.content[:300].decode(errors="replace") if route.kind == "api" else ""
                wrong.append(
                    f"{actor.name}, {scope}: {found} instead of {' or '.join(sorted(allowed))} ({filled}) {said}"
                )
            counted[f"actor:{actor.name}"] += 1
            counted[f"scope:{scope}"] += 1
    counted["routes"] += 1
    counted["cases"] += len(refused)
    counted["refused"] += sum(refused)
    # Before the verdict: what is recorded later does not reach the summary of the run.
    record_property("permissions_matrix", dict(counted))
    assert not wrong, f"{len(wrong)} of {len(refused)}:\n" + "\n".join(wrong[:40])
    if (
        not good_end
        and route.rule != OPERATORS
        and not route.path.startswith("/dev/")
        and ":provider>" not in route.path
    ):
        assert samples.short(route.path) in samples.NO_GOOD_END, (
            f"{name_of(route)}: nobody got a good answer. Is its sample in tests/permissions/bodies.py right?"
        )


def test_only_an_owner_makes_an_owner_on_the_page(world: Any) -> None:
    """The page answers who manages staff; it does for owners only (I4)."""
    own = world.places["own"]
    manager = next(actor for actor in world.actors if actor.name == "manager")
    route = next(
        each
        for each in ROUTES
        if each.method == "POST" and each.path.startswith("/dashboard/staff/") and each.path.endswith("/make-owner/")
    )
    address = matrix.address(route, own, own)
    assert address is not None
    with undone(), matrix.nothing_changes() as changed:
        body = bodies.body_of(route.method, route.path, own)
        response = matrix.ask(route, manager, "own", address, body, world)
    assert not changed, (response.status_code, changed)
