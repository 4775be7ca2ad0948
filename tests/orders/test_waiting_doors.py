"""Waiting lists through the API, the pages and the letters."""

import json
from typing import Any

import pytest
from django.core import mail
from django.utils import timezone

from tenant_apps.activity.delivery import deliver_due
from tenant_apps.orders import services, waiting, waiting_watch
from tenant_apps.orders.models import Order, WaitingEntry
from tenants.context import in_tenant
from tenants.models import Tenant
from tests.factories import make_event, make_paid_order, make_ticket_type, make_user, owner_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def sold_out(alpha: Tenant) -> Any:
    """A type of two places, both sold."""
    with in_tenant(alpha):
        kind = make_ticket_type(make_event("Gala", slug="gala"), capacity=2)
        kind.orders = [make_paid_order(kind) for _ in range(2)]
        deliver_due()
        mail.outbox.clear()
        return kind


def ask(client: Any, kind: Any, **fields: Any) -> Any:
    wish = {"ticket_type": kind.pk, "quantity": 1, "email": "ada@example.test", **fields}
    return client.post("/api/v1/events/gala/waiting-list/", wish, format="json")


def only_entry(tenant: Tenant) -> WaitingEntry:
    with in_tenant(tenant):
        return WaitingEntry.objects.select_related("ticket_type", "order").get()


def free_a_place(tenant: Tenant, kind: Any, number: int = 0) -> None:
    with in_tenant(tenant):
        services.cancel(kind.orders[number], by_staff=True)


def test_a_person_joins_is_offered_a_place_by_mail_and_orders_it(alpha: Tenant, client_for: Any, sold_out: Any) -> None:
    guest = client_for(alpha)
    answer = ask(guest, sold_out)
    assert (answer.status_code, answer.json()["status"], answer.json()["token"]) == (202, "accepted", None)
    with in_tenant(alpha):
        deliver_due()
    entry = only_entry(alpha)
    assert mail.outbox[0].to == ["ada@example.test"]
    assert f"/waiting-list/{entry.secret}/" in mail.outbox[0].body
    assert guest.get(f"/api/v1/waiting-list/{entry.secret}/").json()["ahead"] == 0
    mail.outbox.clear()
    free_a_place(alpha, sold_out)
    with in_tenant(alpha):
        deliver_due()
        deliver_due()
    [letter] = [each for each in mail.outbox if each.to == ["ada@example.test"]]
    assert f"/waiting-list/{entry.secret}/" in letter.body
    shown = guest.get(f"/api/v1/waiting-list/{entry.secret}/").json()
    assert (shown["status"], shown["quantity"], shown["ahead"]) == ("offered", 1, None)
    path, body = f"/api/v1/waiting-list/{entry.secret}/order/", {"name": "Ada", "provider": "manual"}
    first = guest.post(path, body, format="json", headers={"Idempotency-Key": "one"})
    again = guest.post(path, body, format="json", headers={"Idempotency-Key": "one"})
    other = guest.post(path, body, format="json", headers={"Idempotency-Key": "two"})
    assert (first.status_code, first.json()["email"], first.json()["total"]) == (201, "ada@example.test", "12.00")
    assert again.json() == first.json()
    assert (other.status_code, other.json()["code"]) == (409, "offer_over")
    assert guest.get(f"/api/v1/waiting-list/{entry.secret}/").json()["order"] == first.json()["code"]


def test_who_joins_twice_hears_the_same_and_is_on_the_list_once(alpha: Tenant, client_for: Any, sold_out: Any) -> None:
    guest = client_for(alpha)
    first, second = ask(guest, sold_out), ask(guest, sold_out, email="ADA@example.test", quantity=2)
    assert (first.status_code, second.status_code) == (202, 202)
    assert first.json().keys() == second.json().keys()
    entry = only_entry(alpha)
    assert (entry.quantity, entry.email) == (1, "ada@example.test")
    with in_tenant(alpha):
        deliver_due()
    assert len(mail.outbox) == 1


