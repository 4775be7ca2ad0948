"""Somebody buys tickets, through the API's front door."""

from datetime import timedelta

import pytest
from django.utils import timezone

from tenant_apps.orders.models import Order
from tenant_apps.ticketing.models import Quota, Ticket
from tenants.context import in_tenant
from tests.factories import make_event, make_order, make_ticket_type, make_user, owner_of


def buy(client, ticket_type, *, key="key-1", quantity=1, **fields):
    body = {"email": "buyer@example.test", "lines": [{"ticket_type": ticket_type.pk, "quantity": quantity}], **fields}
    return client.post("/api/v1/orders/", body, format="json", HTTP_IDEMPOTENCY_KEY=key)


@pytest.fixture
def free_type(alpha):
    with in_tenant(alpha):
        return make_ticket_type(price_minor=0, capacity=2, name="Free seat")


@pytest.fixture
def paid_type(alpha):
    with in_tenant(alpha):
        return make_ticket_type(price_minor=2500, capacity=2, tax_rate="10")


def test_a_free_order_is_paid_at_once_and_has_its_tickets(alpha, client_for, free_type):
    answer = buy(client_for(alpha), free_type, quantity=2)
    assert answer.status_code == 201, answer.content
    order = answer.json()
    assert order["status"] == "paid"
    assert order["total"] == "0.00"
    assert order["payment"] is None
    assert len(order["tickets"]) == 2
    assert len({ticket["code"] for ticket in order["tickets"]}) == 2
    assert [line["quantity"] for line in order["lines"]] == [1, 1]
    with in_tenant(alpha):
        quota = Quota.objects.get(ticket_types=free_type)
        assert (quota.held, quota.sold) == (0, 2)


def test_the_last_place_is_sold_once(alpha, client_for, free_type):
    assert buy(client_for(alpha), free_type, quantity=2).status_code == 201
    answer = buy(client_for(alpha), free_type, key="key-2")
    assert answer.status_code == 409
    assert answer.json()["code"] == "sold_out"
    with in_tenant(alpha):
        assert Order.objects.count() == 1
        assert Ticket.objects.count() == 2


def test_a_paid_order_holds_its_places_until_it_is_paid(alpha, client_for, paid_type):
    answer = buy(client_for(alpha), paid_type, quantity=2, provider="test")
    order = answer.json()
    assert (order["status"], order["total"], order["tax"], order["currency"]) == ("pending", "50.00", "4.54", "EUR")
    assert order["tickets"] == []
    with in_tenant(alpha):
        quota = Quota.objects.get(ticket_types=paid_type)
        assert (quota.held, quota.sold) == (2, 0)
    client = client_for(alpha)
    paid = client.post(
        order["payment"]["redirect_url"], {"outcome": "succeed"}, format="json", HTTP_X_ORDER_SECRET=order["secret"]
    )
    assert paid.json()["status"] == "succeeded"
    order = client.get(f"/api/v1/orders/{order['code']}/?secret={order['secret']}").json()
    assert order["status"] == "paid"
    assert len(order["tickets"]) == 2
    with in_tenant(alpha):
        quota.refresh_from_db()
        assert (quota.held, quota.sold) == (0, 2)


def test_a_declined_payment_leaves_the_order_pending_and_another_try_succeeds(alpha, client_for, paid_type):
    client = client_for(alpha)
    order = buy(client, paid_type, provider="test", test_outcome="decline").json()
    assert (order["status"], order["payment"]["status"]) == ("pending", "failed")
    again = client.post(
        "/api/v1/payments/",
        {"order": order["code"], "provider": "test", "test_outcome": "succeed"},
        format="json",
        HTTP_X_ORDER_SECRET=order["secret"],
        HTTP_IDEMPOTENCY_KEY="pay-again",
    )
    assert again.status_code == 201, again.content
    assert again.json()["status"] == "succeeded"
    assert client.get(f"/api/v1/orders/{order['code']}/?secret={order['secret']}").json()["status"] == "paid"


def test_amounts_that_the_client_sends_change_nothing(alpha, client_for, paid_type):
    body = {
        "email": "buyer@example.test",
        "total": "0.01",
        "lines": [{"ticket_type": paid_type.pk, "quantity": 1, "unit_price": "0.01", "total": "0.01"}],
    }
    order = client_for(alpha).post("/api/v1/orders/", body, format="json", HTTP_IDEMPOTENCY_KEY="cheap").json()
    assert order["total"] == "25.00"


