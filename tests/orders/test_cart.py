"""Somebody fills a cart and orders it, through the API's front door."""

from datetime import timedelta

import pytest
from django.utils import timezone

from tenant_apps.orders import cart_holds
from tenant_apps.orders.models import Cart, CartLine
from tenant_apps.orders.tasks import expire, forget_carts
from tenant_apps.ticketing.models import Quota, TicketPriceTier, TicketType
from tenants.context import in_tenant
from tests.factories import make_event, make_quota, make_ticket_type, make_user
from tests.orders.shops import Basket, held, make_shirt, sound

HUGE = 10**30


def test_the_first_answer_gives_a_token_that_finds_the_cart_again(alpha, basket, shop):
    first = basket.call("get")
    assert first.json()["token"] == first["X-Cart-Token"] and first.json()["lines"] == []
    with in_tenant(alpha):
        assert Cart.objects.count() == 0  # looking writes nothing
    added = basket.add(shop.one, 2)
    assert added.status_code == 201 and added["X-Cart-Token"] == first["X-Cart-Token"]
    shown = basket.shown()
    assert [(line["title"], line["quantity"], line["total"]) for line in shown["lines"]] == [
        ("Strings: Standard", 2, "24.00")
    ]
    assert shown["total"] == "24.00" and shown["currency"] == "EUR" and shown["expires_at"]
    assert held(alpha, shop.one) == (2, 0)
    sound(alpha)


def test_the_same_thing_again_is_one_line_and_the_time_is_not_set_back(alpha, basket, shop):
    until = basket.add(shop.one).json()["expires_at"]
    again = basket.add(shop.one).json()
    assert [line["quantity"] for line in again["lines"]] == [2]
    assert again["expires_at"] == until
    assert held(alpha, shop.one) == (2, 0)


def test_lines_change_and_go_and_what_they_held_is_free_at_once(alpha, basket, shop):
    line = basket.add(shop.one, 3).json()["lines"][0]["id"]
    assert basket.call("patch", f"lines/{line}/", {"quantity": 1}).json()["total"] == "12.00"
    assert held(alpha, shop.one) == (1, 0)
    gone = basket.call("delete", f"lines/{line}/")
    assert gone.status_code == 200 and gone.json()["lines"] == [] and gone.json()["expires_at"] is None
    assert held(alpha, shop.one) == (0, 0)
    basket.add(shop.shirt, 4)
    assert held(alpha, shop.shirt) == (4, 0)
    assert basket.call("delete").status_code == 204
    assert held(alpha, shop.shirt) == (0, 0)
    sound(alpha)


def test_tickets_of_two_events_and_goods_become_one_order_by_what_the_cart_holds(alpha, basket, shop):
    basket.add(shop.one, 3)
    basket.add(shop.two, 1)
    basket.add(shop.shirt, 2)
    chosen = basket.call("put", "delivery/", {"method": shop.courier.pk}).json()
    assert (chosen["subtotal"], chosen["delivery_total"], chosen["total"]) == ("91.00", "5.00", "96.00")
    address = {"name": "Ann", "city": "Berlin", "street": "Linden"}
    placed = basket.order(delivery=address)
    assert placed.status_code == 201, placed.json()
    body = placed.json()
    assert body["total"] == "96.00" and body["delivery"]["city"] == "Berlin" and len(body["lines"]) == 5
    assert len(body["events"]) == 2
    assert [held(alpha, each) for each in (shop.one, shop.two, shop.shirt)] == [(3, 0), (1, 0), (2, 0)]
    with in_tenant(alpha):
        assert Cart.objects.count() == 0
    sound(alpha)
    # The same request again is the same order; the cart itself is no more.
    again = basket.order(delivery=address)
    assert again.status_code == 201 and again.json()["code"] == body["code"]
    other = basket.order("key-2", delivery=address)
    assert (other.status_code, other.json()["code"]) == (400, "does_not_exist")


def test_a_free_cart_is_paid_at_once_with_its_tickets(alpha, basket):
    with in_tenant(alpha):
        free = make_ticket_type(price_minor=0, capacity=2)
    basket.add(free, 2)
    placed = basket.order()
    assert placed.json()["status"] == "paid" and len(placed.json()["tickets"]) == 2
    assert held(alpha, free) == (0, 2)
    sound(alpha)


def test_attendees_are_given_by_line(alpha, basket, shop):
    line = basket.add(shop.one, 2).json()["lines"][0]["id"]
    placed = basket.order(attendees={line: [{"name": "Ann"}, {"name": "Bob", "email": "bob@example.test"}]})
    assert [each["attendee"]["name"] for each in placed.json()["lines"]] == ["Ann", "Bob"]


