"""Each route that only staff may use leaves one line when refused, and a line when it has changed something (P7).

Generated from the table of routes, like the matrix: a new route is asked as soon as it is declared.
"""

from typing import Any

import pytest
from django.core.cache import caches

from api.routes import TENANT, Route, table
from tenant_apps.activity.models import AuditEntry
from tenants.context import in_tenant
from tests.factories import owner_of
from tests.permissions import matrix, samples
from tests.permissions.expected import LOGIN, outcome
from tests.permissions.test_matrix import name_of
from tests.permissions.world import undone

STAFFS = [route for route in table() if route.host == TENANT and (route.names or route.staff)]
WRITES = [route for route in STAFFS if route.method != "GET"]

# A write that is a record of its own: each scan is a row that is kept, with who, when and what came of it (T3).
RECORDS_OF_THEIR_OWN = {
    "POST /check-in-lists/<int:pk>/scan/",
    "POST /check-in-lists/<int:pk>/scans/",
    "POST /scan/<int:pk>/",
    "POST /scan/<int:pk>/batch/",
}
# What leads to no other state: sending once more.
CHANGES_NOTHING = {"order.resend", "ticket.resent"}


def actor_of(world: Any, name: str) -> Any:
    return next(each for each in world.actors if each.name == name)


def first_case(route: Route, world: Any) -> Any:
    return next((each for each in matrix.cases(route, world) if each[0] == "own"), None)


def lines(world: Any, since: set[Any]) -> list[AuditEntry]:
    with in_tenant(world.alpha):
        return list(AuditEntry.objects.exclude(pk__in=since).order_by("at", "pk"))


def there(world: Any) -> set[Any]:
    with in_tenant(world.alpha):
        return set(AuditEntry.objects.values_list("pk", flat=True))


@pytest.mark.parametrize("route", STAFFS, ids=name_of)
@pytest.mark.parametrize("name", ["stranger", "anonymous"])
def test_a_refusal_of_what_staff_may_leaves_one_line(route: Route, name: str, world: Any) -> None:
    actor, case = actor_of(world, name), first_case(route, world)
    if case is None:
        pytest.skip("the world has nothing of that kind")
    scope, _place, filled, body = case
    with undone():
        caches["global"].clear()
        before = there(world)
        response = matrix.ask(route, actor, scope, filled, body, world)
        found = outcome(response)
        new = [line for line in lines(world, before) if line.refused]
        if found == LOGIN or (actor.user is None and found != "401"):
            assert not new  # sent to the login page, or a guest without the order's secret: no try of staff's
            return
        assert found in ("401", "403", "404"), f"{name} came in: {found}"
        (line,) = new
        assert line.topic == "access.refused"
        assert line.actor_id == (actor.user.pk if actor.user else None)
        assert line.actor == (actor.user.email if actor.user else "")
        assert line.target == filled[:100]
        assert line.request_id == response["X-Request-ID"]
        assert line.address == "127.0.0.1"
        assert line.details["method"] == route.method
        assert line.details["status"] == response.status_code
        assert set(line.details["permissions"]) == set(route.names or route.staff)


@pytest.mark.parametrize("route", WRITES, ids=name_of)
def test_a_change_by_staff_leaves_a_line_with_before_and_after(route: Route, world: Any) -> None:
    owner, case = actor_of(world, "owner"), first_case(route, world)
    if case is None:
        pytest.skip("the world has nothing of that kind")
    scope, _place, filled, body = case
    with undone():
        caches["global"].clear()
        before, contents = there(world), matrix.contents()
        response = matrix.ask(route, owner, scope, filled, body, world)
        new = [line for line in lines(world, before) if not line.refused]
        if response.status_code >= 400 or (route.kind == "page" and response.status_code == 200):
            assert samples.short(route.path) in samples.NO_GOOD_END or route.kind == "page", response.content[:300]
            return  # refused by the moment or the input, and a page shows that with its form
        if f"{route.method} {samples.short(route.path)}" in RECORDS_OF_THEIR_OWN:
            return
        if not new:
            # Asked for what is so already: then nothing at all may have changed.
            changed = matrix.differences(contents, matrix.contents())
            assert not changed, f"{response.status_code}, changed {changed}, and nothing is written down"
            return
        by = {line.actor_id for line in new}
        assert owner_of(world.alpha).pk in by
        for line in new:
            assert line.request_id == response["X-Request-ID"]
            assert line.address == "127.0.0.1"
            assert line.target
            if line.topic in CHANGES_NOTHING or line.topic == "staff.owners_changed":
                continue
            assert {"before", "after"} <= line.details.keys(), f"{line.topic}: {line.details}"
            assert line.details["before"] != line.details["after"], f"{line.topic}: {line.details}"
