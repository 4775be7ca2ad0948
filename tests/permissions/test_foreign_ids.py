"""What a body or a query names must be the caller's to name: another tenant's, or an event's that the caller may not
see, is not there, and nothing of the request is applied (I1, I2)."""

import copy
import re
from typing import Any

import pytest
from django.core.cache import caches
from django.test import Client

from api.routes import Route, table
from tenant_apps.staff.presets import EVENT_PERMISSIONS
from tests.permissions import bodies, fields, matrix, related, samples
from tests.permissions.world import Actor, Place, World, undone

WRITES = [route for route in table() if route.kind == "api" and route.method != "GET" and route.host == "tenant"]
RELATED = [
    (route, name)
    for route in WRITES
    for name in fields.taken_by(route)
    if name.rpartition(".")[2] in related.RELATED and f"{route.method} {samples.short(route.path)}" in bodies.BODIES
]


def name_of(value: Any) -> str | None:
    return f"{value.method} {value.path}" if isinstance(value, Route) else None


def with_value(body: dict[str, Any], name: str, value: Any) -> dict[str, Any]:
    """The body with one field set; "lines.ticket_type" is that of the first line."""
    changed = copy.deepcopy(body)
    inside: Any = changed
    *way, last = name.split(".")
    for step in way:
        inside = inside[step]
        inside = inside[0] if isinstance(inside, list) else inside
    inside[last] = value
    return changed


def named_by(route: Route, name: str, place: Place) -> Any:
    """What of the place the field names at this route."""
    here = related.RELATED_AT.get(f"{route.method} {samples.short(route.path)} {name}")
    return (here or related.RELATED[name.rpartition(".")[2]])(place)


def body_with(route: Route, name: str, own: Place, place: Place) -> dict[str, Any]:
    """A valid body, but that the named field names something of the place."""
    body = bodies.body_of(route.method, route.path, own)
    for other, value in related.ALONGSIDE.get(f"{route.method} {samples.short(route.path)} {name}", {}).items():
        if "." in other:
            first, last = other.split(".")
            body = {**body, first: [{key: one for key, one in body[first][0].items() if key != last}]}
            continue
        body.pop(other, None)
        if value is not None:
            body[other] = value(own) if callable(value) else value
    return with_value(body, name, named_by(route, name, place))


def hidden_places(route: Route, actor: Actor, world: World) -> list[Place]:
    """Where things are that this caller may not name here."""
    found = [world.places["foreign"]]
    if ":event>" in route.path:
        # The address names one event: nothing of another belongs in the body, whoever sends it.
        return [*found, world.places["draft"], world.places["other_event"]]
    draft = world.places["draft"]
    if not actor.on(draft) & EVENT_PERMISSIONS.keys():
        found.append(draft)
    return found


def test_every_field_that_names_a_thing_has_a_sample_of_it() -> None:
    unknown = {
        f"{name_of(route)}: {name}"
        for route in WRITES
        for name in fields.taken_by(route)
        if fields.names_a_thing(name)
        and name.rpartition(".")[2] not in related.RELATED.keys() | related.NAMES_NOTHING.keys()
    }
    assert not unknown, f"add to RELATED in tests/permissions/related.py: {sorted(unknown)}"
    assert {"ticket_type", "ticket_types", "quotas", "category", "venue", "tags", "role", "order", "events"} <= {
        name.rpartition(".")[2] for _route, name in RELATED
    }


@pytest.mark.parametrize(("route", "name"), RELATED, ids=lambda value: name_of(value) or value)
def test_foreign_things_in_bodies_are_not_there(route: Route, name: str, world: Any, record_property: Any) -> None:
    own = world.places["own"]
    address = matrix.address(route, own, own)
    assert address is not None
    able, wrong, asked = [], [], 0
    before = matrix.contents()
    for actor in world.actors:
        with undone():
            caches["global"].clear()
            response = matrix.ask(route, actor, "own", address, body_with(route, name, own, own), world)
        if response.status_code >= 400:
            continue
        able.append(actor)
        mine = named_by(route, name, own)
        for place in hidden_places(route, actor, world):
            value = named_by(route, name, place)
            if value is None or value == mine:
                continue  # what hangs on no event is the same for all of the tenant
            with undone():
                caches["global"].clear()
                counted = matrix.touched()
                response = matrix.ask(route, actor, "own", address, body_with(route, name, own, place), world)
                asked += 1
                if response.status_code not in (400, 404):
                    said = response.content[:200].decode(errors="replace")
                    wrong.append(f"{actor.name}, {place.name}: {response.status_code} {said}")
                if changed := matrix.changes(before, counted):
                    wrong.append(f"{actor.name}, {place.name}: refused, and yet changed {changed}")
    record_property("permissions_matrix", {"foreign ids": asked})
    assert not wrong, "\n".join(wrong)
    # Else the refusals above may be about something else.
    assert able, "nobody got a good answer with an own thing: is the sample right?"
    assert asked


@pytest.mark.parametrize("place_name", ["foreign", "other_event", "draft"])
def test_a_ticket_of_elsewhere_is_no_ticket_at_this_door(place_name: str, world: Any) -> None:
    """A scan is answered whatever was held up; the holder is not shown and nothing but the try is noted."""
    own, place = world.places["own"], world.places[place_name]
    if place.ticket is None:
        assert place_name == "draft"
        return
    owner = next(actor for actor in world.actors if actor.name == "owner")
    with undone(), matrix.nothing_changes() as changed:
        client = Client(HTTP_HOST="alpha.localhost", HTTP_AUTHORIZATION=f"Bearer {owner.bearer}")
        response = client.post(
            f"/api/v1/check-in-lists/{own.list.pk}/scan/", samples.scan(place), content_type="application/json"
        )
        said = response.json()
    assert response.status_code == 201, said
    assert said["reason"] == ("unknown" if place_name == "foreign" else "wrong_event"), said
    assert not said.get("ticket") and place.buyer.email not in response.content.decode()
    assert {each.partition(":")[0].partition(".")[2] for each in changed} <= {
        "ticketing_checkin", "activity_auditentry", "activity_idempotent",
    }  # fmt: skip


@pytest.mark.parametrize(("path", "parameter"), related.QUERIES, ids=lambda value: str(value))
def test_foreign_things_in_queries_are_like_things_that_never_were(path: str, parameter: str, world: Any) -> None:
    """A filter by what is another tenant's tells no more than one by what does not exist."""
    foreign, never = related.QUERIES[path, parameter]
    at, reached = world.places["own"], False
    for actor in world.actors:
        if actor.suspended:
            continue
        told = []
        for value in (foreign(world.places["foreign"]), never):
            client = Client(HTTP_HOST="alpha.localhost")
            if path.startswith("/api/"):
                if actor.bearer:
                    client.defaults["HTTP_AUTHORIZATION"] = f"Bearer {actor.bearer}"
            else:
                for cookie, held in actor.cookies.items():
                    client.cookies[cookie] = held
            response = client.get(path.format(event=at.event.slug), {parameter: value})
            told.append((response.status_code, _without(response.content.decode(), str(value))))
        reached = reached or told[0][0] == 200
        assert told[0] == told[1], actor.name
    assert reached


def _without(text: str, value: str) -> str:
    # What differs between any two answers of the same page: form tokens, nonces, the request's id.
    text = re.sub(r'(nonce|value|content)="[A-Za-z0-9_+/=-]{20,}"', "", text)
    text = re.sub(r'"request_id": ?"[^"]*"|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22,}|\b[0-9a-f]{32}\b', "", text)
    return text.replace(value, "")
