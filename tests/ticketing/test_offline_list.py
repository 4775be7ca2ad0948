"""The list that a scanner takes along, and what it sends when it is back."""

import base64
import json
from datetime import timedelta

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tenant_apps.activity.models import AuditEntry
from tenant_apps.ticketing import codes, offline
from tenant_apps.ticketing.models import CheckIn, CheckInList, OfflineScan, Ticket
from tenants.context import in_tenant
from tests.factories import make_event, make_paid_order, make_user, owner_of
from tests.ticketing.test_api import gate, scan, sold

__all__ = ["gate", "sold"]


def path(door, rest):
    return f"/api/v1/check-in-lists/{door}/{rest}"


def taken(client, door, query=""):
    """The list as a device takes it: its signature is good or the test ends."""
    answer = client.get(path(door, f"tickets/{query}"))
    assert answer.status_code == 200, answer.content
    key, signature = (part.split("=", 1)[1] for part in answer["Bundle-Signature"].split(", "))
    public = Ed25519PublicKey.from_public_bytes(base64.b64decode(key))
    public.verify(base64.b64decode(signature), b"FOYER-LIST-1\n" + answer.content)
    with pytest.raises(InvalidSignature):
        public.verify(base64.b64decode(signature), b"FOYER-LIST-1\n" + answer.content[:-1] + b" ")
    return {**answer.json(), "key": key}


def late(client, door, *scans):
    answer = client.post(path(door, "scans/"), {"scans": list(scans)})
    assert answer.status_code == 200, answer.content
    return answer.json()["results"]


def told(code, scan_id, result="admitted", reason="", **fields):
    offline = {"reason": reason, "device": "d1"}
    return {"code": code, "scan_id": scan_id, "decided": result, "offline": offline, **fields}


def test_the_list_knows_each_ticket_and_holds_nothing_that_makes_a_code(alpha, gate, sold):
    with in_tenant(alpha):
        Ticket.objects.update(holder_name="Ada King Lovelace", holder_email="ada@example.test")
        ticket = Ticket.objects.get()
        key = ticket.event.keys.get()
    held = taken(gate, sold["door"])
    (row,) = held["results"]
    assert row["digest"] == offline.digest_of(ticket.token) and row["holder"] == "Ada L." and row["status"] == "active"
    assert held["complete"] and held["next"] is None and held["keys"][0]["key_id"] == key.key_id
    assert base64.b64decode(held["keys"][0]["public_key"]) == bytes(key.public_key)
    said = json.dumps(held)
    for secret in ("Lovelace", "ada@", ticket.token.hex, str(ticket.token), ticket.short_code, sold["code"][10:40]):
        assert secret not in said


def test_only_what_changed_is_sent_to_a_device_that_was_here(alpha, gate, sold):
    with in_tenant(alpha):
        other = make_paid_order(sold["kind"]).lines.get().ticket
        hour_ago = timezone.now() - timedelta(hours=1)
        Ticket.objects.update(modified_at=hour_ago)
    first = taken(gate, sold["door"])
    assert len(first["results"]) == 2
    query = f"?modified_since={first['generated_at'].replace('+', '%2B')}"
    assert taken(gate, sold["door"], query)["results"] == []
    scan(gate, sold["door"], sold["code"], "a-1")
    (row,) = taken(gate, sold["door"], query)["results"]
    assert row["id"] == str(sold["ticket"].pk) and row["status"] == "used" and row["inside_since"]
    gate.post(path(sold["door"], "scans/a-1/undo/"))
    (row,) = taken(gate, sold["door"], query)["results"]
    assert row["status"] == "active" and row["inside_since"] is None
    with in_tenant(alpha):
        Ticket.objects.filter(pk=other.pk).update(status="revoked", modified_at=timezone.now())
    assert {row["status"] for row in taken(gate, sold["door"], query)["results"]} == {"active", "revoked"}
    assert first["generated_at"] < taken(gate, sold["door"], query)["generated_at"]


def test_the_list_knows_codes_and_keys_that_are_believed_no_more(alpha, gate, sold):
    from tenant_apps.ticketing import key_life, lifecycle

    first = taken(gate, sold["door"])
    with in_tenant(alpha):
        ticket, old = Ticket.objects.get(), Ticket.objects.get().token
        lifecycle.reissue(ticket, actor=owner_of(alpha))
        key = ticket.event.keys.get()
        key_life.revoke_key(ticket.event, key.key_id, reason="leaked", actor=owner_of(alpha))
    query = f"?modified_since={first['generated_at'].replace('+', '%2B')}"
    held = taken(gate, sold["door"], query)
    (row,) = held["results"]
    assert row["retired"] == [offline.digest_of(old)] and row["digest"] != row["retired"][0]
    assert {each["key_id"]: each["revoked"] for each in held["keys"]}[key.key_id] is True
    assert [each["revoked"] for each in held["keys"]].count(False) == 1


