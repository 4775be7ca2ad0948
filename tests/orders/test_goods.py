"""Somebody buys goods, alone or beside tickets, through the API's front door."""

from datetime import timedelta

import pytest
from django.utils import timezone

from tenant_apps.catalog.models import Product, ProductVariant
from tenant_apps.orders.models import Order
from tenant_apps.orders.services import expire_overdue
from tenant_apps.payments.services import mark_paid
from tenant_apps.reports.invariants import TENANT_CHECKS
from tenants.context import in_tenant
from tenants.database import connection
from tests.factories import make_delivery, make_event, make_ticket_type, make_variant, owner_of

ADDRESS = {"name": "Ada Byron", "city": "London", "street": "Strand", "house": "1"}


def buy(client, *lines, key="key-1", **fields):
    body = {"email": "buyer@example.test", "lines": list(lines), "provider": "manual", **fields}
    return client.post("/api/v1/orders/", body, format="json", HTTP_IDEMPOTENCY_KEY=key)


def stock(tenant, variant):
    with in_tenant(tenant):
        return ProductVariant.objects.values_list("held", "sold").get(pk=variant.pk)


def breaches(tenant):
    with in_tenant(tenant), connection.cursor() as cursor:
        found = []
        for check in TENANT_CHECKS:
            cursor.execute(check.statement)
            found += [row[0] for row in cursor.fetchall()]
        return found


@pytest.fixture
def shirt(alpha):
    with in_tenant(alpha):
        return make_variant(price_minor=2000, capacity=3, weight_grams=200)


def test_goods_and_tickets_of_two_events_share_one_order_with_its_delivery(alpha, client_for, shirt):
    with in_tenant(alpha):
        first = make_ticket_type(make_event("Opera"), price_minor=1000)
        second = make_ticket_type(make_event("Ballet"), price_minor=1500)
        courier = make_delivery(price_minor=500)
    answer = buy(
        client_for(alpha),
        {"ticket_type": first.pk},
        {"ticket_type": second.pk},
        {"variant": shirt.pk, "quantity": 2},
        delivery={"method": courier.pk, **ADDRESS},
    )
    assert answer.status_code == 201, answer.content
    order = answer.json()
    assert (order["subtotal"], order["delivery_total"], order["total"]) == ("65.00", "5.00", "70.00")
    assert order["delivery"] == {"method": "Courier", "kind": "courier", **ADDRESS}
    kinds = [(line["kind"], line["quantity"], line["fulfilment"]) for line in order["lines"]]
    assert kinds == [("ticket", 1, None), ("ticket", 1, None), ("product", 2, "unpacked")]
    assert stock(alpha, shirt) == (2, 0)
    with in_tenant(alpha):
        mark_paid(Order.objects.get())
    assert stock(alpha, shirt) == (0, 2)
    seen = client_for(alpha).get(f"/api/v1/orders/{order['code']}/?secret={order['secret']}").json()
    assert (seen["status"], len(seen["tickets"])) == ("paid", 2)
    assert breaches(alpha) == []


def test_the_last_piece_is_sold_once_and_comes_back_when_its_order_is_cancelled(alpha, client_for, shirt):
    client = client_for(alpha)
    order = buy(client, {"variant": shirt.pk, "quantity": 3}).json()
    refused = buy(client, {"variant": shirt.pk}, key="key-2")
    assert (refused.status_code, refused.json()["code"]) == (409, "sold_out")
    gone = client.post(f"/api/v1/orders/{order['code']}/cancel/?secret={order['secret']}")
    assert gone.json()["status"] == "cancelled"
    assert stock(alpha, shirt) == (0, 0)
    assert buy(client, {"variant": shirt.pk}, key="key-3").status_code == 201


def test_pieces_of_an_order_whose_time_is_up_are_sold_to_the_next_without_any_job(alpha, client_for, shirt):
    """M3."""
    client = client_for(alpha)
    assert buy(client, {"variant": shirt.pk, "quantity": 3}).status_code == 201
    with in_tenant(alpha):
        Order.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert buy(client, {"variant": shirt.pk, "quantity": 2}, key="key-2", email="b@example.test").status_code == 201
    assert stock(alpha, shirt) == (2, 0)
    with in_tenant(alpha):
        assert expire_overdue() == 0
    assert breaches(alpha) == []