def test_a_price_that_the_client_says_for_a_ticket_with_a_price_is_refused_and_sells_nothing(
    alpha, client_for, paid_type
):
    body = {"email": "buyer@example.test", "lines": [{"ticket_type": paid_type.pk, "quantity": 1, "price": "0.01"}]}
    answer = client_for(alpha).post("/api/v1/orders/", body, format="json", HTTP_IDEMPOTENCY_KEY="cheap")
    assert (answer.status_code, answer.json()["code"]) == (400, "price_not_allowed")
    with in_tenant(alpha):
        assert not Order.objects.exists()
        assert Quota.objects.get(ticket_types=paid_type).held == 0


def test_the_price_in_an_order_stays_when_the_ticket_type_gets_dearer(alpha, client_for, paid_type):
    order = buy(client_for(alpha), paid_type).json()
    with in_tenant(alpha):
        paid_type.price_minor = 9900
        paid_type.save()
    shown = client_for(alpha).get(f"/api/v1/orders/{order['code']}/?secret={order['secret']}").json()
    assert shown["total"] == "25.00"


@pytest.mark.parametrize(
    ("line", "field", "code"),
    [
        ({"quantity": 0}, "lines.0.quantity", "min_value"),
        ({"quantity": -1}, "lines.0.quantity", "min_value"),
        ({"quantity": 10**12}, "lines.0.quantity", "max_value"),
        ({"quantity": "two"}, "lines.0.quantity", "invalid"),
        ({"ticket_type": 99999999}, "lines.0.ticket_type", "does_not_exist"),
    ],
)
def test_a_line_that_cannot_be_meant_is_refused_with_its_place(alpha, client_for, paid_type, line, field, code):
    body = {"email": "b@example.test", "lines": [{"ticket_type": paid_type.pk, "quantity": 1, **line}]}
    answer = client_for(alpha).post("/api/v1/orders/", body, format="json", HTTP_IDEMPOTENCY_KEY="odd")
    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"
    assert {"field": field, "code": code} in [
        {"field": error["field"], "code": error["code"]} for error in answer.json()["errors"]
    ]


def test_another_tenants_ticket_type_does_not_exist_here(alpha, beta, client_for, paid_type):
    with in_tenant(beta):
        for _ in range(3):
            foreign = make_ticket_type()
    answer = buy(client_for(alpha), foreign)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["code"] == "does_not_exist"


def test_a_sale_window_is_open_from_its_start_until_just_before_its_end(alpha, client_for):
    now = timezone.now()
    with in_tenant(alpha):
        early = make_ticket_type(sale_starts_at=now + timedelta(hours=1))
        late = make_ticket_type(sale_ends_at=now - timedelta(seconds=1))
        past = make_ticket_type(make_event(starts_at=now - timedelta(hours=3)))
        cancelled = make_ticket_type(make_event(status="cancelled"))
    codes = [buy(client_for(alpha), kind, key=f"k{kind.pk}").json()["code"] for kind in (early, late, past, cancelled)]
    assert codes == ["sale_not_started", "sale_ended", "sale_ended", "not_on_sale"]


def test_drafts_and_hidden_types_cannot_be_told_from_ones_that_do_not_exist(alpha, client_for):
    with in_tenant(alpha):
        draft = make_ticket_type(make_event(published=False))
        hidden = make_ticket_type(hidden=True)
    for kind in (draft, hidden):
        answer = buy(client_for(alpha), kind, key=f"k{kind.pk}")
        assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "does_not_exist")


def test_places_of_an_order_past_its_time_are_sold_though_no_job_ran(alpha, client_for, paid_type):
    first = buy(client_for(alpha), paid_type, quantity=2).json()
    with in_tenant(alpha):
        Order.objects.filter(code=first["code"]).update(expires_at=timezone.now() - timedelta(seconds=1))
    second = buy(client_for(alpha), paid_type, key="key-2", quantity=2)
    assert second.status_code == 201, second.content
    with in_tenant(alpha):
        assert Order.objects.get(code=first["code"]).status == "expired"
        quota = Quota.objects.get(ticket_types=paid_type)
        assert (quota.held, quota.sold) == (2, 0)


def test_one_buyer_has_at_most_three_unpaid_orders_for_an_event(alpha, client_for):
    with in_tenant(alpha):
        ticket_type = make_ticket_type()
    codes = [buy(client_for(alpha), ticket_type, key=f"n{number}").status_code for number in range(4)]
    assert codes == [201, 201, 201, 409]