def test_a_long_list_comes_in_parts_and_each_ticket_once(alpha, gate, sold, monkeypatch):
    monkeypatch.setattr(offline, "PAGE", 2)
    with in_tenant(alpha):
        for _number in range(4):
            make_paid_order(sold["kind"])
    found, query = [], ""
    for _part in range(3):
        held = taken(gate, sold["door"], query)
        found += [row["id"] for row in held["results"]]
        query = "?" + held["next"].split("?")[1] if held["next"] else None
    assert query is None and len(found) == len(set(found)) == 5


def test_a_list_of_one_type_holds_that_type_only(alpha, gate, sold):
    from tenant_apps.ticketing.services import create_check_in_list, create_ticket_type

    with in_tenant(alpha):
        balcony = create_ticket_type(sold["event"], actor=None, name="Balcony")
        side = create_check_in_list(sold["event"], name="Side", ticket_types=[balcony], actor=None)
    held = taken(gate, side.pk)
    assert held["results"] == [] and [each["name"] for each in held["ticket_types"]] == ["Balcony"]


def test_the_list_takes_few_statements_however_long_it_is(alpha, gate, sold):
    def statements():
        with CaptureQueriesContext(
            connection,
        ) as captured:
            taken(gate, sold["door"])
        return len(captured)

    statements()  # what a process learns once
    few = statements()
    with in_tenant(alpha):
        make_paid_order(sold["kind"], quantity=5)
    assert statements() == few <= 7


def test_odd_parameters_are_refused_and_strangers_see_no_list(alpha, beta, client_for, gate, sold):
    for query in ("?after=nonsense", "?modified_since=tomorrow", "?modified_since=", "?nothing=1"):
        assert gate.get(path(sold["door"], f"tickets/{query}")).status_code == 400, query
    for rest in ("tickets/", "conflicts/"):
        assert client_for(alpha).get(path(sold["door"], rest)).status_code == 401
        assert client_for(alpha, make_user()).get(path(sold["door"], rest)).status_code == 404
        assert client_for(beta, owner_of(beta)).get(path(sold["door"], rest)).status_code == 404


def test_two_tenants_sign_with_keys_of_their_own(alpha, beta, client_for, sold):
    from tenant_apps.ticketing.services import ensure_door

    with in_tenant(beta):
        event = make_event()
        ensure_door(event)
        door = CheckInList.objects.get(event=event).pk
    ours, theirs = (
        taken(client_for(alpha, owner_of(alpha)), sold["door"]),
        taken(client_for(beta, owner_of(beta)), door),
    )
    assert ours["key"] != theirs["key"]


def test_two_devices_that_let_one_ticket_in_leave_one_admission_and_a_contradiction(alpha, gate, sold):
    first = late(gate, sold["door"], told(sold["code"], "d1-1", scanned_at="2026-01-01T10:00:00Z"))
    second = late(gate, sold["door"], told(sold["code"], "d2-1", scanned_at="2026-01-01T10:01:00Z"))
    assert (first[0]["result"], first[0]["contradiction"]) == ("admitted", "")
    assert (second[0]["result"], second[0]["reason"], second[0]["contradiction"]) == (
        "refused",
        "already_used",
        "let_in",
    )
    assert late(gate, sold["door"], told(sold["code"], "d2-1"))[0]["contradiction"] == "let_in", (
        "the same when sent again"
    )
    with in_tenant(alpha):
        assert (CheckIn.objects.count(), CheckIn.objects.standing().count(), OfflineScan.objects.count()) == (2, 1, 2)
    (row,) = gate.get(path(sold["door"], "conflicts/")).json()["results"]
    assert row["scan_id"] == "d2-1" and row["ticket"]["id"] == str(sold["ticket"].pk)
    assert row["told"]["result"] == "admitted" and row["decided"]["reason"] == "already_used" and row["seen_at"] is None
    for _try in range(2):
        seen = gate.post(path(sold["door"], "conflicts/d2-1/seen/"))
        assert seen.status_code == 200 and seen.json()["seen_at"]
    with in_tenant(alpha):
        assert AuditEntry.objects.filter(topic="check_in.conflict_seen").count() == 1
    assert gate.post(path(sold["door"], "conflicts/d1-1/seen/")).status_code == 404, "nothing is wrong with that one"


def test_what_a_device_refused_is_stored_and_admits_nobody(alpha, gate, sold):
    results = late(
        gate,
        sold["door"],
        told(sold["code"], "r-1", "refused", "unknown"),
        told("rubbish", "r-2", "refused", "unknown"),
        told(sold["code"], "r-3", "refused", "wrong_ticket_type"),
    )
    assert [each["result"] for each in results] == ["refused"] * 3
    assert [each["contradiction"] for each in results] == ["turned_away", "", ""], (
        "the first was good: its list was too old"
    )
    with in_tenant(alpha):
        assert not CheckIn.objects.admissions().exists()
        assert Ticket.objects.get(pk=sold["ticket"].pk).status == "active"
    assert scan(gate, sold["door"], sold["code"], "online").json()["result"] == "admitted"


