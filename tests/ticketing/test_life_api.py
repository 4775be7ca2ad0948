"""What becomes of a ticket, over HTTP: who may, what they are answered, and what nobody learns (T4, T5)."""

import base64

import pytest

from tenant_apps.activity.models import AuditEntry
from tenant_apps.events.grants import grant
from tenant_apps.orders import passing_on
from tenant_apps.staff import services as staff
from tenant_apps.ticketing import codes
from tenant_apps.ticketing.models import CheckInList, EventKey, Handover, Ticket
from tenants.context import in_tenant
from tests.factories import make_event, make_paid_order, make_user, owner_of

GRACE = {"name": "Grace Hopper", "email": "grace@example.test"}


@pytest.fixture
def sold(alpha):
    """An order with two tickets of a buyer, and the event's door."""
    from tenant_apps.ticketing.services import create_quota, create_ticket_type

    buyer = make_user()
    with in_tenant(alpha):
        event = make_event()
        kind = create_ticket_type(event, actor=None, name="Standard", price_minor=0)
        create_quota(event, "Hall", 10, [kind])
        order = make_paid_order(kind, user=buyer, email=buyer.email, quantity=2)
        ticket, other = (line.ticket for line in order.lines.order_by("position"))
        return {
            "event": event, "order": order, "ticket": ticket, "other": other, "buyer": buyer,
            "door": CheckInList.objects.get(event=event).pk, "code": codes.code_text(ticket),
        }  # fmt: skip


@pytest.fixture
def gate(alpha, client_for):
    user = make_user()
    with in_tenant(alpha):
        staff.add_member(user, staff.preset_role("door"), actor=None)
    return client_for(alpha, user)


def at(ticket, act=""):
    return f"/api/v1/tickets/{getattr(ticket, 'pk', ticket)}/{act}"


def transfer(client, ticket, body=None, key="k-1", **headers):
    return client.post(at(ticket, "transfer/"), body or GRACE, headers={"Idempotency-Key": key, **headers})


def scan(client, door, code, scan_id):
    return client.post(f"/api/v1/check-in-lists/{door}/scan/", {"code": code, "scan_id": scan_id}).json()


def code_of(alpha, pk):
    with in_tenant(alpha):
        return codes.code_text(Ticket.objects.get(pk=pk))


def test_a_buyer_passes_a_ticket_on_and_never_sees_its_new_code(alpha, client_for, gate, sold):
    client = client_for(alpha, sold["buyer"])
    answer = transfer(client, sold["ticket"])
    assert answer.status_code == 201, answer.content
    shown = answer.json()
    assert shown["holder"] == {"name": "Grace Hopper", "email": "grace@example.test"}
    assert (shown["status"], shown["code"]) == ("active", None)
    new_code = code_of(alpha, shown["id"])
    order = client.get(f"/api/v1/orders/{sold['order'].code}/").json()
    for text in (answer.content.decode(), str(order), client.get(at(shown["id"])).content.decode()):
        assert new_code not in text
        assert new_code.removeprefix("FOYER1.")[8:40] not in text
    assert {each["id"]: bool(each["code"]) for each in order["tickets"]} == {
        shown["id"]: False, str(sold["other"].pk): True,
    }  # fmt: skip
    assert client.get(at(shown["id"], "qr.png")).json()["code"] == "ticket_passed_on"
    assert client.get(at(sold["ticket"])).json()["status"] == "transferred"
    assert scan(gate, sold["door"], sold["code"], "old")["reason"] == "transferred"
    assert scan(gate, sold["door"], new_code, "new")["result"] == "admitted"


def test_the_same_key_passes_it_on_once_and_is_answered_alike(alpha, client_for, sold):
    client = client_for(alpha, sold["buyer"])
    first, again = transfer(client, sold["ticket"]), transfer(client, sold["ticket"])
    assert (first.status_code, again.status_code, again["Idempotent-Replayed"]) == (201, 201, "true")
    assert first.json() == again.json()
    assert transfer(client, sold["ticket"], {**GRACE, "name": "Else"}).status_code == 422
    assert transfer(client, sold["ticket"], key="k-2").json()["code"] == "ticket_passed_on"
    keyless = client.post(at(sold["other"], "transfer/"), GRACE)
    assert keyless.json()["code"] == "idempotency_key_required"
    with in_tenant(alpha):
        assert Handover.objects.count() == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": "", "email": "g@example.test"}, "name"),
        ({"name": "G", "email": "no address"}, "email"),
        ({"name": "G" * 200, "email": "g@example.test"}, "name"),
        ({"name": ["G"], "email": {"a": 1}}, "name"),
        ({}, "name"),
        ({"name": "G\u0000", "email": "g@example.test"}, "name"),
    ],
)
def test_what_is_no_person_is_refused_by_field(alpha, client_for, sold, body, field):
    answer = transfer(client_for(alpha, sold["buyer"]), sold["ticket"], body or {"x": 1})
    assert answer.status_code == 400, answer.content
    assert field in {each["field"] for each in answer.json()["errors"]} or not answer.json()["errors"]
    with in_tenant(alpha):
        assert not Handover.objects.exists()


