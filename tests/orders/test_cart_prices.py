"""What a cart says that it costs, with vouchers, discounts and fees, is what its order costs."""

from datetime import timedelta

import pytest
from django.utils import timezone

from tenant_apps.orders import carts
from tenant_apps.orders.models import Cart, Order
from tenant_apps.ticketing.models import Quota
from tenants.context import in_tenant
from tests.factories import make_event, make_quota, make_ticket_type, make_user
from tests.orders.shops import Basket, held, make_voucher, sound


def test_another_total_than_was_told_is_not_charged(alpha, shop):
    from tenant_apps.orders.cart_checkout import basket_of
    from tenant_apps.orders.checkout import place_order
    from tenant_apps.orders.errors import CartChanged, TotalChanged

    with in_tenant(alpha):
        visitor = carts.Visitor(make_user())
        cart = carts.add(visitor, [carts.BasketLine(shop.one.pk, 2)])
        with pytest.raises(TotalChanged):
            place_order(basket_of(cart, email="a@example.test", told_minor=1))
        with pytest.raises(CartChanged):
            carts.add(visitor, [carts.BasketLine(shop.two.pk)])
            place_order(basket_of(cart, email="a@example.test"))
        assert Order.objects.count() == 0 and Cart.objects.count() == 1
    sound(alpha)


def test_a_voucher_makes_the_cart_cheaper_and_is_used_up_by_the_order_only(alpha, basket, shop):
    voucher = make_voucher(alpha, max_uses=1)
    basket.add(shop.one, 2)
    shown = basket.call("put", "voucher/", {"code": " spring "}).json()
    assert (shown["voucher"], shown["voucher_problem"], shown["discount"]) == ("SPRING", None, "4.80")
    assert shown["lines"][0]["applied"] == [{"kind": "voucher", "name": "SPRING", "amount": "4.80"}]
    with in_tenant(alpha):
        voucher.refresh_from_db()
        assert voucher.used == 0
    assert basket.call("delete", "voucher/").json()["total"] == "24.00"
    basket.call("put", "voucher/", {"code": "SPRING"})
    assert basket.order().json()["total"] == "19.20"
    with in_tenant(alpha):
        voucher.refresh_from_db()
        assert voucher.used == 1
    sound(alpha)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"active": False}, "voucher_unknown"),
        ({"valid_until": timezone.now() - timedelta(hours=1)}, "voucher_expired"),
        ({"valid_from": timezone.now() + timedelta(hours=1)}, "voucher_not_started"),
        ({"of_the_other": True}, "voucher_not_applicable"),
    ],
)
def test_a_code_that_does_nothing_here_is_refused_and_not_kept(alpha, basket, shop, fields, code):
    make_voucher(alpha, **({"ticket_types": [shop.two.pk]} if "of_the_other" in fields else fields))
    basket.add(shop.one)
    refused = basket.call("put", "voucher/", {"code": "SPRING"})
    assert refused.json()["code"] == code and refused.json()["errors"][0]["field"] == "code"
    assert basket.shown()["voucher"] is None
    for typed in ("", "x" * 41, None, 7.5, ["SPRING"]):
        assert basket.call("put", "voucher/", {"code": typed}).status_code == 400


def test_a_code_that_an_overdue_order_has_comes_onto_the_cart_without_any_job(alpha, basket, shop, client_for):
    make_voucher(alpha, max_uses=1)
    other = Basket(client_for(alpha))
    for each in (other, basket):
        each.add(shop.one)
    other.call("put", "voucher/", {"code": "SPRING"})
    assert other.order(email="other@example.test").status_code == 201
    assert basket.call("put", "voucher/", {"code": "SPRING"}).json()["code"] == "voucher_used_up"
    with in_tenant(alpha):
        Order.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert basket.call("put", "voucher/", {"code": " spring "}).status_code == 200
    assert basket.order(key="key-2").status_code == 201
    sound(alpha)


def test_a_code_of_another_tenant_is_unknown(alpha, beta, basket, shop):
    make_voucher(beta)
    basket.add(shop.one)
    assert basket.call("put", "voucher/", {"code": "SPRING"}).json()["code"] == "voucher_unknown"


def test_a_code_that_ends_while_it_is_on_the_cart_is_told_and_the_order_refused(alpha, basket, shop):
    from tenant_apps.promotions.models import Voucher

    make_voucher(alpha)
    basket.add(shop.one)
    basket.call("put", "voucher/", {"code": "SPRING"})
    with in_tenant(alpha):
        Voucher.objects.update(active=False)
    shown = basket.shown()
    assert shown["voucher_problem"]["code"] == "voucher_unknown" and shown["total"] == "12.00"
    assert basket.order().json()["code"] == "voucher_unknown"


