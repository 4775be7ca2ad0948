"""Entrances, zones, looking up, checking in by hand and the history, through HTTP."""

import csv
import io
import json

import pytest
from django.utils import timezone

from tenant_apps.events.grants import grant
from tenant_apps.staff import services as staff
from tenant_apps.ticketing import codes, entrances, streams
from tenant_apps.ticketing.models import CheckInList, Ticket
from tenants.context import in_tenant
from tests.factories import make_event, make_paid_order, make_ticket_type, make_user, owner_of


@pytest.fixture
def sold(alpha):
    """An event with two tickets of known holders and the door that came with it."""
    with in_tenant(alpha):
        kind = make_ticket_type(make_event(), price_minor=0, name="Standard")
        entrances.ensure_door(kind.event)
        tickets = [make_paid_order(kind).lines.get().ticket for _each in range(2)]
        for ticket, name in zip(tickets, ("Ada Lovelace", "=cmd|Bob"), strict=True):
            Ticket.objects.filter(pk=ticket.pk).update(holder_name=name)
        door = CheckInList.objects.get(event=kind.event)
        texts = [codes.code_text(ticket) for ticket in tickets]
        return {"event": kind.event, "kind": kind, "tickets": tickets, "codes": texts, "door": door.pk}


@pytest.fixture
def dora(alpha, sold):
    user = make_user("door@example.test", name="Dora Door")
    with in_tenant(alpha):
        staff.add_member(user, staff.preset_role("door"), actor=None)
    return user


@pytest.fixture
def gate(alpha, client_for, dora):
    return client_for(alpha, dora)


@pytest.fixture
def desk(alpha, page_for, dora):
    """The same person at the pages."""
    return page_for(alpha, dora)


def scan(client, sold, number, scan_id, **fields):
    body = {"code": sold["codes"][number], "scan_id": scan_id, **fields}
    return client.post(f"/api/v1/check-in-lists/{sold['door']}/scan/", body)


def test_a_list_has_its_rules_and_leads_into_a_zone(alpha, gate, sold):
    base = f"/api/v1/events/{sold['event'].slug}/"
    zone = gate.post(f"{base}check-in-zones/", {"name": "Hall", "capacity": 1})
    assert zone.status_code == 201, zone.content
    assert {name: zone.json()[name] for name in ("name", "capacity", "inside", "free", "lists")} == {
        "name": "Hall", "capacity": 1, "inside": 0, "free": 1, "lists": [],
    }  # fmt: skip
    with in_tenant(alpha):
        day = entrances.days_of(sold["event"])[0].isoformat()
    rules = {"zone": zone.json()["id"], "gate": "North", "day": day, "day_starts": 5, "entries": "once_per_day"}
    times = {"opens_at": f"{day}T10:00", "closes_at": f"{day}T23:30", "directions": "in"}
    made = gate.post(f"{base}check-in-lists/", {"name": "Balcony", **rules, **times})
    assert made.status_code == 201, made.content
    assert {name: made.json()[name] for name in rules} == rules
    assert made.json()["opens_at"].startswith(day)
    changed = gate.patch(f"{base}check-in-lists/{made.json()['id']}/", {"day": None, "zone": None, "opens_at": None})
    assert [changed.json()[name] for name in ("day", "zone", "opens_at", "gate")] == [None, None, None, "North"]
    for bad, field in [({"zone": 10**9}, "zone"), ({"day": "1999-01-01"}, "day"), ({"entries": "x"}, "entries")]:
        refused = gate.patch(f"{base}check-in-lists/{made.json()['id']}/", bad)
        assert refused.status_code == 400, refused.content
        assert [each["field"] for each in refused.json()["errors"]] == [field]
    one = f"{base}check-in-zones/{zone.json()['id']}/"
    assert gate.patch(one, {"capacity": 9}).json()["capacity"] == 9
    assert gate.put(one, {"name": "Yard"}).json()["capacity"] is None
    assert gate.delete(one).status_code == 204
    assert gate.get(one).status_code == 404