def test_only_who_is_signed_in_with_the_address_is_given_the_token(
    alpha: Tenant, client_for: Any, sold_out: Any
) -> None:
    ada, bob = make_user("ada@example.test"), make_user("bob@example.test")
    assert ask(client_for(alpha, bob), sold_out).json()["token"] is None
    assert ask(client_for(alpha, ada), sold_out).json()["token"] == only_entry(alpha).secret


def test_leaving_is_possible_any_time_and_leaving_twice_too(alpha: Tenant, client_for: Any, sold_out: Any) -> None:
    guest = client_for(alpha)
    ask(guest, sold_out)
    path = f"/api/v1/waiting-list/{only_entry(alpha).secret}/"
    assert [guest.delete(path).status_code for _ in range(2)] == [204, 204]
    assert only_entry(alpha).status == "left"
    assert guest.delete("/api/v1/waiting-list/never/").status_code == 404


def test_a_token_of_another_tenant_opens_nothing(
    alpha: Tenant, beta: Tenant, client_for: Any, page_for: Any, sold_out: Any
) -> None:
    ask(client_for(alpha), sold_out)
    secret = only_entry(alpha).secret
    assert client_for(beta).get(f"/api/v1/waiting-list/{secret}/").status_code == 404
    assert page_for(beta).get(f"/waiting-list/{secret}/").status_code == 404


@pytest.mark.parametrize(
    ("wish", "status", "code"),
    [
        ({"quantity": 0}, 400, "invalid"),
        ({"quantity": 10**30}, 400, "malformed"),
        ({"quantity": 21}, 400, "quantity_out_of_range"),
        ({"quantity": "many"}, 400, "invalid"),
        ({"email": "nobody"}, 400, "invalid"),
        ({"ticket_type": 2**62}, 400, "does_not_exist"),
        ({"ticket_type": None}, 400, "invalid"),
    ],
)
def test_a_wish_that_cannot_be_is_refused_by_name(
    alpha: Tenant, client_for: Any, sold_out: Any, wish: dict[str, Any], status: int, code: str
) -> None:
    answer = ask(client_for(alpha), sold_out, **wish)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.json()


def test_what_can_be_bought_is_not_waited_for(alpha: Tenant, client_for: Any, sold_out: Any) -> None:
    free_a_place(alpha, sold_out)
    answer = ask(client_for(alpha), sold_out)
    assert (answer.status_code, answer.json()["code"]) == (409, "not_sold_out")


def test_an_address_cannot_be_written_to_all_the_time(alpha: Tenant, client_for: Any, sold_out: Any) -> None:
    guest = client_for(alpha)
    answers = [ask(guest, sold_out).status_code for _ in range(waiting.MOST_FOR_ONE_ADDRESS + 1)]
    assert answers == [202] * waiting.MOST_FOR_ONE_ADDRESS + [429]


def test_staff_see_who_waits_offer_places_and_remove(alpha: Tenant, client_for: Any, sold_out: Any) -> None:
    guest, staff = client_for(alpha), client_for(alpha, owner_of(alpha))
    ask(guest, sold_out)
    ask(guest, sold_out, email="bob@example.test")
    base = "/api/v1/events/gala/waiting-list/"
    assert guest.get(base).status_code == 401
    rows = staff.get(base).json()["results"]
    assert [(row["email"], row["ahead"], row["held"]) for row in rows] == [
        ("ada@example.test", 0, 0),
        ("bob@example.test", 1, 0),
    ]
    refused = staff.post(f"{base}{rows[1]['id']}/offer/")
    assert (refused.status_code, refused.json()["code"]) == (409, "sold_out")
    assert staff.delete(f"{base}{rows[0]['id']}/").status_code == 204
    free_a_place(alpha, sold_out)
    rows = staff.get(base).json()["results"]
    assert [(row["email"], row["status"]) for row in rows] == [
        ("bob@example.test", "offered"),
        ("ada@example.test", "removed"),
    ]
    again = staff.post(f"{base}{rows[0]['id']}/offer/")
    assert (again.status_code, again.json()["code"]) == (409, "wrong_state")
    with in_tenant(alpha):
        from tenant_apps.activity.models import AuditEntry

        topics = set(AuditEntry.objects.filter(topic__startswith="waiting.").values_list("topic", flat=True))
    assert topics == {"waiting.joined", "waiting.removed", "waiting.offered"}


