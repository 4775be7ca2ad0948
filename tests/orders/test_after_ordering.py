"""What happens to an order after it was placed: names on tickets, notes, saved addresses."""

from datetime import timedelta

import pytest
from django.utils import timezone

from tenant_apps.activity.models import AuditEntry
from tenant_apps.ticketing.models import Ticket
from tenants.context import in_tenant
from tests.factories import make_event, make_order, make_paid_order, make_ticket_type, make_user, owner_of

API = "/api/v1/orders"
ADDRESS = {"name": "Ada Lovelace", "city": "London", "street": "Baker Street", "house": "221b", "country": "GB"}


def change(client, order, line, secret=True, **attendee):
    query = f"?secret={order.secret}" if secret else ""
    return client.patch(f"{API}/{order.code}/lines/{line}/{query}", {"attendee": attendee}, format="json")


def test_the_tickets_holder_follows_the_attendee_and_its_code_stays(alpha, client_for):
    with in_tenant(alpha):
        order = make_paid_order(make_ticket_type(), quantity=2, email="buyer@example.test")
        line = order.lines.order_by("position").first()
        token = line.ticket.token
    shown = change(client_for(alpha), order, line.pk, name=" Grace  Hopper ", email="grace@example.test").json()
    assert shown["lines"][0]["attendee"] == {"name": "Grace Hopper", "email": "grace@example.test"}
    assert shown["tickets"][0]["holder"] == {"name": "Grace Hopper", "email": "grace@example.test"}
    with in_tenant(alpha):
        assert Ticket.objects.get(pk=line.ticket_id).token == token
        details = AuditEntry.objects.get(topic="order.attendee_changed").details
        assert (details["before"]["attendee_name"], details["after"]["attendee_name"]) == ("", "Grace Hopper")
    # Only the name is given: the address stays. Emptied, the buyer holds it again.
    assert change(client_for(alpha), order, line.pk, name="G").json()["lines"][0]["attendee"]["email"]
    shown = change(client_for(alpha), order, line.pk, name="", email="").json()
    assert shown["tickets"][0]["holder"]["email"] == "buyer@example.test"


def test_who_pays_later_gets_the_ticket_in_the_new_name(alpha, client_for):
    from tenant_apps.payments.services import mark_paid

    with in_tenant(alpha):
        order = make_order(make_ticket_type())
        line = order.lines.get()
    assert change(client_for(alpha), order, line.pk, name="Grace").status_code == 200
    with in_tenant(alpha):
        mark_paid(order)
        assert Ticket.objects.get(order_line=line).holder_name == "Grace"


@pytest.mark.parametrize(
    ("of_type", "of_event", "code"),
    [
        ({"transfer_allowed": False}, {}, "attendee_fixed"),
        ({"transfer_until": timezone.now() - timedelta(minutes=1)}, {}, "attendee_fixed"),
        ({}, {"starts_at": timezone.now() - timedelta(hours=1)}, "attendee_fixed"),
    ],
)
def test_after_the_deadline_only_staff_change_the_name(alpha, client_for, of_type, of_event, code):
    with in_tenant(alpha):
        event = make_event()
        order = make_paid_order(make_ticket_type(event, **of_type))
        line = order.lines.get()
        type(event).objects.filter(pk=event.pk).update(modified_at=timezone.now(), **of_event)
    refused = change(client_for(alpha), order, line.pk, name="Grace")
    assert (refused.status_code, refused.json()["code"]) == (409, code)
    assert change(client_for(alpha, owner_of(alpha)), order, line.pk, secret=False, name="Grace").status_code == 200


def test_a_cancelled_line_and_a_foreign_one_keep_their_names(alpha, client_for):
    from tenant_apps.payments.line_refunds import cancel_lines

    with in_tenant(alpha):
        order, other = make_paid_order(make_ticket_type(), quantity=2), make_paid_order()
        line = order.lines.order_by("position").first()
        cancel_lines(order, [line.pk])
    refused = change(client_for(alpha), order, line.pk, name="Grace")
    assert (refused.status_code, refused.json()["code"]) == (409, "wrong_state")
    assert change(client_for(alpha), order, other.lines.model().pk, name="Grace").status_code == 404
    assert change(client_for(alpha), order, line.pk, name="a\nb").status_code == 400
    assert change(client_for(alpha), order, line.pk, email="nobody").status_code == 400