def test_the_same_key_and_body_has_one_effect_and_one_answer(alpha, client_for, free_type):
    first = buy(client_for(alpha), free_type)
    again = buy(client_for(alpha), free_type)
    assert again.json() == first.json()
    assert again["Idempotent-Replayed"] == "true"
    assert buy(client_for(alpha), free_type, name="Somebody else").status_code == 422
    with in_tenant(alpha):
        assert Order.objects.count() == 1


def test_an_order_without_a_key_is_refused(alpha, client_for, free_type):
    body = {"email": "buyer@example.test", "lines": [{"ticket_type": free_type.pk}]}
    answer = client_for(alpha).post("/api/v1/orders/", body, format="json")
    assert (answer.status_code, answer.json()["code"]) == (400, "idempotency_key_required")


def test_an_order_of_two_events_is_one_order(alpha, client_for):
    with in_tenant(alpha):
        one, two = make_ticket_type(price_minor=1000), make_ticket_type(price_minor=500)
    body = {
        "email": "b@example.test",
        "lines": [{"ticket_type": one.pk}, {"ticket_type": two.pk, "quantity": 2, "attendees": [{"name": "Ada"}]}],
    }
    order = client_for(alpha).post("/api/v1/orders/", body, format="json", HTTP_IDEMPOTENCY_KEY="two").json()
    assert order["total"] == "20.00"
    assert len(order["events"]) == 2
    assert [line["attendee"]["name"] for line in order["lines"]] == ["", "Ada", ""]


def test_events_in_two_currencies_do_not_share_an_order(alpha, client_for):
    with in_tenant(alpha):
        euros, yen = make_ticket_type(), make_ticket_type(make_event(currency="JPY"))
    body = {"email": "b@example.test", "lines": [{"ticket_type": euros.pk}, {"ticket_type": yen.pk}]}
    answer = client_for(alpha).post("/api/v1/orders/", body, format="json", HTTP_IDEMPOTENCY_KEY="mixed")
    assert (answer.status_code, answer.json()["code"]) == (400, "mixed_currencies")


class TestWhoSeesAnOrder:
    """A guest by the secret, a buyer by sign-in, staff by right; to all others it does not exist."""

    def test_a_stranger_and_a_wrong_secret_see_nothing(self, alpha, client_for, paid_type):
        order = buy(client_for(alpha), paid_type).json()
        path = f"/api/v1/orders/{order['code']}/"
        stranger = client_for(alpha, make_user())
        assert client_for(alpha).get(path).status_code == 404
        assert client_for(alpha).get(f"{path}?secret={'x' * 32}").status_code == 404
        assert stranger.get(path).status_code == 404
        assert stranger.post(f"{path}cancel/").status_code == 404
        assert client_for(alpha).get(f"{path}?secret={order['secret']}").status_code == 200

    def test_a_buyer_sees_their_own_orders_and_no_others(self, alpha, client_for, paid_type):
        buyer = make_user()
        mine = buy(client_for(alpha, buyer), paid_type).json()
        buy(client_for(alpha), paid_type, key="other", email="other@example.test")
        listed = client_for(alpha, buyer).get("/api/v1/orders/").json()["results"]
        assert [order["code"] for order in listed] == [mine["code"]]

    def test_the_owner_sees_all_but_no_ticket_codes(self, alpha, client_for, free_type):
        order = buy(client_for(alpha), free_type).json()
        listed = client_for(alpha, owner_of(alpha)).get("/api/v1/orders/").json()["results"]
        assert [shown["code"] for shown in listed] == [order["code"]]
        assert listed[0]["tickets"][0]["code"] is None
        assert "secret" not in listed[0]

    def test_the_next_tenants_owner_sees_nothing(self, alpha, beta, client_for, free_type):
        order = buy(client_for(alpha), free_type).json()
        foreign = client_for(alpha, owner_of(beta))
        assert foreign.get(f"/api/v1/orders/{order['code']}/").status_code == 404
        assert foreign.get("/api/v1/orders/").json()["results"] == []
        assert client_for(beta, owner_of(beta)).get(f"/api/v1/orders/{order['code']}/").status_code == 404


def test_a_list_of_orders_costs_the_same_few_statements_whatever_its_length(
    alpha, client_for, django_assert_max_num_queries
):
    with in_tenant(alpha):
        kind = make_ticket_type(price_minor=0)
        for _ in range(12):
            make_order(kind, quantity=2)
    client = client_for(alpha, owner_of(alpha))
    client.get("/api/v1/orders/")
    # Person and session, the role, the orders, their lines with tickets, their payments.
    with django_assert_max_num_queries(6):
        assert len(client.get("/api/v1/orders/").json()["results"]) == 12
