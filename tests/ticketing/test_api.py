"""Doors and tickets through HTTP."""

import io

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from PIL import Image

from tenant_apps.events.grants import grant
from tenant_apps.staff import services as staff
from tenant_apps.ticketing import codes
from tenant_apps.ticketing.models import CheckInList
from tenants.context import in_tenant
from tests.factories import make_event, make_paid_order, make_user, owner_of


def scan(client, door, code, scan_id, **fields):
    return client.post(f"/api/v1/check-in-lists/{door}/scan/", {"code": code, "scan_id": scan_id, **fields})


@pytest.fixture
def sold(alpha):
    """An event on sale with one ticket of a buyer, and its door, as the services make them."""
    from tenant_apps.ticketing.services import create_quota, create_ticket_type

    buyer = make_user()
    with in_tenant(alpha):
        event = make_event()
        kind = create_ticket_type(event, actor=None, name="Standard")
        create_quota(event, "Hall", 10, [kind])
        order = make_paid_order(kind, user=buyer)
        ticket = order.lines.get().ticket
        door = CheckInList.objects.get(event=event)
        return {
            "event": event, "kind": kind, "order": order, "ticket": ticket, "buyer": buyer, "door": door.pk,
            "code": codes.code_text(ticket),
        }  # fmt: skip


@pytest.fixture
def gate(alpha, client_for, sold):
    user = make_user()
    with in_tenant(alpha):
        staff.add_member(user, staff.preset_role("door"), actor=None)
    return client_for(alpha, user)


def test_a_ticket_is_admitted_once_and_the_repeat_answers_as_first(gate, sold):
    first = scan(gate, sold["door"], sold["code"], "a-1")
    assert first.status_code == 201, first.content
    assert first.json()["result"] == "admitted"
    assert first.json()["ticket"]["id"] == str(sold["ticket"].pk)
    again = scan(gate, sold["door"], sold["code"], "a-1")
    assert (again.status_code, again.json()["result"]) == (200, "admitted")
    second = scan(gate, sold["door"], sold["code"], "a-2")
    assert second.status_code == 201
    assert (second.json()["result"], second.json()["reason"]) == ("refused", "already_used")
    undone = gate.post(f"/api/v1/check-in-lists/{sold['door']}/scans/a-1/undo/")
    assert undone.status_code == 200, undone.content
    assert undone.json()["undone_at"] is not None
    assert scan(gate, sold["door"], sold["code"], "a-1").json()["result"] == "admitted"
    assert scan(gate, sold["door"], sold["code"], "a-3").json()["result"] == "admitted"


def test_a_batch_of_offline_scans_is_answered_in_order(gate, sold):
    scans = [
        {"code": sold["code"], "scan_id": "b-1", "scanned_at": "2026-01-01T10:00:00Z", "direction": "in"},
        {"code": sold["code"], "scan_id": "b-2", "scanned_at": "2026-01-01T10:01:00Z", "direction": "out"},
        {"code": sold["code"], "scan_id": "b-3", "scanned_at": "2026-01-01T10:02:00Z", "direction": "in"},
        {"code": "rubbish", "scan_id": "b-4", "scanned_at": "2026-01-01T10:03:00Z", "direction": "in"},
        {"code": sold["code"], "scan_id": "b-5", "scanned_at": "2026-01-01T10:04:00Z", "direction": "in"},
    ]
    answer = gate.post(f"/api/v1/check-in-lists/{sold['door']}/scans/", {"scans": scans})
    assert answer.status_code == 200, answer.content
    results = [(one["result"], one.get("reason")) for one in answer.json()["results"]]
    assert results == [
        ("admitted", None), ("admitted", None), ("admitted", None), ("refused", "unknown"), ("refused", "already_used"),
    ]  # fmt: skip
    status = gate.get(f"/api/v1/check-in-lists/{sold['door']}/status/").json()
    assert (status["expected"], status["arrived"], status["inside"]) == (1, 1, 1)


def test_only_who_may_check_in_sees_a_list(alpha, beta, client_for, sold):
    path = f"/api/v1/check-in-lists/{sold['door']}/status/"
    assert client_for(alpha).get(path).status_code == 401
    assert client_for(alpha, make_user()).get(path).status_code == 404
    assert client_for(alpha, owner_of(beta)).get(path).status_code == 404
    assert client_for(alpha, owner_of(alpha)).get(path).status_code == 200
    assert client_for(beta, owner_of(beta)).get(path).status_code == 404


def test_a_grant_on_one_event_opens_that_door_only(alpha, client_for, sold):
    helper = make_user()
    with in_tenant(alpha):
        grant(sold["event"], helper, "check_in", actor=None)
        from tenant_apps.ticketing.services import create_check_in_list

        other = create_check_in_list(make_event(published=False), name="Other", actor=None)
    client = client_for(alpha, helper)
    assert scan(client, sold["door"], sold["code"], "g-1").json()["result"] == "admitted"
    assert scan(client, other.pk, sold["code"], "g-1").status_code == 404
    assert client.get(f"/api/v1/events/{other.event.slug}/check-in-lists/").status_code == 404
    listed = client.get(f"/api/v1/events/{sold['event'].slug}/check-in-lists/").json()
    assert [row["id"] for row in listed["results"]] == [sold["door"]]


