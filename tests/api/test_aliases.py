"""What older clients call still answers, on the same services."""

from typing import Any

import pytest

from tenants.context import in_tenant
from tests.api.test_errors import problem
from tests.factories import PASSWORD, make_event, make_ticket_type, make_user


@pytest.fixture
def free(alpha: Any) -> Any:
    """A free ticket type of an event ahead."""
    with in_tenant(alpha):
        return make_ticket_type(price_minor=0, capacity=10)


def test_booking_by_the_events_id_answers_a_paid_order(client_for: Any, alpha: Any, free: Any) -> None:
    person = make_user()
    for root in ("/api/v1", "/api"):
        response = client_for(alpha, person).post(f"{root}/events/{free.event_id}/book/", {"seats": 2})
        assert response.status_code == 201, response.content
        order = response.json()
        assert order["status"] == "paid"
        assert len(order["tickets"]) == 2
        assert order["email"] == person.email


def test_a_guest_books_with_an_address(client_for: Any, alpha: Any, free: Any) -> None:
    client = client_for(alpha)
    body = problem(client.post(f"/api/events/{free.event_id}/book/", {}), 400, "invalid")
    assert body["errors"][0]["field"] == "email"
    assert client.post(f"/api/events/{free.event_id}/book/", {"email": "a@example.test"}).status_code == 201


def test_with_several_types_on_sale_one_has_to_be_named(client_for: Any, alpha: Any, free: Any) -> None:
    with in_tenant(alpha):
        other = make_ticket_type(free.event, price_minor=0, name="Balcony")
        elsewhere = make_ticket_type(price_minor=0)
    client = client_for(alpha, make_user())
    problem(client.post("/api/bookings/", {"event_id": free.event_id, "seats": 1}), 400, "ticket_type_required")
    booked = client.post("/api/bookings/", {"event_id": free.event_id, "seats": 1, "ticket_type": other.pk})
    assert booked.json()["lines"][0]["ticket_type"] == other.pk
    foreign = client.post("/api/bookings/", {"event_id": free.event_id, "ticket_type": elsewhere.pk})
    assert problem(foreign, 400, "invalid")["errors"][0]["field"] == "ticket_type"


def test_bookings_are_listed_shown_and_cancelled(client_for: Any, alpha: Any, free: Any) -> None:
    client, stranger = client_for(alpha, make_user()), client_for(alpha, make_user())
    code = client.post("/api/bookings/", {"event_id": free.event_id, "seats": 1}).json()["code"]
    assert [order["code"] for order in client.get("/api/bookings/").json()["results"]] == [code]
    assert stranger.get("/api/bookings/").json()["results"] == []
    problem(stranger.get(f"/api/bookings/{code}/"), 404, "not_found")
    problem(stranger.delete(f"/api/bookings/{code}/"), 404, "not_found")
    assert client.delete(f"/api/bookings/{code}/").json()["status"] == "cancelled"
    assert client.get(f"/api/bookings/{code}/").json()["status"] == "cancelled"


def test_a_booking_is_cancelled_by_its_event(client_for: Any, alpha: Any, free: Any) -> None:
    client = client_for(alpha, make_user())
    problem(client.post(f"/api/events/{free.event_id}/cancel_booking/"), 404, "not_found")
    client.post(f"/api/events/{free.event_id}/book/", {"seats": 1})
    assert client.post(f"/api/events/{free.event_id}/cancel_booking/").json()["status"] == "cancelled"
    problem(client.post(f"/api/events/{free.event_id}/cancel_booking/"), 404, "not_found")


def test_my_upcoming_events_are_those_i_have_places_at(client_for: Any, alpha: Any, free: Any) -> None:
    with in_tenant(alpha):
        make_event()
    client = client_for(alpha, make_user())
    assert client.get("/api/events/my_upcoming_events/").json()["results"] == []
    client.post(f"/api/events/{free.event_id}/book/", {"seats": 1})
    found = client.get("/api/v1/events/my_upcoming_events/").json()["results"]
    assert [event["id"] for event in found] == [free.event_id]
    problem(client_for(alpha).get("/api/events/my_upcoming_events/"), 401, "sign_in_required")


