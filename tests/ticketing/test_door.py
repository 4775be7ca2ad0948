"""Scans by the short way answer as by the long way, and cost little; everything else goes the long way."""

import json

import pytest
from django.db import connection
from django.test import Client, override_settings

from bench.counting import statements_through
from tenant_apps.events.grants import grant, revoke
from tenant_apps.staff import services as staff
from tenant_apps.staff.actors import KeyActor, holds, whose_rights
from tenant_apps.staff.keys import key_of, make_key
from tenant_apps.staff.keys import revoke as revoke_key
from tenant_apps.staff.models import Membership, Role
from tenant_apps.staff.permissions import allowed
from tenant_apps.ticketing import codes, doors, services
from tenant_apps.ticketing.models import CheckIn, CheckInList
from tenants.context import in_tenant
from tests.factories import bearer, make_event, make_paid_order, make_ticket_type, make_user


@pytest.fixture
def sold(transactional_db, alpha):
    """An event with five tickets, its list, and a key and a person of the door."""
    with in_tenant(alpha):
        kind = make_ticket_type(make_event(), capacity=10, price_minor=0)
        services.ensure_door(kind.event)
        lines = make_paid_order(kind, quantity=5).lines.select_related("ticket")
        person = make_user()
        staff.add_member(person, staff.preset_role("door"), actor=None)
        key, text = make_key(name="Gate", scopes=["check_in"], actor=person)
        return {
            "event": kind.event, "door": CheckInList.objects.get(event=kind.event), "person": person, "key": key,
            "key_text": text, "codes": [codes.code_text(line.ticket) for line in lines],
        }  # fmt: skip


@pytest.fixture
def scanner(alpha, sold):
    """Sends a body to the list as a program does; `long=True` sends it the long way."""
    client = Client(HTTP_HOST=f"{alpha.slug}.localhost")
    path = f"/api/v1/check-in-lists/{sold['door'].pk}/scan/"
    client.get("/api/v1/tags/")  # the process gets to know the tenant

    def send(body, *, long=False, by=None, path=path, **headers):
        headers.setdefault("HTTP_AUTHORIZATION", by or f"Token {sold['key_text']}")
        text = body if isinstance(body, str) else json.dumps(body)
        kind = "application/json; charset=UTF8" if long else "application/json"
        return client.post(path, text, content_type=kind, **headers)

    return send


@pytest.fixture
def short(monkeypatch):
    """Counts what was answered by the short way."""
    from api import door

    real, answered = door._answer, []

    def seen(*arguments):
        response = real(*arguments)
        if response is not None:
            answered.append(response)
        return response

    monkeypatch.setattr(door, "_answer", seen)
    return answered


OWN = {"X-Request-ID", "RateLimit", "RateLimit-Remaining", "RateLimit-Reset", "Content-Length", "Allow"}


def shape(response):
    body = response.json()
    told = {key: value for key, value in body.items() if key not in ("scan_id", "scanned_at", "ticket")}
    headers = {name: value for name, value in response.headers.items() if name not in OWN}
    headers["Vary"] = sorted(part.strip() for part in headers["Vary"].split(","))
    headers.pop("Content-Security-Policy")
    return response.status_code, told, sorted(body["ticket"] or ()), sorted(headers.items(), key=str)


def test_both_ways_give_one_answer(sold, scanner, short):
    good, other = sold["codes"][:2]

    def both(code, scan_id, **headers):
        one = scanner({"code": code, "scan_id": scan_id}, **headers)
        return one, scanner({"code": code, "scan_id": f"{scan_id}-long"}, long=True, **headers)

    first, longer = scanner({"code": good, "scan_id": "a"}), scanner({"code": other, "scan_id": "b"}, long=True)
    assert (first.status_code, first.json()["result"]) == (201, "admitted"), first.content
    assert shape(first) == shape(longer)
    again, longer = scanner({"code": good, "scan_id": "a"}), scanner({"code": good, "scan_id": "a"}, long=True)
    assert (again.status_code, again.json()["repeated"]) == (200, True)
    assert shape(again) == shape(longer)
    used, longer = both(good, "used")
    assert used.json()["reason"] == "already_used"
    assert shape(used) == shape(longer)
    unknown, longer = both("x", "unknown")
    assert unknown.json()["reason"] == "unknown"
    assert shape(unknown) == shape(longer)
    russian, longer = both("x", "russian", HTTP_ACCEPT_LANGUAGE="ru")
    assert russian["Content-Language"] == "ru"
    assert shape(russian) == shape(longer)
    assert russian.json()["message"] != unknown.json()["message"]
    assert len(short) == 5