def test_an_overdue_cart_gives_its_places_back_to_whoever_asks_though_no_job_ran(alpha, basket, shop, client_for):
    basket.add(shop.one, 3)
    basket.add(shop.shirt, 10)
    with in_tenant(alpha):
        Cart.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    other = Basket(client_for(alpha))
    assert other.add(shop.one, 3).status_code == 201
    assert other.add(shop.shirt, 10).status_code == 201
    assert held(alpha, shop.one) == (3, 0) and held(alpha, shop.shirt) == (10, 0)
    shown = basket.shown()
    assert [line["held"] for line in shown["lines"]] == [False, False] and shown["expires_at"] is None
    assert basket.call("post", "hold/").json()["code"] == "sold_out"
    assert basket.order().json()["code"] in ("sold_out", "delivery_required")
    sound(alpha)


def test_a_cart_that_cannot_be_cleared_keeps_no_other_from_it(alpha, basket, shop, client_for):
    basket.add(shop.one)
    Basket(client_for(alpha)).add(shop.two)
    with in_tenant(alpha):
        Cart.objects.filter(lines__ticket_type=shop.one).update(expires_at=timezone.now() - timedelta(minutes=2))
        Cart.objects.filter(lines__ticket_type=shop.two).update(expires_at=timezone.now() - timedelta(minutes=1))
        # A counter that says less than the cart does is never papered over.
        Quota.objects.filter(ticket_types=shop.one).update(held=0)
        expire()
    assert held(alpha, shop.two) == (0, 0)


def test_an_order_takes_the_places_of_overdue_carts(alpha, basket, shop, client_for):
    basket.add(shop.one, 3)
    with in_tenant(alpha):
        Cart.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    body = {"email": "a@example.test", "lines": [{"ticket_type": shop.one.pk, "quantity": 3}], "provider": "manual"}
    assert client_for(alpha).post("/api/v1/orders/", body, format="json", HTTP_IDEMPOTENCY_KEY="k").status_code == 201
    sound(alpha)


def test_the_sweep_gives_back_once_and_the_lines_can_be_held_again(alpha, basket, shop):
    basket.add(shop.one, 2)
    with in_tenant(alpha):
        Cart.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
        assert cart_holds.clear_overdue() == 1
        assert cart_holds.clear_overdue() == 0
        expire()
    assert held(alpha, shop.one) == (0, 0)
    shown = basket.shown()
    assert shown["lines"][0]["held"] is False and shown["total"] == "24.00"
    again = basket.call("post", "hold/").json()
    assert again["lines"][0]["held"] is True and again["expires_at"]
    assert held(alpha, shop.one) == (2, 0)
    sound(alpha)


def test_a_cart_whose_time_was_up_is_ordered_if_there_is_room(alpha, basket, shop):
    basket.add(shop.one, 3)
    with in_tenant(alpha):
        Cart.objects.update(expires_at=timezone.now() - timedelta(minutes=1))
        cart_holds.clear_overdue()
    assert basket.order().status_code == 201
    assert held(alpha, shop.one) == (3, 0)


def test_old_carts_are_forgotten_and_young_ones_kept(alpha, basket, shop, client_for):
    basket.add(shop.one)
    with in_tenant(alpha):
        Cart.objects.update(modified_at=timezone.now() - timedelta(days=61), expires_at=timezone.now())
        young = Basket(client_for(alpha))
    young.add(shop.two)
    with in_tenant(alpha):
        expire()
        forget_carts()
        assert Cart.objects.count() == 1
    assert basket.shown()["lines"] == []


def test_what_a_guest_chose_comes_into_the_persons_cart_with_its_holds(alpha, basket, shop, client_for):
    with in_tenant(alpha):
        ann = make_user()
    own = Basket(client_for(alpha, ann))
    own.add(shop.one, 1)
    basket.add(shop.one, 2)
    basket.add(shop.shirt)
    # Signed in on the device with the guest's cart.
    both = Basket(client_for(alpha, ann), basket.token).shown()
    assert [(line["title"], line["quantity"], line["held"]) for line in both["lines"]] == [
        ("Strings: Standard", 3, True), ("T-shirt: M", 1, True),
    ]  # fmt: skip
    assert both["token"] == own.token
    assert held(alpha, shop.one) == (3, 0) and held(alpha, shop.shirt) == (1, 0)
    with in_tenant(alpha):
        assert Cart.objects.count() == 1
    sound(alpha)
    # The guest's token opens nothing any more: what it stood for is the person's.
    assert basket.shown()["lines"] == []