def test_a_new_holder_acts_by_the_tickets_own_secret_and_sees_nothing_of_the_order(alpha, client_for, sold):
    with in_tenant(alpha):
        new = passing_on.pass_on(sold["ticket"], **GRACE)
    guest = client_for(alpha)
    mine = {"secret": new.secret}
    shown = guest.get(at(new), mine).json()
    assert shown["code"].startswith("FOYER1.")
    assert shown["order"] is None
    assert guest.get(at(new, "qr.png"), mine).status_code == 200
    assert guest.get(f"/api/v1/orders/{sold['order'].code}/", mine).status_code == 404
    assert guest.get(at(sold["ticket"]), mine).status_code == 404
    assert guest.get(at(sold["other"]), mine).status_code == 404
    assert guest.get(at(new)).status_code == 404
    renamed = guest.patch(
        f"{at(new)}?secret={new.secret}", {"holder": {"name": "Rear Admiral"}}, content_type="application/json"
    )
    assert renamed.json()["holder"]["name"] == "Rear Admiral"
    again = transfer(guest, new, {"name": "Ada", "email": "ada@example.test"}, **{"X-Order-Secret": new.secret})
    assert (again.status_code, again.json()["code"]) == (201, None)
    assert guest.get(at(again.json()["id"]), mine).status_code == 404
    assert guest.get(at(new), mine).json()["status"] == "transferred"


def test_a_buyer_is_not_told_to_whom_a_ticket_went_from_there(alpha, client_for, page_for, sold):
    with in_tenant(alpha):
        second = passing_on.pass_on(sold["ticket"], **GRACE)
        third = passing_on.pass_on(second, name="Xenia Unknown", email="xenia@example.test")
        line = sold["order"].lines.get(ticket=third)
    client, order = client_for(alpha, sold["buyer"]), sold["order"]
    base = f"/orders/{order.code}/{order.secret}/"
    page = page_for(alpha)
    answers = [
        client.get(f"/api/v1/orders/{order.code}/"),
        client.get("/api/v1/orders/"),
        client.get("/api/v1/me/orders/"),
        client.get(at(third)),
        page.get(base),
        page.get(f"{base}lines/{line.pk}/"),
    ]
    for answer in answers:
        text = answer.content.decode()
        assert "Grace Hopper" in text or "me/orders" in answer.wsgi_request.path
        assert "enia" not in text
    desk = client_for(alpha, owner_of(alpha)).get(f"/api/v1/orders/{order.code}/").content.decode()
    assert "Xenia Unknown" in desk


def test_a_person_with_the_confirmed_address_holds_the_ticket_and_one_without_does_not(alpha, client_for, sold):
    with in_tenant(alpha):
        new = passing_on.pass_on(sold["ticket"], **GRACE)
    holder = make_user(GRACE["email"])
    assert client_for(alpha, holder).get(at(new)).json()["code"].startswith("FOYER1.")
    type(holder).objects.filter(pk=holder.pk).update(email_verified_at=None)
    assert client_for(alpha, type(holder).objects.get(pk=holder.pk)).get(at(new)).status_code == 404


def test_strangers_and_the_neighbour_find_nothing(alpha, beta, client_for, sold):
    for client in (client_for(alpha), client_for(alpha, make_user()), client_for(beta, sold["buyer"])):
        assert transfer(client, sold["ticket"]).status_code == 404
        assert client.post(at(sold["ticket"], "reissue/")).status_code == 404


def test_a_holder_gets_another_code_and_the_lost_one_is_refused(alpha, client_for, gate, sold):
    client = client_for(alpha, sold["buyer"])
    shown = client.post(at(sold["ticket"], "reissue/")).json()
    assert shown["code"] != sold["code"]
    assert scan(gate, sold["door"], sold["code"], "lost")["reason"] == "revoked"
    assert scan(gate, sold["door"], shown["code"], "new")["result"] == "admitted"
    assert client.post(at(sold["ticket"], "reissue/")).json()["code"] == "ticket_used"


