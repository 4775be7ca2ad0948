"""Ticket types' limits with many buyers at once: real connections and real commits."""

from collections import Counter
from typing import Any

import pytest

from tenant_apps.orders import services as orders
from tenant_apps.orders.checkout import Basket, BasketLine, place_order
from tenant_apps.orders.models import Order, OrderLine
from tenant_apps.reports.invariants import breaches_in
from tenant_apps.ticketing import services
from tenant_apps.ticketing.models import Quota
from tenant_apps.ticketing.price_tiers import TierWish
from tenants.context import in_tenant
from tests.concurrency.test_races import at_once
from tests.factories import make_event, make_order, make_ticket_type, make_user

pytestmark = pytest.mark.usefixtures("transactional_db")


@pytest.mark.parametrize("price", [0, 1200])
def test_one_person_gets_no_more_than_their_share_by_ordering_at_once(alpha, price):
    with in_tenant(alpha):
        kind = make_ticket_type(price_minor=price, max_per_person=2)
    spellings = ["Same@example.test", "same@example.test", "SAME@EXAMPLE.TEST"]
    actions = [lambda n=n: make_order(kind, email=spellings[n % 3]) for n in range(24)]
    assert at_once(alpha, actions) == {"ok": 2, "too_many_per_person": 22}
    with in_tenant(alpha):
        quota = kind.quotas.get()
        assert quota.held + quota.sold == 2


def test_signed_in_and_as_a_guest_at_once_is_one_person(alpha):
    person = make_user("same@example.test")
    with in_tenant(alpha):
        kind = make_ticket_type(price_minor=0, max_per_person=3)

    def basket(number: int) -> Any:
        if number % 2:
            return lambda: make_order(kind, email="same@example.test")
        return lambda: make_order(kind, email="same@example.test", user=person)

    outcome = at_once(alpha, [basket(number) for number in range(20)])
    assert outcome == {"ok": 3, "too_many_per_person": 17}


def test_many_people_at_once_each_get_their_share(alpha):
    with in_tenant(alpha):
        kind = make_ticket_type(price_minor=0, max_per_person=1, capacity=None)
    actions = [lambda n=n: make_order(kind, email=f"b{n % 10}@example.test") for n in range(40)]
    assert at_once(alpha, actions) == {"ok": 10, "too_many_per_person": 30}


def test_exactly_so_many_are_sold_at_the_early_price_and_the_others_at_the_next(alpha):
    with in_tenant(alpha):
        event = make_event()
        quota = services.create_quota(event, "Places", 40, actor=None)
        kind = services.create_ticket_type(
            event,
            actor=None,
            name="Standard",
            price_minor=2000,
            quotas=[quota],
            tiers=[TierWish("Early", 1000, quantity=7), TierWish("Advance", 1500, quantity=5)],
        )
    basket = [BasketLine(kind.pk, 2)]
    actions = [lambda n=n: place_order(Basket(email=f"b{n}@example.test", lines=basket)) for n in range(24)]
    assert at_once(alpha, actions) == {"ok": 20, "sold_out": 4}
    with in_tenant(alpha):
        prices = Counter(OrderLine.objects.values_list("unit_price_minor", flat=True))
        assert prices == {1000: 7, 1500: 5, 2000: 28}
    assert breaches_in(alpha) == []


def test_a_quota_that_a_type_joins_in_the_middle_of_a_rush_counts_every_place(alpha):
    with in_tenant(alpha):
        kind = make_ticket_type(price_minor=0, capacity=100)
        paid = make_ticket_type(kind.event, price_minor=500, capacity=100, name="Paid")
        first = make_order(paid)
        Order.objects.filter(pk=first.pk).update(expires_at=first.created_at)

    def join(capacity: int) -> Any:
        return lambda: services.create_quota(kind.event, f"Hall {capacity}", capacity, [kind, paid], actor=None)

    buyers = [lambda n=n: make_order(kind if n % 3 else paid, email=f"b{n}@example.test") for n in range(40)]
    actions = [*buyers[:15], join(60), orders.expire_overdue, *buyers[15:30], join(70), *buyers[30:]]
    outcome = at_once(alpha, actions)
    assert outcome == {"ok": len(actions)}
    assert breaches_in(alpha) == []
    with in_tenant(alpha):
        for hall in Quota.objects.filter(name__startswith="Hall"):
            assert hall.held + hall.sold == 40