def test_a_full_zone_refuses_over_http_and_is_emptied(alpha, gate, sold):
    base = f"/api/v1/events/{sold['event'].slug}/"
    zone = gate.post(f"{base}check-in-zones/", {"name": "Hall", "capacity": 1}).json()["id"]
    assert gate.patch(f"{base}check-in-lists/{sold['door']}/", {"zone": zone}).status_code == 200
    assert scan(gate, sold, 0, "a").json()["result"] == "admitted"
    full = scan(gate, sold, 1, "b").json()
    assert (full["result"], full["reason"]) == ("refused", "zone_full")
    status = gate.get(f"/api/v1/check-in-lists/{sold['door']}/status/").json()
    assert status["zone"] == {"id": zone, "name": "Hall", "capacity": 1, "inside": 1}
    assert (status["expected"], status["arrived"], status["inside"], status["refused"]) == (2, 1, 1, 1)
    assert len(status["minutes"]) == 60
    smaller = gate.patch(f"{base}check-in-zones/{zone}/", {"capacity": 0})
    assert (smaller.status_code, smaller.json()["code"]) == (409, "zone_fuller")
    used = gate.delete(f"{base}check-in-zones/{zone}/")
    assert (used.status_code, used.json()["code"]) == (409, "zone_in_use")
    emptied = gate.post(f"{base}check-in-zones/{zone}/empty/").json()
    assert (emptied["gone"], emptied["inside"]) == (1, 0)
    assert scan(gate, sold, 1, "c").json()["result"] == "admitted"


def test_somebody_is_found_and_checked_in_by_hand(gate, sold):
    at = f"/api/v1/check-in-lists/{sold['door']}/"
    (found,) = gate.get(f"{at}search/?search=lovel").json()["results"]
    assert found["id"] == str(sold["tickets"][0].pk)
    assert (found["accepted"], found["standing_since"]) == (True, None)
    assert gate.get(f"{at}search/?search=").json()["results"] == []
    assert gate.get(f"{at}search/?search=%25").json()["results"] == []
    assert gate.post(f"{at}by-hand/", {"ticket": found["id"]}).status_code == 400
    body = {"ticket": found["id"], "reason": "Phone is dead", "scan_id": "h"}
    done = gate.post(f"{at}by-hand/", body)
    assert (done.status_code, done.json()["result"]) == (201, "admitted")
    assert gate.post(f"{at}by-hand/", body).status_code == 200
    again = gate.post(f"{at}by-hand/", {**body, "scan_id": "h2"}).json()
    assert again["reason"] == "already_used"


def test_the_history_is_filtered_and_pages_by_cursor(gate, sold):
    scan(gate, sold, 0, "one")
    scan(gate, sold, 0, "two")
    at = f"/api/v1/check-in-lists/{sold['door']}/check-ins/"
    page = gate.get(f"{at}?page_size=1").json()
    assert [row["scan_id"] for row in page["results"]] == ["two"]
    assert page["results"][0]["by"] == "Dora Door"
    assert [row["scan_id"] for row in gate.get(page["next"]).json()["results"]] == ["one"]
    refused = gate.get(f"{at}?outcome=refused&reason=already_used&search=ada").json()["results"]
    assert [row["scan_id"] for row in refused] == ["two"]
    assert gate.get(f"{at}?search=nobody").json()["results"] == []
    for bad in ("outcome=x", "reason=x", "direction=up", "from=yesterday", "colour=red"):
        assert gate.get(f"{at}?{bad}").status_code == 400, bad


def test_the_file_of_the_history_holds_what_the_page_shows_and_opens_safely(gate, desk, sold):
    scan(gate, sold, 1, "=1+1")
    gate.post(f"/api/v1/check-in-lists/{sold['door']}/scan/", {"code": "rubbish", "scan_id": "r"})
    page = f"/dashboard/events/{sold['event'].slug}/check-in/history"
    rows = list(csv.DictReader(io.StringIO(b"".join(desk.get(f"{page}.csv").streaming_content).decode())))
    assert [(row["scan_id"], row["result"], row["holder"]) for row in rows] == [
        ("r", "refused", ""), ("'=1+1", "admitted", "'=cmd|Bob"),
    ]  # fmt: skip
    only = list(
        csv.DictReader(io.StringIO(b"".join(desk.get(f"{page}.csv?outcome=refused").streaming_content).decode()))
    )
    assert [row["reason"] for row in only] == ["unknown"]
    text = desk.get(f"{page}/?outcome=admitted").content.decode()
    assert "=cmd|Bob" in text
    assert "Unknown code" not in text


def test_another_events_holder_is_neither_shown_nor_found_in_the_history(alpha, gate, sold):
    with in_tenant(alpha):
        other = make_paid_order(make_ticket_type(make_event(), price_minor=0)).lines.get().ticket
        Ticket.objects.filter(pk=other.pk).update(holder_name="Grace Hopper")
        code = codes.code_text(other)
    gate.post(f"/api/v1/check-in-lists/{sold['door']}/scan/", {"code": code, "scan_id": "w"})
    at = f"/api/v1/check-in-lists/{sold['door']}/check-ins/"
    (row,) = gate.get(at).json()["results"]
    assert (row["reason"], row["ticket"]) == ("wrong_event", None)
    assert gate.get(f"{at}?search=grace").json()["results"] == []
    assert gate.get(f"/api/v1/check-in-lists/{sold['door']}/search/?search=grace").json()["results"] == []