@pytest.mark.parametrize(
    "quantity", [0, 10**9, 4, 1]
)  # fmt: skip
def test_quantities_follow_the_least_and_the_multiple(alpha, client_for, quantity):
    with in_tenant(alpha):
        box = make_variant("Box", min_quantity=2, order_multiple=3, capacity=100)
    answer = buy(client_for(alpha), {"variant": box.pk, "quantity": quantity})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "lines.0.quantity")
    assert buy(client_for(alpha), {"variant": box.pk, "quantity": 6}, key="key-2").status_code == 201


def test_a_price_sent_by_a_client_changes_nothing(alpha, client_for, shirt):
    """M6."""
    order = buy(client_for(alpha), {"variant": shirt.pk, "price": "0.01", "unit_price": "0.01"}).json()
    assert order["total"] == "20.00"


@pytest.mark.parametrize("change", [{"published": False}, {"accepting_orders": False}])
def test_goods_off_sale_are_refused(alpha, client_for, shirt, change):
    with in_tenant(alpha):
        Product.objects.update(**change)
    answer = buy(client_for(alpha), {"variant": shirt.pk})
    assert answer.status_code in (400, 409)
    assert answer.json()["errors"][0]["field"] == "lines.0.variant"
    assert stock(alpha, shirt) == (0, 0)


def test_goods_and_tickets_in_two_currencies_are_no_order(alpha, client_for, shirt):
    with in_tenant(alpha):
        ticket_type = make_ticket_type(make_event(currency="USD"))
    answer = buy(client_for(alpha), {"variant": shirt.pk}, {"ticket_type": ticket_type.pk})
    assert (answer.status_code, answer.json()["code"]) == (400, "mixed_currencies")


def test_a_way_of_delivery_has_to_be_chosen_where_there_is_one(alpha, client_for, shirt):
    with in_tenant(alpha):
        courier = make_delivery(most_grams=500)
        pickup = make_delivery("Shop", kind="pickup", price_minor=0)
        gone = make_delivery("Owl", active=False)
    client = client_for(alpha)
    for delivery in (None, {}, {"method": gone.pk, **ADDRESS}, {"method": 10**15}):
        answer = buy(client, {"variant": shirt.pk}, delivery=delivery)
        assert (answer.status_code, answer.json()["code"]) == (400, "delivery_required")
    bare = buy(client, {"variant": shirt.pk}, delivery={"method": courier.pk, "name": "Ada"})
    assert [each["field"] for each in bare.json()["errors"]] == ["delivery.city", "delivery.street"]
    heavy = buy(client, {"variant": shirt.pk, "quantity": 3}, delivery={"method": courier.pk, **ADDRESS})
    assert (heavy.status_code, heavy.json()["code"]) == (400, "delivery_not_possible")
    fetched = buy(client, {"variant": shirt.pk, "quantity": 3}, delivery={"method": pickup.pk})
    assert (fetched.status_code, fetched.json()["delivery_total"]) == (201, "0.00")


def test_a_line_names_one_thing(alpha, client_for, shirt):
    with in_tenant(alpha):
        ticket_type = make_ticket_type()
    for line in ({}, {"quantity": 1}, {"variant": shirt.pk, "ticket_type": ticket_type.pk}):
        assert buy(client_for(alpha), line).status_code == 400


def test_an_order_whose_goods_are_on_their_way_is_not_cancelled(alpha, client_for, shirt):
    order = buy(client_for(alpha), {"variant": shirt.pk}).json()
    with in_tenant(alpha):
        mark_paid(Order.objects.get())
        Order.objects.get().lines.update(fulfilment="shipped")
    answer = client_for(alpha, owner_of(alpha)).post(f"/api/v1/orders/{order['code']}/cancel/")
    assert (answer.status_code, answer.json()["code"]) == (409, "goods_shipped")
    assert stock(alpha, shirt) == (0, 1)