def test_an_answer_that_the_device_never_heard_is_compared_with_what_it_told(alpha, gate, sold):
    scan(gate, sold["door"], sold["code"], "first")
    assert scan(gate, sold["door"], sold["code"], "lost").json()["reason"] == "already_used"
    (again,) = late(gate, sold["door"], told(sold["code"], "lost"))
    assert (again["repeated"], again["result"], again["contradiction"]) == (True, "refused", "let_in")


def test_a_ticket_that_ended_after_the_list_was_taken_is_a_contradiction(alpha, gate, sold):
    with in_tenant(alpha):
        Ticket.objects.filter(pk=sold["ticket"].pk).update(status="revoked", modified_at=timezone.now())
    (result,) = late(gate, sold["door"], told(sold["code"], "x-1"))
    assert (result["reason"], result["contradiction"]) == ("revoked", "let_in")


@pytest.mark.parametrize(
    "wrong",
    [
        {"decided": "perhaps"}, {"decided": 1}, {"offline": {"reason": "because"}}, {"offline": {"clock_ahead": 2**40}},
        {"offline": {"device": "x" * 99}}, {"offline": {"listed_at": "soon"}}, {"offline": "admitted"},
        {"offline": []}, {"offline": 5},
    ],
)  # fmt: skip
def test_what_a_device_never_says_is_refused(gate, sold, wrong):
    scans = [{"code": "x", "scan_id": "1", "decided": "admitted", **wrong}]
    answer = gate.post(path(sold["door"], "scans/"), {"scans": scans})
    assert answer.status_code == 400 and answer.json()["code"]


def test_the_desk_lists_contradictions_and_puts_them_away(alpha, beta, gate, page_for, sold):
    late(gate, sold["door"], told(sold["code"], "d1-1"), told(sold["code"], "d2-1"))
    desk = page_for(alpha, owner_of(alpha))
    assert "1 scan contradicts the server" in desk.get("/dashboard/").content.decode()
    shown = desk.get("/dashboard/scan-conflicts/").content.decode()
    assert "Let in, though the ticket does not admit" in shown and "This ticket was used already." in shown
    with in_tenant(alpha):
        pk = str(OfflineScan.objects.exclude(conflict="").get().pk)
    assert page_for(beta, owner_of(beta)).post("/dashboard/scan-conflicts/", {"scan": pk}).status_code == 404
    assert desk.post("/dashboard/scan-conflicts/", {"scan": "nonsense"}).status_code == 404
    assert desk.post("/dashboard/scan-conflicts/", {"scan": pk}).status_code == 302
    with in_tenant(alpha):
        assert OfflineScan.objects.get(pk=pk).seen_at is not None
    assert 'name="scan"' not in desk.get("/dashboard/scan-conflicts/").content.decode()


@pytest.mark.parametrize(
    ("name", "short"),
    [("Ada Lovelace", "Ada L."), ("Ada", "Ada"), ("", ""), ("  Ada   King  Lovelace ", "Ada L."), ("Ж" * 90, "Ж" * 40)],
)
def test_a_name_is_shortened_to_what_the_door_needs(name, short):
    assert offline.short_name(name) == short


def test_the_page_can_be_installed_and_its_parts_are_there(alpha, page_for, sold):
    import re

    page = page_for(alpha, owner_of(alpha))
    shown = page.get("/scan/")
    html = shown.content.decode()
    assert "<script>" not in html and "unsafe-inline" not in shown["Content-Security-Policy"]
    assert owner_of(alpha).email not in html, "a device keeps this page"
    anyone = page_for(alpha)
    told = anyone.get("/scan/manifest.webmanifest")
    assert told["Content-Type"] == "application/manifest+json"
    app = told.json()
    assert (app["scope"], app["start_url"], app["display"]) == ("/scan/", "/scan/", "standalone")
    worker = anyone.get("/scan/service-worker.js")
    assert worker["Content-Type"].startswith("text/javascript")
    files = re.search(r"FILES = \[(.*?)\]", worker.content.decode())[1].replace("\\u002D", "-")
    addresses = re.findall(r'"([^"]+)"', files) + [each["src"] for each in app["icons"]]
    assert len(addresses) > 20
    for address in addresses:
        assert anyone.get(address).status_code == 200, address


def test_the_codes_that_devices_read_are_the_codes_that_we_make(in_alpha):
    """static/scan/codes.js takes codes apart by these numbers."""
    assert (codes.PREFIX, codes.LENGTH) == ("FOYER1.", 143)