def test_an_admission_is_taken_back_from_the_history(gate, desk, sold):
    scan(gate, sold, 0, "one")
    page = f"/dashboard/events/{sold['event'].slug}/check-in/"
    back = desk.post(f"{page}{sold['door']}/undo/", {"scan_id": "one", "next": f"{page}history/?outcome=undone"})
    assert (back.status_code, back["Location"]) == (302, f"{page}history/?outcome=undone")
    assert "taken back by Dora Door" in desk.get(back["Location"]).content.decode()
    away = desk.post(f"{page}{sold['door']}/undo/", {"scan_id": "one", "next": "//evil.example/"})
    assert away["Location"] == f"{page}{sold['door']}/board/"


# --- Streams -------------------------------------------------------------------------------------------------------


def stream_of(sold):
    return f"/dashboard/events/{sold['event'].slug}/check-in/{sold['door']}/board/stream/"


def events_in(body):
    return [part for part in body.decode().split("\n\n") if "event: board" in part]


def test_a_stream_tells_the_numbers_at_once_and_again_when_somebody_comes(alpha, desk, sold, settings):
    settings.LIVE_STREAM_SECONDS = 5
    answer = desk.get(stream_of(sold))
    assert answer["Content-Type"].startswith("text/event-stream")
    assert (answer["Cache-Control"], answer["X-Accel-Buffering"]) == ("no-store", "no")
    parts = iter(answer.streaming_content)
    first = next(parts)
    assert first.startswith(b"retry: ")
    assert b'data-number="arrived">0<' in first
    with in_tenant(alpha):
        from tenant_apps.ticketing import scanning

        door = CheckInList.objects.select_related("event").get(pk=sold["door"])
        scanning.scan(door, sold["codes"][0], "s", by=None)
    rest = b"".join(parts)
    assert b'data-number="arrived">1<' in rest
    assert b"Ada Lovelace" in rest
    assert b": still here" in rest


def test_a_process_has_as_many_streams_as_it_may_and_gives_each_place_back(alpha, desk, sold, settings):
    settings.LIVE_STREAMS = 2
    first, second = desk.get(stream_of(sold)), desk.get(stream_of(sold))
    assert desk.get(stream_of(sold)).status_code == 204
    b"".join(first.streaming_content)
    third = desk.get(stream_of(sold))
    assert third.status_code == 200
    for response in (second, third):  # of the one all was read, of the other nothing
        for close in response._resource_closers:
            close()
    assert streams._places._taken == 0
    settings.LIVE_STREAMS = 0
    assert desk.get(stream_of(sold)).status_code == 204


def test_each_part_of_a_stream_is_made_in_its_own_tenant(alpha, beta, sold):
    from django.db import connection

    seen = []
    with in_tenant(alpha):
        body = streams.Stream(
            "board", lambda: (connection.schema_name, lambda: str(seen.append(connection.schema_name)))
        )
    streams._places._taken += 1
    with in_tenant(beta):
        next(body)
        assert connection.schema_name == beta.schema_name
    assert seen == [alpha.schema_name]
    body.close()


def test_only_who_may_check_in_there_sees_a_board_or_its_stream(alpha, beta, page_for, sold):
    helper = make_user()
    with in_tenant(alpha):
        grant(make_event(), helper, "check_in", actor=None)
    for path in (stream_of(sold), stream_of(sold).replace("stream/", "now/")):
        assert page_for(alpha, helper).get(path).status_code == 404
        assert page_for(alpha, make_user()).get(path).status_code == 403
        assert page_for(beta, owner_of(beta)).get(path).status_code == 404
        assert page_for(alpha).get(path).status_code == 302


def test_numbers_that_were_kept_are_a_second_old_at_most(alpha, gate, sold):
    status = f"/api/v1/check-in-lists/{sold['door']}/status/"
    assert gate.get(status).json()["arrived"] == 0
    begun = timezone.now()
    scan(gate, sold, 0, "one")
    while gate.get(status).json()["arrived"] != 1:
        assert (timezone.now() - begun).total_seconds() < 2
    assert json.loads(gate.get(status).content)["per_minute"] == 1