def test_a_code_opens_a_hidden_type_before_anything_is_in_the_cart(alpha, basket, shop, client_for):
    with in_tenant(alpha):
        hidden = make_ticket_type(shop.one.event, name="Friends", hidden=True, price_minor=500)
    make_voucher(alpha, percent=0, opens_hidden=True, ticket_types=[hidden.pk])
    assert basket.add(hidden).json()["code"] == "does_not_exist"
    assert basket.call("put", "voucher/", {"code": "SPRING"}).status_code == 200
    assert basket.add(hidden).json()["total"] == "5.00"
    assert Basket(client_for(alpha)).add(hidden).json()["code"] == "does_not_exist"
    assert basket.order().status_code == 201
    sound(alpha)


def test_places_that_a_code_keeps_come_into_the_cart_of_whoever_brings_it(alpha, basket, shop, client_for):
    with in_tenant(alpha):
        quota = Quota.objects.get(ticket_types=shop.one)
    make_voucher(alpha, quota=quota, reserved=2)
    assert held(alpha, shop.one) == (2, 0)
    other = Basket(client_for(alpha))
    assert other.add(shop.one, 1).status_code == 201
    assert other.add(shop.one, 1).json()["code"] == "sold_out"
    basket.call("put", "voucher/", {"code": "SPRING"})
    added = basket.add(shop.one, 2)
    assert added.status_code == 201, added.json()
    assert basket.shown()["lines"][0]["held"] is True
    sound(alpha)
    assert basket.order().status_code == 201
    assert held(alpha, shop.one) == (3, 0)
    sound(alpha)


def test_places_that_a_code_keeps_are_counted_once_however_many_lines_draw_from_them(alpha, basket, client_for):
    with in_tenant(alpha):
        event = make_event()
        front, back = make_ticket_type(event, capacity=None), make_ticket_type(event, capacity=None)
        house = make_quota(event, capacity=4, ticket_types=(front, back))
    make_voucher(alpha, quota=house, reserved=2)
    basket.call("put", "voucher/", {"code": "SPRING"})
    for kind in (front, back):
        assert basket.add(kind, 2).status_code == 201
    assert [line["held"] for line in basket.shown()["lines"]] == [True, True]
    with in_tenant(alpha):
        house.refresh_from_db()
        assert house.held == 4
    # What the cart holds nobody else gets while it is being paid for.
    assert Basket(client_for(alpha)).add(front).json()["code"] == "sold_out"
    assert basket.order().status_code == 201
    sound(alpha)


def test_fees_discounts_and_delivery_tax_are_told_in_the_cart_as_they_are_charged(alpha, basket, shop):
    from tenant_apps.promotions import services
    from tenant_apps.staff.site_settings import change_settings
    from tests.factories import owner_of

    with in_tenant(alpha):
        wanted = {"service_fee_name": "Booking", "service_fee_fixed": "0.50", "tax_rate": "20"}
        change_settings({**wanted, "prices_include_tax": False}, actor=owner_of(alpha))
        services.create_discount(actor=None, name="Group", kind="percent", percent=10, min_quantity=2)
    basket.add(shop.one, 2)
    basket.add(shop.shirt)
    shown = basket.call("put", "delivery/", {"method": shop.courier.pk}).json()
    assert shown["fee_lines"][0]["name"] == "Booking" and shown["lines"][0]["applied"][0]["name"] == "Group"
    placed = basket.order(delivery={"name": "Ann", "city": "Berlin", "street": "Linden"}).json()
    for name in ("subtotal", "discount", "fees", "tax", "delivery_total", "total", "fee_lines"):
        assert placed[name] == shown[name], name
    assert shown["delivery_total"] == "6.00"  # its tax is added


def counted(act):
    """How many statements of ours it takes; switching schemas is the tests' own affair."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as statements:
        act()
    return [each["sql"] for each in statements if "search_path" not in each["sql"]]


def test_a_cart_costs_few_statements_and_an_order_of_it_locks_no_counter_that_does_not_change(alpha, basket, shop):
    basket.add(shop.one)
    assert len(adding := counted(lambda: basket.add(shop.two))) <= 16, adding
    assert len(showing := counted(basket.shown)) <= 6, showing
    ordering = counted(lambda: basket.order())
    assert not [sql for sql in ordering if sql.startswith('UPDATE "ticketing_quota"')], ordering