def test_a_guests_cart_becomes_the_persons_first_one_and_then_needs_their_sign_in(alpha, basket, shop, client_for):
    with in_tenant(alpha):
        ann, bob = make_user(), make_user()
    basket.add(shop.one)
    assert len(Basket(client_for(alpha, ann), basket.token).shown()["lines"]) == 1
    assert len(Basket(client_for(alpha, ann)).shown()["lines"]) == 1
    line = line_of(alpha)
    for stranger in (Basket(client_for(alpha), basket.token), Basket(client_for(alpha, bob), basket.token)):
        for method, path, body in (
            ("get", "", None), ("delete", "", None), ("patch", f"lines/{line}/", {"quantity": 2}),
            ("delete", f"lines/{line}/", None), ("post", "hold/", None),
            ("post", "lines/", {"ticket_type": shop.one.pk}), ("put", "delivery/", {"method": shop.courier.pk}),
        ):  # fmt: skip
            assert stranger.call(method, path, body).status_code == 404, (method, path)
        refused = stranger.order()
        assert (refused.status_code, refused.json()["code"]) == (400, "does_not_exist")
    assert held(alpha, shop.one) == (1, 0)


def line_of(alpha):
    """The id of the only line there is."""
    with in_tenant(alpha):
        return CartLine.objects.get().pk


def test_an_expired_cart_is_merged_without_holding_anything_twice(alpha, basket, shop, client_for):
    with in_tenant(alpha):
        ann = make_user()
    Basket(client_for(alpha, ann)).add(shop.one, 1)
    with in_tenant(alpha):
        Cart.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    basket.add(shop.one, 1)
    both = Basket(client_for(alpha, ann), basket.token).shown()
    assert [(line["quantity"], line["held"]) for line in both["lines"]] == [(2, False)]
    assert held(alpha, shop.one) == (1, 0)
    assert both["expires_at"]
    sound(alpha)
    assert Basket(client_for(alpha, ann)).call("post", "hold/").json()["lines"][0]["held"] is True
    assert held(alpha, shop.one) == (2, 0)
    sound(alpha)


@pytest.mark.parametrize("token", ["nonsense", "a" * 5000, "00000000000000000000000000000000.sig", "é", ". ."])
def test_a_token_that_nobody_gave_opens_nothing(alpha, basket, token):
    basket.token = token
    assert basket.call("get").status_code in (400, 404)


def test_the_token_of_another_tenant_opens_nothing_here(alpha, beta, client_for, shop):
    with in_tenant(beta):
        theirs = make_ticket_type()
    foreign = Basket(client_for(beta))
    foreign.add(theirs)
    here = Basket(client_for(alpha), foreign.token)
    assert here.call("get").status_code == 404
    refused = here.order()
    assert (refused.status_code, refused.json()["code"]) == (400, "does_not_exist")


def test_a_line_of_somebody_elses_cart_is_not_there(alpha, basket, shop, client_for):
    basket.add(shop.one)
    line = line_of(alpha)
    other = Basket(client_for(alpha))
    other.add(shop.two)
    assert other.call("patch", f"lines/{line}/", {"quantity": 2}).status_code == 404
    assert other.call("delete", f"lines/{line}/").status_code == 404
    assert held(alpha, shop.one) == (1, 0)


@pytest.mark.parametrize("quantity", [0, -1, HUGE, "many", None, 1.5, True, [1]])
def test_a_quantity_that_is_none_is_refused(alpha, basket, shop, quantity):
    for thing in (shop.one, shop.shirt):
        assert basket.add(thing, quantity).status_code == 400
    line = basket.add(shop.one).json()["lines"][0]["id"]
    assert basket.call("patch", f"lines/{line}/", {"quantity": quantity}).status_code == 400
    assert held(alpha, shop.one) == (1, 0)


def test_more_than_one_order_takes_is_refused_and_holds_nothing(alpha, basket, shop):
    refused = basket.add(shop.one, 21)
    assert (refused.status_code, refused.json()["code"]) == (400, "too_many_tickets")
    assert refused.json()["errors"][0]["field"] == "quantity"
    assert basket.add(shop.one, 4).json()["code"] == "sold_out"
    assert held(alpha, shop.one) == (0, 0)


def test_clients_set_no_price(alpha, basket, shop):
    assert basket.add(shop.one, price="0.01").json()["code"] == "price_not_allowed"
    sent = {"unit_price": "0.01", "total": "0", "discount": "99"}
    assert basket.add(shop.one, **sent).json()["total"] == "12.00"


def test_where_buyers_say_the_price_each_price_is_a_line_of_its_own(alpha, basket):
    with in_tenant(alpha):
        gift = make_ticket_type(price_minor=500, price_kind="pay_what_you_want", max_per_order=3, capacity=9)
    assert basket.add(gift, price="4").json()["code"] == "price_too_low"
    assert basket.add(gift, price="1e400").json()["code"] == "invalid_price"
    basket.add(gift, price="7.50")
    basket.add(gift, price="7.50")
    shown = basket.add(gift).json()
    assert [(line["quantity"], line["total"]) for line in shown["lines"]] == [(2, "15.00"), (1, "5.00")]
    assert basket.add(gift).json()["code"] == "quantity_out_of_range"
    assert basket.order().json()["total"] == "20.00"
    sound(alpha)