def test_an_unknown_event_cannot_be_booked(client_for: Any, alpha: Any) -> None:
    with in_tenant(alpha):
        draft = make_event(published=False)
    client = client_for(alpha, make_user())
    for event in (draft.pk, 999_999, 2**63 - 1):
        assert (
            problem(client.post("/api/bookings/", {"event_id": event}), 400, "invalid")["errors"][0]["field"]
            == "event_id"
        )
    problem(client.post(f"/api/events/{draft.pk}/book/", {}), 404, "not_found")


def test_a_repeated_booking_with_a_key_is_one(client_for: Any, alpha: Any, free: Any) -> None:
    client = client_for(alpha, make_user())
    send = lambda: client.post("/api/bookings/", {"event_id": free.event_id}, headers={"X-Idempotency-Key": "k"})  # noqa: E731  (reads as one sentence)
    assert send().content == send().content
    assert len(client.get("/api/bookings/").json()["results"]) == 1


def test_recipes_are_events(client_for: Any, alpha: Any, free: Any) -> None:
    client = client_for(alpha)
    assert client.get("/api/recipe/").json()["count"] == client.get("/api/v1/events/").json()["count"] == 1
    assert client.get(f"/api/recipe/{free.event_id}/").json()["slug"] == free.event.slug


def test_people_sign_in_by_the_older_paths(client_for: Any, alpha: Any) -> None:
    person = make_user()
    for tenant in (None, alpha):
        for address in ("/api/users/login/", "/api/v1/login/"):
            response = client_for(tenant).post(address, {"email": person.email, "password": PASSWORD})
            assert response.status_code == 200, response.content
            assert response.json()["access"]
        renewed = client_for(tenant).post("/api/users/token/refresh/", {"refresh": response.json()["refresh"]})
        assert renewed.json()["access"]
        assert client_for(tenant, person).get(f"/api/users/{person.pk}/").json()["email"] == person.email
        problem(client_for(tenant, make_user()).get(f"/api/users/{person.pk}/"), 404, "not_found")
    changed = client_for(alpha, person).post(
        "/api/change_password/", {"password": PASSWORD, "new_password": "another-long-pass-word"}
    )
    assert changed.status_code < 300, changed.content


def test_people_register_by_the_older_paths(client_for: Any, db: None) -> None:
    for address, email in (("/api/register/", "a@example.test"), ("/api/users/register/", "b@example.test")):
        sent = {"username": "Ann", "email": email, "password": "a-long-enough-pass"}
        assert client_for().post(address, sent).status_code == 201
    assert client_for().post("/api/forgot_password/", {"email": "nobody@example.test"}).status_code < 300
    assert (
        client_for().post("/api/activate/", {"email": "a@example.test", "confirmation_code": "000000"}).status_code
        == 400
    )


def test_no_provider_is_asked_inside_the_transaction_of_a_booking(client_for, alpha, transactional_db, monkeypatch):
    from django.db import connection

    from tenant_apps.payments.providers.test import TestProvider

    inside = []
    start = TestProvider.start
    monkeypatch.setattr(TestProvider, "start", lambda *args: inside.append(connection.in_atomic_block) or start(*args))
    with in_tenant(alpha):
        kind = make_ticket_type()
    body = {"provider": "test"}
    client = client_for(alpha, make_user())
    for headers in ({}, {"HTTP_IDEMPOTENCY_KEY": "k"}):
        answer = client.post(f"/api/events/{kind.event_id}/book/", body, **headers)
        assert answer.status_code == 201
        assert answer.json()["payment"]["redirect_url"]
    assert inside == [False, False]