def test_the_pages_lead_from_the_sold_out_ticket_to_the_order(alpha: Tenant, page_for: Any, sold_out: Any) -> None:
    guest = page_for(alpha)
    address = "/events/gala/waiting-list/"
    assert f'href="{address}?type={sold_out.pk}"' in guest.get("/events/gala/").content.decode()
    assert "Put me on the list" in guest.get(address).content.decode()
    wrong = guest.post(address, {"ticket_type": sold_out.pk, "quantity": "50", "email": "ada@example.test"})
    assert wrong.status_code == 400
    told = guest.post(address, {"ticket_type": sold_out.pk, "quantity": "1", "email": "ada@example.test"})
    assert "Look into your mailbox" in told.content.decode()
    mine = f"/waiting-list/{only_entry(alpha).secret}/"
    assert "Your place in line" in guest.get(mine).content.decode()
    free_a_place(alpha, sold_out)
    assert "Your places are held" in guest.get(mine).content.decode()
    placed = guest.post(mine, {"act": "order", "key": "k", "name": "Ada"})
    twice = guest.post(mine, {"act": "order", "key": "k", "name": "Ada"})
    assert placed.status_code == 302
    assert placed["Location"] == twice["Location"]
    with in_tenant(alpha):
        assert Order.objects.filter(email="ada@example.test").count() == 1
    assert "Open my order" in guest.get(mine).content.decode()


def test_the_page_of_an_offer_asks_what_the_event_asks(alpha: Tenant, page_for: Any, sold_out: Any) -> None:
    from tenant_apps.events import details
    from tenant_apps.events.models import Question

    with in_tenant(alpha):
        question = details.make(Question, sold_out.event, actor=None, text="Which diet?", required=True)
        entry = waiting.join(sold_out.event, ticket_type=sold_out.pk, quantity=1, email="ada@example.test")
    free_a_place(alpha, sold_out)
    mine, guest = f"/waiting-list/{entry.secret}/", page_for(alpha)
    assert "Which diet?" in guest.get(mine).content.decode()
    unanswered = guest.post(mine, {"act": "order", "name": "Ada"})
    assert unanswered.status_code == 400
    assert only_entry(alpha).status == "offered"
    answered = {"act": "order", "name": "Ada", f"answer_{sold_out.pk}_0_{question.pk}": "vegan"}
    assert guest.post(mine, answered).status_code == 302
    with in_tenant(alpha):
        line = Order.objects.get(email="ada@example.test").lines.get()
        assert json.dumps(line.answers).count("vegan") == 1


def test_looking_at_the_page_changes_nothing_and_leaving_takes_a_button(
    alpha: Tenant, page_for: Any, sold_out: Any
) -> None:
    with in_tenant(alpha):
        entry = waiting.join(sold_out.event, ticket_type=sold_out.pk, quantity=1, email="ada@example.test")
    free_a_place(alpha, sold_out)
    guest, mine = page_for(alpha), f"/waiting-list/{entry.secret}/"
    guest.get(mine)
    assert only_entry(alpha).status == "offered"
    assert guest.post(mine, {"act": "nonsense"}).status_code == 400
    assert guest.post(mine, {"act": "leave"}).status_code == 302
    assert only_entry(alpha).status == "declined"
    assert "off the waiting list" in guest.get(mine).content.decode()


def test_an_offer_whose_time_is_over_says_so_on_its_page(alpha: Tenant, page_for: Any, sold_out: Any) -> None:
    with in_tenant(alpha):
        entry = waiting.join(sold_out.event, ticket_type=sold_out.pk, quantity=1, email="ada@example.test")
    free_a_place(alpha, sold_out)
    with in_tenant(alpha):
        WaitingEntry.objects.update(expires_at=timezone.now())
    guest, mine = page_for(alpha), f"/waiting-list/{entry.secret}/"
    assert "This offer is over" in guest.get(mine).content.decode()
    assert guest.post(mine, {"act": "order", "name": "Ada"}).status_code == 409


