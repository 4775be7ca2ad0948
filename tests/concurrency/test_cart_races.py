"""Carts at once, with real connections and real commits: nothing is held twice, given back twice, or lost (M1, M3)."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from tenant_apps.orders import cart_holds, carts
from tenant_apps.orders.cart_checkout import basket_of
from tenant_apps.orders.cart_tokens import id_of, token_of
from tenant_apps.orders.carts import Visitor
from tenant_apps.orders.checkout import BasketLine, place_order
from tenant_apps.orders.models import Cart, CartLine, Order
from tenant_apps.orders.services import expire_overdue
from tenant_apps.reports.invariants import breaches_in
from tenants.context import in_tenant
from tests.concurrency.test_races import at_once
from tests.factories import make_event, make_quota, make_ticket_type, make_user
from tests.orders.shops import make_shirt

pytestmark = pytest.mark.usefixtures("transactional_db")


def overdue(**which: Any) -> None:
    Cart.objects.filter(**which).update(expires_at=timezone.now() - timedelta(seconds=1))


@pytest.mark.parametrize("places", [1, 7])
def test_carts_hold_exactly_as_many_places_as_there_are(alpha, places):
    with in_tenant(alpha):
        kind = make_ticket_type(capacity=places)
    outcome = at_once(alpha, [lambda: carts.add(Visitor(), [BasketLine(kind.pk)])] * 50)
    assert outcome == {"ok": places, "sold_out": 50 - places}
    with in_tenant(alpha):
        assert kind.quotas.get().held == places == CartLine.objects.count()
    assert breaches_in(alpha) == []


def test_mixed_carts_in_any_order_neither_deadlock_nor_hold_too_much(alpha):
    with in_tenant(alpha):
        event = make_event()
        kinds = [make_ticket_type(event, capacity=12, name=f"Type {number}") for number in range(5)]
        make_quota(event, capacity=45, name="House", ticket_types=kinds)
        shirts = [make_shirt(f"Shirt {number}", capacity=12) for number in range(3)]

    def fill(seed: int) -> Any:
        tickets = [BasketLine(kinds[(seed * 3 + step * (1 + seed % 4)) % 5].pk) for step in range(2)]
        goods = [BasketLine(variant=shirts[(seed + step) % 3].pk) for step in range(2)]
        wishes = [*tickets, *goods] if seed % 2 else [*goods, *tickets]
        return lambda: carts.add(Visitor(), wishes)

    outcome = at_once(alpha, [fill(seed) for seed in range(60)])
    assert set(outcome) <= {"ok", "sold_out"} and outcome["ok"] >= 12
    assert breaches_in(alpha) == []


def test_places_of_overdue_carts_are_fought_over_and_given_back_once(alpha):
    with in_tenant(alpha):
        kind, shirt = make_ticket_type(capacity=6), make_shirt(capacity=6)
        for _number in range(3):
            carts.add(Visitor(), [BasketLine(kind.pk, 2), BasketLine(variant=shirt.pk, quantity=2)])
        overdue()
    # Buyers, the sweep, and the carts' own lines, all at once.
    both = [BasketLine(kind.pk), BasketLine(variant=shirt.pk)]
    acts: list[Any] = [lambda: carts.add(Visitor(), both), cart_holds.clear_overdue, expire_overdue] * 15
    outcome = at_once(alpha, acts)
    assert outcome == {"ok": 36, "sold_out": 9}
    with in_tenant(alpha):
        shirt.refresh_from_db()
        assert (kind.quotas.get().held, shirt.held) == (6, 6)
    assert breaches_in(alpha) == []


def test_a_cart_is_ordered_once_however_many_buttons_are_pressed(alpha):
    with in_tenant(alpha):
        kind = make_ticket_type(capacity=9)
        cart = carts.add(Visitor(), [BasketLine(kind.pk, 3)])
        visitor = Visitor(None, cart.pk)

    def order() -> None:
        found = carts.find(visitor)
        if found is None:
            raise carts.errors.CartEmpty
        place_order(basket_of(found, email="ada@example.test"))

    outcome = at_once(alpha, [order] * 20)
    assert outcome["ok"] == 1 and set(outcome) <= {"ok", "cart_changed", "cart_empty"}
    with in_tenant(alpha):
        assert Order.objects.count() == 1 and Cart.objects.count() == 0 and kind.quotas.get().held == 3
    assert breaches_in(alpha) == []


def test_ordering_changing_and_clearing_one_cart_at_once_leave_one_truth(alpha):
    for _round in range(5):
        with in_tenant(alpha):
            kind = make_ticket_type(capacity=4)
            cart = carts.add(Visitor(), [BasketLine(kind.pk, 2)])
            visitor, line = Visitor(None, cart.pk), cart.lines.get().pk
            overdue(pk=cart.pk)

        def order(visitor: Visitor = visitor) -> None:
            found = carts.find(visitor)
            if found is not None:
                place_order(basket_of(found, email="ada@example.test"))

        def change(visitor: Visitor = visitor, line: Any = line) -> None:
            carts.change(visitor, line, 3)

        def other(kind: Any = kind) -> None:
            carts.add(Visitor(), [BasketLine(kind.pk, 2)])

        def remove(visitor: Visitor = visitor, line: Any = line) -> None:
            carts.remove(visitor, line)

        outcome = at_once(alpha, [order, change, cart_holds.clear_overdue, other, remove, order, change])
        assert set(outcome) <= {"ok", "sold_out", "cart_changed", "cart_empty", "not_found"}
        assert breaches_in(alpha) == []


def test_a_first_click_pressed_twice_makes_one_cart(alpha):
    with in_tenant(alpha):
        kind, ann = make_ticket_type(capacity=50), make_user()
        given = id_of(token_of(carts.uuid.uuid4()))
    outcome = at_once(alpha, [lambda: carts.add(Visitor(ann, given), [BasketLine(kind.pk)])] * 12)
    assert outcome == {"ok": 12}
    with in_tenant(alpha):
        assert Cart.objects.get().user_id == ann.pk and CartLine.objects.get().quantity == 12
    assert breaches_in(alpha) == []


def test_a_guests_cart_is_taken_over_once_by_many_pages_at_once(alpha):
    with in_tenant(alpha):
        kind, ann = make_ticket_type(capacity=50), make_user()
        carts.add(Visitor(ann), [BasketLine(kind.pk, 2)])
        guest = carts.add(Visitor(), [BasketLine(kind.pk, 3)])
    outcome = at_once(alpha, [lambda: carts.find(Visitor(ann, guest.pk))] * 12)
    assert outcome == {"ok": 12}
    with in_tenant(alpha):
        assert CartLine.objects.get().quantity == 5 and kind.quotas.get().held == 5
    assert breaches_in(alpha) == []