def test_a_person_at_the_door_may_go_the_short_way_too(alpha, sold, scanner, short):
    answer = scanner({"code": sold["codes"][0], "scan_id": "a"}, by=f"Bearer {bearer(sold['person'])}")
    assert answer.json()["result"] == "admitted"
    assert len(short) == 1
    with in_tenant(alpha):
        assert CheckIn.objects.get().scanned_by == sold["person"].pk


def test_everything_that_reaches_the_database_for_a_scan_is_two_or_three_statements(sold, scanner, short):
    bearers = f"Bearer {bearer(sold['person'])}"
    stories = {
        "a key admits": (sold["codes"][0], "a", None),
        "a person admits": (sold["codes"][1], "b", bearers),
        "used already": (sold["codes"][0], "c", None),
        "repeated": (sold["codes"][0], "a", None),
        "unknown": ("x", "d", None),
    }
    with statements_through(connection) as sent:
        scanner({"code": "x", "scan_id": "warm"})
        scanner({"code": sold["codes"][2], "scan_id": "warm-2"}, by=bearers)
        scanner({"code": "x", "scan_id": "warm-3"}, long=True)
        counts = {}
        for story, (code, scan_id, by) in stories.items():
            before = len(sent)
            assert scanner({"code": code, "scan_id": scan_id}, by=by).status_code in (200, 201)
            counts[story] = len(sent) - before
        before = len(sent)
        scanner({"code": sold["codes"][3], "scan_id": "e"}, long=True)
        counts["the long way"] = len(sent) - before
    assert counts == {
        "a key admits": 2, "a person admits": 3, "used already": 2, "repeated": 3, "unknown": 2, "the long way": 3
    }, sent  # fmt: skip


def test_a_scan_for_people_outside_is_not_there_and_refused_by_the_long_way(alpha, beta, sold, scanner, short):
    stranger, good = f"Bearer {bearer(make_user())}", {"code": sold["codes"][0], "scan_id": "a"}
    assert scanner(good, by=stranger).status_code == 404
    assert scanner(good, by="Token foyer_0000000000_" + "a" * 43).status_code == 401
    assert scanner(good, by="Token nonsense").status_code == 401
    assert scanner(good, by="Bearer nonsense").status_code == 401
    assert scanner(good, by="Basic Zm9vOmJhcg==").status_code == 401
    assert scanner(good, HTTP_HOST=f"{beta.slug}.localhost").status_code == 401
    for number in (999999999, 10**17, 2**63, 10**18, 10**40):
        assert scanner(good, path=f"/api/v1/check-in-lists/{number}/scan/").status_code == 404
        assert scanner({}, path=f"/api/v1/check-in-lists/{number}/scan/").status_code == 404
    assert short == []
    with in_tenant(alpha):
        assert not CheckIn.objects.exists()


def test_a_right_that_is_taken_away_is_gone_with_the_next_scan(alpha, sold, scanner):
    def answers(number):
        by = f"Bearer {bearer(sold['person'])}"
        bodies = [{"code": "x", "scan_id": f"{number}-{who}"} for who in ("key", "person")]
        return scanner(bodies[0]).status_code, scanner(bodies[1], by=by).status_code

    assert answers(1) == (201, 201)
    with in_tenant(alpha):
        Membership.objects.filter(user_id=sold["person"].pk).delete()
    assert answers(2) == (404, 404)
    with in_tenant(alpha):
        grant(sold["event"], sold["person"], "check_in", actor=None)
    assert answers(3) == (404, 201)  # a key has what its maker's role gives
    with in_tenant(alpha):
        revoke(sold["event"], sold["person"], "check_in", actor=None)
        staff.add_member(sold["person"], staff.preset_role("door"), actor=None)
    assert answers(4) == (201, 201)
    with in_tenant(alpha):
        revoke_key(sold["key"], actor=None)
    assert answers(5) == (401, 201)


def test_a_suspended_tenant_admits_nobody_from_the_next_request_on(alpha, sold, scanner, short):
    from tenants.provisioning import resume, suspend

    assert scanner({"code": "x", "scan_id": "a"}).status_code == 201
    suspend(alpha)
    try:
        assert scanner({"code": sold["codes"][0], "scan_id": "b"}).status_code == 403
    finally:
        resume(alpha)
    assert len(short) == 1