def test_two_currencies_do_not_come_into_one_cart(alpha, basket, shop):
    with in_tenant(alpha):
        dollars = make_ticket_type(make_event(currency="USD"))
        mug = make_shirt("Mug", currency="USD")
    basket.add(shop.one)
    for thing in (dollars, mug):
        refused = basket.add(thing)
        assert (refused.status_code, refused.json()["code"]) == (400, "mixed_currencies")
        assert held(alpha, thing) == (0, 0)


@pytest.mark.parametrize(
    ("fields", "event", "code"),
    [
        ({}, {"starts_at": timezone.now() - timedelta(hours=3)}, "sale_ended"),
        ({"sale_ends_at": timezone.now() - timedelta(hours=1)}, {}, "sale_ended"),
        ({"sale_starts_at": timezone.now() + timedelta(hours=1)}, {}, "sale_not_started"),
        ({}, {"status": "cancelled"}, "not_on_sale"),
        ({"hidden": True}, {}, "does_not_exist"),
        ({}, {"status": "draft"}, "does_not_exist"),
    ],
)
def test_what_is_not_on_sale_does_not_come_into_a_cart(alpha, basket, fields, event, code):
    with in_tenant(alpha):
        ticket_type = make_ticket_type(make_event(**event), **fields)
    assert basket.add(ticket_type).json()["code"] == code
    assert held(alpha, ticket_type) == (0, 0)


def test_a_line_whose_sale_ended_is_told_and_costs_nothing_and_cannot_be_ordered(alpha, basket, shop):
    basket.add(shop.one)
    basket.add(shop.two)
    with in_tenant(alpha):
        TicketType.objects.filter(pk=shop.one.pk).update(sale_ends_at=timezone.now() - timedelta(seconds=1))
    shown = basket.shown()
    assert [line["problem"] and line["problem"]["code"] for line in shown["lines"]] == ["sale_ended", None]
    assert shown["total"] == "15.00"
    assert basket.order().json()["code"] == "sale_ended"


def test_what_was_deleted_meanwhile_is_told_and_its_places_go_back(alpha, basket, shop):
    basket.add(shop.one)
    basket.add(shop.two)
    with in_tenant(alpha):
        TicketType.objects.get(pk=shop.one.pk).delete()
    shown = basket.shown()
    assert shown["lines"][0]["problem"]["code"] == "not_on_sale" and shown["lines"][0]["title"] == "Strings: Standard"
    sound(alpha)
    basket.call("delete", f"lines/{shown['lines'][0]['id']}/")
    with in_tenant(alpha):
        assert sorted(Quota.objects.values_list("held", flat=True)) == [0, 1]


def test_an_early_bird_that_is_held_stays_the_holders(alpha, basket, client_for):
    with in_tenant(alpha):
        kind = make_ticket_type(price_minor=2000, capacity=10)
        tier = TicketPriceTier.objects.create(ticket_type=kind, name="Early bird", price_minor=1000)
        Quota.objects.create(tier=tier, name="Early bird", capacity=2)
    assert basket.add(kind, 3).json()["total"] == "40.00"
    assert basket.shown()["lines"][0]["parts"] == [
        {"quantity": 2, "unit_price": "10.00", "tier": "Early bird"},
        {"quantity": 1, "unit_price": "20.00", "tier": ""},
    ]
    assert Basket(client_for(alpha)).add(kind).json()["total"] == "20.00"
    line = basket.shown()["lines"][0]["id"]
    assert basket.call("patch", f"lines/{line}/", {"quantity": 2}).json()["total"] == "20.00"
    assert basket.order().json()["total"] == "20.00"
    sound(alpha)


def test_a_type_that_joins_a_hall_meanwhile_claims_its_place_there_when_it_is_ordered(alpha, basket, shop):
    from tenant_apps.ticketing.draws import draw

    basket.add(shop.one, 2)
    with in_tenant(alpha):
        hall = make_quota(shop.one.event, capacity=5)
        draw(hall, [shop.one])
        hall.refresh_from_db()
        assert hall.held == 0
    assert basket.order().status_code == 201
    with in_tenant(alpha):
        hall.refresh_from_db()
        assert hall.held == 2
    sound(alpha)


def test_an_erased_persons_cart_goes_and_gives_back(alpha, shop, client_for):
    from shared_apps.core.personal import Person
    from tenant_apps.orders.personal import _end_carts

    with in_tenant(alpha):
        ann = make_user()
    Basket(client_for(alpha, ann)).add(shop.one, 2)
    with in_tenant(alpha):
        assert _end_carts(Person(ann.pk)) == 1
        assert Cart.objects.count() == 0
    assert held(alpha, shop.one) == (0, 0)