def test_entrances_are_made_changed_and_deleted_until_they_were_used(alpha, gate, sold):
    path = f"/api/v1/events/{sold['event'].slug}/check-in-lists/"
    made = gate.post(path, {"name": "Balcony", "ticket_types": [sold["kind"].pk]})
    assert made.status_code == 201, made.content
    one = f"{path}{made.json()['id']}/"
    assert gate.patch(one, {"name": "Gallery"}).json()["name"] == "Gallery"
    foreign = gate.patch(one, {"ticket_types": [10**9]})
    assert foreign.status_code == 400
    assert foreign.json()["errors"][0]["code"] == "does_not_exist"
    assert gate.delete(one).status_code == 204
    scan(gate, sold["door"], sold["code"], "x")
    used = gate.delete(f"{path}{sold['door']}/")
    assert (used.status_code, used.json()["code"]) == (409, "check_in_list_used")


@pytest.mark.parametrize(
    "body",
    [
        {}, {"code": "x"}, {"scan_id": "x"}, {"code": "x", "scan_id": ""}, {"code": "x", "scan_id": "a b"},
        {"code": "x", "scan_id": "a", "direction": "up"}, {"code": "x", "scan_id": "a", "scanned_at": "soon"},
        {"code": ["x"], "scan_id": "a"}, {"code": "x" * 5000, "scan_id": "a"}, [], "text", 7,
    ],
)  # fmt: skip
def test_a_scan_that_is_none_is_refused_as_invalid(gate, sold, body):
    answer = gate.post(f"/api/v1/check-in-lists/{sold['door']}/scan/", body)
    assert answer.status_code == 400, answer.content
    assert answer["Content-Type"].startswith("application/problem+json")


def test_a_scan_over_http_costs_few_statements(gate, sold):
    scan(gate, sold["door"], "FOYER1.", "warm")
    with CaptureQueriesContext(connection) as queries:
        assert scan(gate, sold["door"], sold["code"], "q").json()["result"] == "admitted"
    sent = [
        q["sql"] for q in queries if not q["sql"].startswith(("SAVEPOINT", "RELEASE", "SET search_path", "PREPARE"))
    ]
    assert len(sent) <= 3, "\n".join(sent)  # who it is; all that is to be known; the answer


def test_a_ticket_is_shown_to_its_holder_and_to_nobody_else(alpha, beta, client_for, sold):
    path = f"/api/v1/tickets/{sold['ticket'].pk}/"
    order = sold["order"]
    shown = client_for(alpha, sold["buyer"]).get(path)
    assert shown.status_code == 200, shown.content
    assert shown["Cache-Control"] == "no-store"
    assert shown.json()["code"] == sold["code"]
    assert shown.json()["order"] == order.code
    assert client_for(alpha).get(f"{path}?secret={order.secret}").status_code == 200
    assert client_for(alpha).get(path, HTTP_X_ORDER_SECRET=order.secret).status_code == 200
    assert client_for(alpha, owner_of(alpha)).get(path).status_code == 200
    for client in (client_for(alpha), client_for(alpha, make_user()), client_for(alpha, owner_of(beta))):
        assert client.get(path).status_code == 404
        assert client.get(f"{path}?secret=wrong").status_code == 404
        assert client.get(f"{path}qr.png").status_code == 404
    assert client_for(beta, sold["buyer"]).get(path).status_code == 404
    assert client_for(beta).get(f"{path}?secret={order.secret}").status_code == 404


def test_the_qr_code_is_a_picture_that_no_cache_keeps(alpha, client_for, sold):
    from tenant_apps.ticketing import qr

    answer = client_for(alpha).get(f"/api/v1/tickets/{sold['ticket'].pk}/qr.png?secret={sold['order'].secret}")
    assert answer.status_code == 200
    assert answer["Content-Type"] == "image/png"
    assert answer["Cache-Control"] == "no-store"
    assert Image.open(io.BytesIO(answer.content)).size == (490, 490)
    assert answer.content == qr.png(sold["code"])


def test_another_orders_secret_opens_no_ticket(alpha, client_for, sold):
    with in_tenant(alpha):
        other = make_paid_order(sold["kind"])
    assert client_for(alpha).get(f"/api/v1/tickets/{sold['ticket'].pk}/?secret={other.secret}").status_code == 404


def test_a_cancelled_order_is_refused_at_the_door_from_then_on(alpha, gate, sold):
    from tenant_apps.orders.lifecycle import advance

    with in_tenant(alpha):
        advance(sold["order"], "cancelled")
    assert scan(gate, sold["door"], sold["code"], "c").json()["reason"] == "cancelled"