def test_staff_withdraw_a_ticket_with_a_reason_and_make_it_good_again(alpha, client_for, gate, sold):
    owner = client_for(alpha, owner_of(alpha))
    assert owner.post(at(sold["ticket"], "revoke/"), {}).status_code == 400
    assert owner.post(at(sold["ticket"], "revoke/"), {"reason": "Sold twice"}).json()["status"] == "revoked"
    assert scan(gate, sold["door"], sold["code"], "1")["reason"] == "revoked"
    assert owner.post(at(sold["ticket"], "resend/")).json()["code"] == "wrong_state"
    assert owner.post(at(sold["ticket"], "reinstate/")).json()["status"] == "active"
    assert owner.post(at(sold["ticket"], "resend/")).status_code == 202
    assert scan(gate, sold["door"], sold["code"], "2")["result"] == "admitted"
    buyer = client_for(alpha, sold["buyer"])
    for act in ("revoke/", "reinstate/", "resend/"):
        assert buyer.post(at(sold["ticket"], act), {"reason": "Mine"}).status_code == 403
    assert gate.post(at(sold["ticket"], "revoke/"), {"reason": "Door"}).status_code == 404


def test_staff_of_the_event_see_through_whose_hands_a_ticket_went(alpha, client_for, gate, sold):
    with in_tenant(alpha):
        new = passing_on.pass_on(sold["ticket"], **GRACE)
    scan(gate, sold["door"], sold["code"], "1")
    clerk = make_user()
    with in_tenant(alpha):
        grant(sold["event"], clerk, "view_orders", actor=None)
    told = client_for(alpha, clerk).get(at(new, "history/")).json()
    assert [each["holder"]["name"] for each in told["holders"]] == ["", "Grace Hopper"]
    assert [each["status"] for each in told["holders"]] == ["transferred", "active"]
    assert [each["topic"] for each in told["acts"]] == ["ticket.transferred", "ticket.received"]
    assert [(each["result"], each["reason"]) for each in told["scans"]] == [("refused", "transferred")]
    assert "secret" not in str(told)
    assert client_for(alpha, sold["buyer"]).get(at(new, "history/")).status_code == 403


def test_an_events_keys_are_rotated_and_disowned_by_who_may_change_it(alpha, client_for, gate, sold):
    owner = client_for(alpha, owner_of(alpha))
    base = f"/api/v1/events/{sold['event'].slug}/keys/"
    first = owner.get(base).json()
    assert [(each["signs"], each["tickets"]) for each in first] == [(True, 2)]
    made = owner.post(base)
    assert (made.status_code, made.json()["signs"]) == (201, True)
    assert "private" not in made.content.decode()
    leaked = first[0]["key_id"]
    assert owner.post(f"{base}{leaked}/revoke/", {}).status_code == 400
    assert owner.post(f"{base}AAAAAAAA/revoke/", {"reason": "Leak"}).status_code == 404
    assert owner.post(f"{base}{leaked}/revoke/", {"reason": "Leak"}).json()["revoked_at"]
    assert owner.post(f"{base}{leaked}/revoke/", {"reason": "Leak"}).json()["code"] == "key_already_revoked"
    assert scan(gate, sold["door"], sold["code"], "1")["reason"] == "revoked"
    assert gate.get(base).status_code in (403, 404)
    told = gate.get(f"/api/v1/events/{sold['event'].slug}/revocations/").json()
    assert told["keys"] == [leaked]
    with in_tenant(alpha):
        assert EventKey.objects.count() == 2
        assert AuditEntry.objects.get(topic="event_key.revoked").details["tickets"] == 2


def test_a_scanner_asks_for_what_is_dead_since_it_last_asked(alpha, client_for, gate, sold):
    base = f"/api/v1/events/{sold['event'].slug}/revocations/"
    assert gate.get(base).json()["count"] == 0
    with in_tenant(alpha):
        passing_on.pass_on(sold["ticket"], **GRACE)
    told = gate.get(base).json()
    assert base64.urlsafe_b64decode(told["tokens"] + "==") == sold["ticket"].token.bytes
    assert gate.get(base, {"since": "2099-01-01T00:00:00Z"}).json()["tokens"] == ""
    for bad in ("yesterday", "", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2030-13-01"):
        assert gate.get(base, {"since": bad}).status_code in (200, 400), bad
    assert gate.get(base, {"until": "x"}).status_code == 400
    assert client_for(alpha).get(base).status_code == 401


def test_my_tickets_hold_no_code_of_a_ticket_that_was_passed_on(alpha, client_for, sold):
    from tenant_apps.activity.delivery import deliver_due

    client = client_for(alpha, sold["buyer"])
    with in_tenant(alpha):
        deliver_due()
    assert len(client.get("/api/v1/me/tickets/").json()["results"]) == 2
    with in_tenant(alpha):
        passing_on.pass_on(sold["ticket"], **GRACE)
    for _before_and_after_the_copy in range(2):
        shown = client.get("/api/v1/me/tickets/").json()["results"]
        assert [each["id"] for each in shown] == [str(sold["other"].pk)]
        with in_tenant(alpha):
            deliver_due()