def test_the_limit_counts_both_ways_together(sold, scanner):
    with override_settings(API_RATE_PER_MINUTE=150):
        first = scanner({"code": "x", "scan_id": "a"})
        second = scanner({"code": "x", "scan_id": "b"}, long=True)
        assert int(first["RateLimit-Remaining"]) - int(second["RateLimit-Remaining"]) == 1
        assert first["RateLimit-Limit"] == second["RateLimit-Limit"] == "150"
        for number in range(int(second["RateLimit-Remaining"])):
            assert scanner({"code": "x", "scan_id": f"c{number}"}).status_code == 201
        refused = scanner({"code": sold["codes"][0], "scan_id": "d"})
    assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
    assert int(refused["Retry-After"]) >= 1


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("", 400), ("{", 400), ("[]", 400), ('{"code": "x"}', 400), ('{"code": {}, "scan_id": "a"}', 400),
        ('{"code": "x", "code": "y", "scan_id": "a"}', 400), ('{"code": "\\u0000", "scan_id": "a"}', 400),
        ('{"code": "\\ud800", "scan_id": "a"}', 400), ('{"code": "x", "scan_id": "a", "direction": "up"}', 400),
        ('{"code": "x", "scan_id": "a", "scanned_at": "soon"}', 400),
        ('{"code": "x", "scan_id": "a", "decided": "maybe"}', 400),
        ('{"code": "x", "scan_id": "a", "scanned_at": "2026-01-01T10:00:00Z"}', 201),
        ('{"code": "", "scan_id": "a"}', 201), ('{"code": "я🎫", "scan_id": "a", "other": 1}', 201),
    ],
)  # fmt: skip
def test_whatever_is_sent_gets_an_answer_and_no_fault(sold, scanner, body, status):
    assert scanner(body).status_code == status
    assert scanner(body, long=True).status_code in (status, 200)


@pytest.mark.parametrize("megabytes", [1, 2, 10])
def test_a_code_of_megabytes_is_refused_before_it_is_read(alpha, sold, scanner, megabytes):
    answer = scanner({"code": "A" * (megabytes * 1024 * 1024), "scan_id": "a"})
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    with in_tenant(alpha):
        assert not CheckIn.objects.exists()


def test_without_the_cache_server_scans_go_the_long_way(sold, scanner, short, monkeypatch):
    from tenants import freshness

    monkeypatch.setattr(freshness, "client", lambda: None)
    assert scanner({"code": sold["codes"][0], "scan_id": "a"}).json()["result"] == "admitted"
    assert short == []


def test_the_right_read_beside_the_list_is_the_right_that_the_gate_tells(alpha, sold):
    """`holds` and `allowed` say the same of everybody, whatever role, grant and key they have."""
    with in_tenant(alpha):
        event, other = sold["event"], make_event()
        entrances = [sold["door"], services.create_check_in_list(other, name="Other", actor=None)]
        reader = Role.objects.create(name="Reader", permissions=["view_orders"])
        people = [make_user() for _ in range(5)]
        staff.add_member(people[0], staff.preset_role("owner"), actor=None)
        staff.add_member(people[1], staff.preset_role("door"), actor=None)
        staff.add_member(people[2], reader, actor=None)
        grant(event, people[2], "check_in", actor=None)
        grant(event, people[3], "check_in", actor=None)
        closed = make_user(is_active=False)
        staff.add_member(closed, staff.preset_role("door"), actor=None)
        actors, texts = [*people, closed], {}
        for maker, scopes, events in (
            (people[0], ["check_in"], None), (people[0], ["check_in"], [event]), (people[0], ["view_orders"], None),
            (people[1], ["check_in"], [other]), (people[1], ["check_in"], None),
        ):  # fmt: skip
            _key, text = make_key(name="k", scopes=scopes, events=events, actor=maker)
            actors.append(KeyActor(key_of(text)))
            texts[actors[-1].pk] = text
        Membership.objects.filter(user_id=people[1].pk).update(role=reader)  # its keys hold nothing any more
        told = []
        for actor in actors:
            for entrance in entrances:
                seen = doors.see(entrance.pk, None, actor=actor)
                assert (seen is not None) == allowed(actor, "check_in", entrance.event), (actor, entrance)
                told.append(seen is not None)
                if isinstance(actor, KeyActor):
                    _same, seen = doors.see_with_key(entrance.pk, None, texts[actor.pk])
                    assert (seen is not None) == told[-1]
        assert not holds(people[4], "check_in", frozenset(), event.pk, False)
    assert True in told and False in told
    assert whose_rights(actors[-1]) == people[1].pk