def test_payments_of_whole_orders_are_not_listed_for_who_has_a_right_on_one_event(alpha, client_for):
    from tenant_apps.events.grants import grant

    helper = make_user()
    with in_tenant(alpha):
        order = make_paid_order()
        event = order.lines.get().event
        grant(event, helper, "view_orders", actor=owner_of(alpha))
    for path in (f"{API}/{order.code}/", f"/api/v1/events/{event.slug}/orders/"):
        found = client_for(alpha, helper).get(path).json()
        assert found.get("results", [found])[0]["payments"] == []
        found = client_for(alpha, owner_of(alpha)).get(path).json()
        assert len(found.get("results", [found])[0]["payments"]) == 1


def test_staff_write_notes_that_the_buyer_never_sees(alpha, client_for):
    with in_tenant(alpha):
        order = make_paid_order()
    staff = client_for(alpha, owner_of(alpha))
    made = staff.post(f"{API}/{order.code}/notes/", {"text": " Comes by wheelchair. "})
    assert (made.status_code, made.json()["text"], made.json()["author"]) == (
        201,
        "Comes by wheelchair.",
        str(owner_of(alpha)),
    )
    assert [note["text"] for note in staff.get(f"{API}/{order.code}/notes/").json()] == ["Comes by wheelchair."]
    assert client_for(alpha).get(f"{API}/{order.code}/notes/?secret={order.secret}").status_code == 401
    assert client_for(alpha, make_user()).get(f"{API}/{order.code}/notes/?secret={order.secret}").status_code == 403
    shown = client_for(alpha).get(f"{API}/{order.code}/?secret={order.secret}").content.decode()
    assert "wheelchair" not in shown
    assert staff.post(f"{API}/{order.code}/notes/", {"text": "  "}).status_code == 400
    assert staff.delete(f"{API}/{order.code}/notes/{made.json()['id']}/").status_code == 204
    assert staff.delete(f"{API}/{order.code}/notes/{made.json()['id']}/").status_code == 404


def test_a_person_keeps_five_addresses_and_sees_nobody_elses(alpha, client_for):
    ada, other = client_for(alpha, make_user()), client_for(alpha, make_user())
    made = [ada.post("/api/v1/addresses/", {**ADDRESS, "house": str(number)}) for number in range(6)]
    assert [answer.status_code for answer in made] == [201] * 5 + [409]
    assert made[5].json()["code"] == "too_many_addresses"
    # The very same again is no other address.
    assert ada.post("/api/v1/addresses/", {**ADDRESS, "house": "0"}).json()["id"] == made[0].json()["id"]
    first = f"/api/v1/addresses/{made[0].json()['id']}/"
    assert other.get(first).status_code == other.delete(first).status_code == other.patch(first, {}).status_code == 404
    assert ada.patch(first, {"city": "Paris"}).json()["city"] == "Paris"
    assert ada.put(first, {"name": "A", "city": "B", "street": "C"}).json()["house"] == ""
    assert ada.get("/api/v1/addresses/").json()["count"] == 5
    assert ada.delete(first).status_code == 204
    assert ada.post("/api/v1/addresses/", ADDRESS).status_code == 201
    assert client_for(alpha).get("/api/v1/addresses/").status_code == 401


def test_an_address_that_cannot_be_is_refused_by_field(alpha, client_for):
    ada = client_for(alpha, make_user())
    refused = ada.post("/api/v1/addresses/", {"name": "A\x07", "city": "", "street": "s" * 151})
    assert refused.status_code == 400
    assert {error["field"] for error in refused.json()["errors"]} == {"name", "city", "street"}