def test_the_staffs_page_shows_the_line_and_acts_on_it(alpha: Tenant, page_for: Any, sold_out: Any) -> None:
    with in_tenant(alpha):
        entry = waiting.join(sold_out.event, ticket_type=sold_out.pk, quantity=1, email="ada@example.test")
    staff, page = page_for(alpha, owner_of(alpha)), "/dashboard/events/gala/waiting-list/"
    assert "ada@example.test" in staff.get(page).content.decode()
    assert "ada@example.test" not in staff.get(f"{page}?status=taken").content.decode()
    assert staff.post(f"{page}{entry.pk}/offer/", follow=True).status_code == 200
    assert only_entry(alpha).status == "waiting"
    staff.post(f"{page}{entry.pk}/remove/")
    assert only_entry(alpha).status == "removed"
    assert page_for(alpha, make_user()).get(page).status_code in (403, 404)


def test_letters_are_written_in_the_readers_language_and_not_about_what_is_settled(
    alpha: Tenant, client_for: Any, sold_out: Any
) -> None:
    client_for(alpha).post(
        "/api/v1/events/gala/waiting-list/",
        {"ticket_type": sold_out.pk, "quantity": 1, "email": "ada@example.test"},
        format="json",
        headers={"Accept-Language": "ru"},
    )
    free_a_place(alpha, sold_out)
    with in_tenant(alpha):
        entry = only_entry(alpha)
        # By now places are held: the letter that says "you wait" is not sent any more.
        deliver_due()
        deliver_due()
        [offered] = [letter for letter in mail.outbox if letter.to == ["ada@example.test"]]
        assert offered.subject == "Места придержаны для вас: Gala"
        assert f"/waiting-list/{entry.secret}/" in offered.body
        mail.outbox.clear()
        WaitingEntry.objects.update(expires_at=timezone.now())
        waiting_watch.serve()
        deliver_due()
        [lapsed] = [letter for letter in mail.outbox if letter.to == ["ada@example.test"]]
        assert lapsed.subject == "Предложение закончилось: Gala"


def test_who_leaves_before_the_letter_is_sent_gets_none(alpha: Tenant, client_for: Any, sold_out: Any) -> None:
    guest = client_for(alpha)
    ask(guest, sold_out)
    guest.delete(f"/api/v1/waiting-list/{only_entry(alpha).secret}/")
    with in_tenant(alpha):
        deliver_due()
    assert [letter for letter in mail.outbox if letter.to == ["ada@example.test"]] == []


def test_the_organizer_closes_the_list_of_a_type_and_sets_the_hours(
    alpha: Tenant, client_for: Any, page_for: Any, sold_out: Any
) -> None:
    staff = client_for(alpha, owner_of(alpha))
    path = f"/api/v1/events/gala/ticket-types/{sold_out.pk}/"
    assert staff.get(path).json()["waiting_list"] is True
    assert staff.patch(path, {"waiting_list": False}, format="json").json()["waiting_list"] is False
    refused = ask(client_for(alpha), sold_out)
    assert (refused.status_code, refused.json()["code"]) == (409, "waiting_list_closed")
    guest = page_for(alpha)
    assert "waiting-list" not in guest.get("/events/gala/").content.decode()
    assert "there is no waiting list now" in guest.get("/events/gala/waiting-list/").content.decode()
    staff.patch(path, {"waiting_list": True}, format="json")
    settings = "/api/v1/settings/"
    wrong = staff.patch(settings, {"waiting_list_hours": 0}, format="json")
    assert wrong.status_code == 400
    assert staff.patch(settings, {"waiting_list_hours": 2}, format="json").status_code == 200
    ask(client_for(alpha), sold_out)
    # Not the fixture's copy, which was read before the settings were changed.
    free_a_place(Tenant.objects.get(pk=alpha.pk), sold_out)
    left = only_entry(alpha).expires_at - timezone.now()
    assert 7100 < left.total_seconds() <= 7200
