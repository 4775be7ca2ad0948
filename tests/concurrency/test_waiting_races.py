"""Those who wait, those who buy, staff and two sweeps at once: real connections and real commits."""

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from tenant_apps.activity.models import AuditEntry
from tenant_apps.orders import services, waiting, waiting_offers, waiting_watch
from tenant_apps.orders.checkout import place_order
from tenant_apps.orders.models import Order, WaitingEntry
from tenant_apps.reports.invariants import breaches_in
from tenants.context import in_tenant
from tests.concurrency.test_races import at_once
from tests.factories import make_event, make_order, make_paid_order, make_quota, make_ticket_type

pytestmark = pytest.mark.usefixtures("transactional_db")


def sold_out(places: int, **fields: Any) -> tuple[Any, list[Order]]:
    kind = make_ticket_type(capacity=places, **fields)
    return kind, [make_paid_order(kind) for _ in range(places)]


def join(kind: Any, number: int, quantity: int = 1) -> WaitingEntry:
    email = f"waits{number}@example.test"
    return waiting.join(kind.event, ticket_type=kind.pk, quantity=quantity, email=email)


def take(entry: WaitingEntry) -> Order:
    return place_order(waiting.basket_of(entry), offer=entry)


def statuses() -> Counter[str]:
    return Counter(WaitingEntry.objects.values_list("status", flat=True))


def offered_twice() -> list[str]:
    told = Counter(AuditEntry.objects.filter(topic="waiting.offered").values_list("target", flat=True))
    return [target for target, times in told.items() if times > 1]


def test_no_freed_place_goes_to_a_buyer_while_somebody_waits_and_nobody_is_offered_twice(alpha):
    with in_tenant(alpha):
        kind, orders = sold_out(12)
        for number in range(20):
            join(kind, number)
    acts: list[Any] = []
    for order in orders:
        acts += [
            lambda order=order: services.cancel(order, by_staff=True),
            lambda: make_order(kind),
            waiting_watch.serve,
            lambda: make_order(kind),
        ]
    outcome = at_once(alpha, acts)
    assert outcome["sold_out"] == 24, outcome
    with in_tenant(alpha):
        assert statuses() == {"offered": 12, "waiting": 8}
        assert offered_twice() == []
        first = WaitingEntry.objects.order_by("joined_at", "pk")[:12]
        assert {entry.status for entry in first} == {"offered"}, "somebody was passed over"
        assert breaches_in(alpha) == []


def test_one_offer_is_one_order_however_often_it_is_taken(alpha):
    with in_tenant(alpha):
        kind, orders = sold_out(3)
        entry = join(kind, 1, 2)
        services.cancel(orders[0], by_staff=True)
        services.cancel(orders[1], by_staff=True)
        entry.refresh_from_db()
    outcome = at_once(alpha, [lambda: take(entry)] * 12)
    assert outcome == {"ok": 1, "offer_over": 11}
    with in_tenant(alpha):
        assert Order.objects.filter(email=entry.email).count() == 1
        assert kind.quotas.get().held == 2
        assert breaches_in(alpha) == []


def test_taking_leaving_removing_and_lapsing_at_once_leave_one_truth(alpha):
    for _round in range(5):
        with in_tenant(alpha):
            kind, orders = sold_out(1)
            entry, behind = join(kind, 1), join(kind, 2)
            services.cancel(orders[0], by_staff=True)
            entry.refresh_from_db()
            soon = timezone.now() + timedelta(milliseconds=20)
            WaitingEntry.objects.filter(pk=entry.pk).update(expires_at=soon)
        acts = [
            lambda entry=entry: take(entry),
            lambda entry=entry: waiting.leave(entry),
            lambda entry=entry: waiting.remove(entry, actor=None),
            waiting_watch.serve,
            waiting_watch.serve,
            lambda kind=kind: make_order(kind),
        ]
        at_once(alpha, acts, workers=6)
        with in_tenant(alpha):
            entry.refresh_from_db()
            behind.refresh_from_db()
            taken = entry.status == "taken"
            assert behind.status == ("waiting" if taken else "offered"), (entry.status, behind.status)
            assert kind.quotas.get().held == 1
            assert offered_twice() == []
            assert breaches_in(alpha) == []


def test_two_beats_take_overdue_offers_back_once_and_serve_the_next(alpha):
    with in_tenant(alpha):
        kind, orders = sold_out(6)
        for number in range(12):
            join(kind, number)
        for order in orders:
            services.cancel(order, by_staff=True)
        WaitingEntry.objects.filter(status="offered").update(expires_at=timezone.now())
    at_once(alpha, [waiting_watch.serve] * 6, workers=6)
    with in_tenant(alpha):
        assert statuses() == {"lapsed": 6, "offered": 6}
        assert AuditEntry.objects.filter(topic="waiting.lapsed").count() == 6
        assert offered_twice() == []
        assert breaches_in(alpha) == []


def test_one_address_that_joins_many_times_at_once_is_on_the_list_once(alpha):
    with in_tenant(alpha):
        kind, _orders = sold_out(1)
    assert at_once(alpha, [lambda: join(kind, 1)] * 12) == {"ok": 12}
    with in_tenant(alpha):
        assert WaitingEntry.objects.count() == 1
        assert AuditEntry.objects.filter(topic="waiting.joined").count() == 1


def test_groups_and_types_that_share_a_hall_neither_deadlock_nor_lose_a_place(alpha):
    with in_tenant(alpha):
        event = make_event()
        kinds = [make_ticket_type(event, capacity=8, name=f"Type {number}") for number in range(3)]
        hall = make_quota(event, capacity=12, name="Hall", ticket_types=kinds)
        orders = [make_paid_order(kinds[number % 3]) for number in range(12)]
        entries = [join(kinds[number % 3], number, 1 + number % 3) for number in range(12)]
    acts: list[Any] = []
    for number, order in enumerate(orders):
        acts += [
            lambda order=order: services.cancel(order, by_staff=True),
            lambda entry=entries[number]: waiting.leave(entry) if entry.quantity == 2 else waiting_watch.serve(),
            lambda kind=kinds[number % 3]: make_order(kind),
        ]
    outcome = at_once(alpha, acts)
    assert set(outcome) <= {"ok", "sold_out"}, outcome
    with in_tenant(alpha):
        waiting_watch.serve()
        hall.refresh_from_db()
        assert hall.held + hall.sold <= 12
        assert breaches_in(alpha) == []
        assert offered_twice() == []
        for entry in WaitingEntry.objects.filter(status="offered"):
            assert take(entry).lines.count() == entry.quantity
        assert waiting_offers.give_back_overdue([hall.pk]) == 0
        assert breaches_in(alpha) == []
