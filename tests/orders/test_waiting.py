"""Waiting lists: who joins, what is offered to whom and when, and where the places go."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from shared_apps.core.errors import SoldOut
from tenant_apps.events import services as events
from tenant_apps.orders import errors, services, waiting, waiting_offers, waiting_watch
from tenant_apps.orders.checkout import Basket, BasketLine, place_order
from tenant_apps.orders.models import Order, WaitingEntry
from tenant_apps.payments.services import mark_paid
from tenant_apps.reports.invariants import breaches_in
from tenant_apps.ticketing import services as ticketing
from tenants.models import Tenant
from tests.factories import make_event, make_order, make_paid_order, make_quota, make_ticket_type, owner_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_alpha")]


@pytest.fixture(autouse=True)
def counters_add_up(alpha: Tenant) -> Any:
    """Whatever a test does: counters equal what orders and offers hold (M1)."""
    yield
    assert [each.found for each in breaches_in(alpha)] == []


def sold_out(places: int = 2, **fields: Any) -> tuple[Any, list[Order]]:
    """A type of so many places, each sold to somebody."""
    kind = make_ticket_type(capacity=places, **fields)
    return kind, [make_paid_order(kind) for _ in range(places)]


def join(kind: Any, email: str, quantity: int = 1, **options: Any) -> WaitingEntry:
    return waiting.join(kind.event, ticket_type=kind.pk, quantity=quantity, email=email, **options)


def again(entry: WaitingEntry) -> WaitingEntry:
    return WaitingEntry.objects.get(pk=entry.pk)


def quota_of(kind: Any) -> Any:
    return kind.quotas.get()


def prefer(tenant: Tenant, **preferences: Any) -> None:
    tenant.preferences = {**tenant.preferences, **preferences}


def take(entry: WaitingEntry) -> Order:
    kind = entry.ticket_type
    line = BasketLine(ticket_type=kind.pk, quantity=entry.quantity)
    return place_order(Basket(email=entry.email, lines=[line], unlocked=[kind.pk]), offer=entry)


def test_a_cancelled_place_is_held_for_whoever_came_first_before_anybody_can_buy_it() -> None:
    kind, orders = sold_out()
    first, second = join(kind, "first@example.test"), join(kind, "second@example.test")
    services.cancel(orders[0], by_staff=True)
    offered = again(first)
    assert (offered.status, offered.held) == ("offered", 1)
    assert again(second).status == "waiting"
    assert (quota_of(kind).held, quota_of(kind).sold) == (1, 1)
    with pytest.raises(SoldOut):
        make_order(kind)


def test_what_is_offered_becomes_an_order_and_was_never_free_in_between() -> None:
    kind, orders = sold_out()
    entry = join(kind, "first@example.test")
    services.cancel(orders[0], by_staff=True)
    order = take(again(entry))
    assert (order.status, quota_of(kind).held, quota_of(kind).sold) == ("pending", 1, 1)
    assert (again(entry).status, again(entry).held, again(entry).order_id) == ("taken", 0, order.pk)
    mark_paid(order)
    assert (quota_of(kind).held, quota_of(kind).sold) == (0, 2)
    with pytest.raises(errors.OfferOver):
        take(again(entry))


def test_an_offer_of_something_free_is_sold_at_once_with_its_tickets() -> None:
    kind, orders = sold_out(price_minor=0)
    entry = join(kind, "first@example.test")
    services.cancel(orders[0], by_staff=True)
    order = take(again(entry))
    assert (order.status, quota_of(kind).held, quota_of(kind).sold) == ("paid", 0, 2)
    assert order.lines.get().ticket is not None


def test_an_order_made_of_an_offer_that_is_not_paid_goes_to_the_next() -> None:
    kind, orders = sold_out()
    first, second = join(kind, "first@example.test"), join(kind, "second@example.test")
    services.cancel(orders[0], by_staff=True)
    order = take(again(first))
    Order.objects.filter(pk=order.pk).update(expires_at=timezone.now())
    services.expire_overdue()
    assert (again(first).status, again(second).status) == ("taken", "offered")


def test_an_overdue_offer_is_sold_to_who_buys_then_even_if_no_job_has_run() -> None:
    kind, orders = sold_out()
    entry = join(kind, "first@example.test")
    services.cancel(orders[0], by_staff=True)
    WaitingEntry.objects.filter(pk=entry.pk).update(expires_at=timezone.now())
    assert make_order(kind).status == "pending"
    assert again(entry).status == "lapsed"
    with pytest.raises(errors.OfferOver):
        take(again(entry))


def test_an_overdue_offer_goes_to_the_next_and_not_to_who_happens_to_buy() -> None:
    kind, orders = sold_out()
    first, second = join(kind, "first@example.test"), join(kind, "second@example.test")
    services.cancel(orders[0], by_staff=True)
    WaitingEntry.objects.filter(pk=first.pk).update(expires_at=timezone.now())
    with pytest.raises(SoldOut):
        make_order(kind)
    waiting_watch.serve()
    assert (again(first).status, again(second).status) == ("lapsed", "offered")


def test_who_declines_or_is_removed_gives_the_places_back_once() -> None:
    kind, orders = sold_out()
    entries = [join(kind, f"person{number}@example.test") for number in range(3)]
    services.cancel(orders[0], by_staff=True)
    waiting.leave(again(entries[0]))
    waiting.leave(again(entries[0]))
    waiting.remove(again(entries[1]), actor=owner_of(alpha_of()))
    assert [again(each).status for each in entries] == ["declined", "removed", "offered"]
    assert quota_of(kind).held == 1
    waiting.leave(again(entries[2]))
    assert quota_of(kind).held == 0
    assert make_order(kind).status == "pending"


def alpha_of() -> Tenant:
    from tenants.context import current_tenant

    return current_tenant()


def test_raising_the_capacity_serves_the_list_before_the_open_sale() -> None:
    kind, _orders = sold_out()
    entries = [join(kind, f"person{number}@example.test") for number in range(3)]
    ticketing.change_quota(quota_of(kind), actor=None, capacity=4)
    assert [again(each).status for each in entries] == ["offered", "offered", "waiting"]
    assert quota_of(kind).free == 0


def test_where_the_tenant_lets_the_open_sale_come_first_who_waits_gets_what_is_left() -> None:
    kind, orders = sold_out()
    entry = join(kind, "first@example.test")
    tenant = alpha_of()
    before = tenant.preferences
    prefer(tenant, waiting_list_first=False)
    try:
        services.cancel(orders[0], by_staff=True)
        services.cancel(orders[1], by_staff=True)
        assert again(entry).status == "waiting"
        assert make_order(kind).status == "pending"
        assert waiting_watch.serve() == 1
    finally:
        tenant.preferences = before
    assert again(entry).status == "offered"


def test_a_group_gets_all_its_places_or_none() -> None:
    kind, orders = sold_out(4)
    group = join(kind, "group@example.test", 3)
    services.cancel(orders[0], by_staff=True)
    services.cancel(orders[1], by_staff=True)
    assert (again(group).status, again(group).held) == ("collecting", 2)
    with pytest.raises(errors.OfferOver):
        take(again(group))
    services.cancel(orders[2], by_staff=True)
    assert (again(group).status, again(group).held) == ("offered", 3)
    assert len(take(again(group)).lines.all()) == 3


def test_a_group_that_collected_in_vain_lets_others_pass_and_keeps_its_place_in_line() -> None:
    kind, orders = sold_out(3)
    group, single = join(kind, "group@example.test", 3), join(kind, "single@example.test")
    services.cancel(orders[0], by_staff=True)
    assert (again(group).held, again(single).status) == (1, "waiting")
    WaitingEntry.objects.filter(pk=group.pk).update(expires_at=timezone.now())
    waiting_watch.serve()
    assert (again(group).status, again(group).held, again(single).status) == ("waiting", 0, "offered")
    waiting.leave(again(single))
    # Passed over: what is too little for it is on sale; enough at once is its own.
    assert quota_of(kind).free == 1
    late = join(kind, "late@example.test", 2)
    services.cancel(orders[1], by_staff=True)
    services.cancel(orders[2], by_staff=True)
    assert (again(late).status, again(group).status) == ("offered", "waiting")


def test_nothing_is_put_aside_for_groups_where_the_tenant_does_not_want_it() -> None:
    kind, orders = sold_out(3)
    tenant = alpha_of()
    before = tenant.preferences
    prefer(tenant, waiting_list_group_hours=0)
    try:
        group, single = join(kind, "group@example.test", 2), join(kind, "single@example.test")
        services.cancel(orders[0], by_staff=True)
    finally:
        tenant.preferences = before
    assert (again(group).status, again(single).status) == ("waiting", "offered")


def test_types_that_share_a_quota_are_one_line_and_a_fuller_quota_blocks_only_its_own() -> None:
    event = make_event()
    seats, standing = (make_ticket_type(event, name=name, capacity=5) for name in ("Seat", "Standing"))
    hall = make_quota(event, capacity=2, ticket_types=[seats, standing])
    orders = [make_paid_order(seats), make_paid_order(standing)]
    stands, sits = join(standing, "stands@example.test"), join(seats, "sits@example.test")
    services.cancel(orders[0], by_staff=True)
    assert (again(stands).status, again(sits).status) == ("offered", "waiting")
    hall.refresh_from_db()
    assert hall.held == 1
    assert take(again(stands)).status == "pending"


def test_what_is_held_counts_in_a_quota_that_the_type_joins_later() -> None:
    kind, orders = sold_out()
    entry = join(kind, "first@example.test")
    services.cancel(orders[0], by_staff=True)
    hall = ticketing.create_quota(kind.event, "Hall", 2, [kind])
    hall.refresh_from_db()
    assert (hall.held, hall.sold) == (1, 1)
    assert sorted(again(entry).quotas) == sorted([quota.pk for quota in kind.quotas.all()])
    take(again(entry))
    hall.refresh_from_db()
    assert (hall.held, hall.sold) == (1, 1)


def test_joining_twice_is_joining_once_whatever_the_case_of_the_address() -> None:
    kind, _orders = sold_out()
    first = join(kind, "Person@Example.test")
    assert join(kind, "person@example.test", 2) == first
    assert again(first).quantity == 1
    waiting.leave(first)
    assert join(kind, "person@example.test") != first


@pytest.mark.parametrize("quantity", [0, -1, 21, 10**30])
def test_a_quantity_that_no_order_may_have_is_refused(quantity: int) -> None:
    kind, _orders = sold_out()
    with pytest.raises(errors.WrongQuantity):
        join(kind, "person@example.test", quantity)


def test_one_waits_only_for_what_is_on_sale_and_sold_out() -> None:
    kind, orders = sold_out()
    refusals: list[tuple[type[Exception], dict[str, Any]]] = [
        (errors.SaleEnded, {"sale_ends_at": timezone.now()}),
        (errors.SaleNotStarted, {"sale_starts_at": timezone.now() + timedelta(hours=1), "sale_ends_at": None}),
        (errors.UnknownTicketType, {"sale_starts_at": None, "hidden": True}),
        (errors.WaitingListClosed, {"hidden": False, "waiting_list": False}),
    ]
    for refusal, changes in refusals:
        type(kind).objects.filter(pk=kind.pk).update(**changes)
        with pytest.raises(refusal):
            join(kind, "person@example.test")
    type(kind).objects.filter(pk=kind.pk).update(waiting_list=True)
    services.cancel(orders[0], by_staff=True)
    with pytest.raises(errors.NotSoldOut):
        join(kind, "person@example.test")
    assert join(kind, "group@example.test", 2).status == "waiting"
    other = make_event()
    with pytest.raises(errors.UnknownTicketType):
        waiting.join(other, ticket_type=kind.pk, quantity=1, email="person@example.test")


def test_places_of_an_order_whose_time_is_up_are_not_waited_for() -> None:
    kind = make_ticket_type(capacity=1)
    order = make_order(kind)
    Order.objects.filter(pk=order.pk).update(expires_at=timezone.now())
    with pytest.raises(errors.NotSoldOut):
        join(kind, "person@example.test")


def test_a_list_that_is_closed_or_over_offers_nothing() -> None:
    kind, orders = sold_out()
    entry = join(kind, "first@example.test")
    type(kind).objects.filter(pk=kind.pk).update(waiting_list=False)
    services.cancel(orders[0], by_staff=True)
    assert again(entry).status == "waiting"
    type(kind).objects.filter(pk=kind.pk).update(waiting_list=True)
    assert waiting_watch.serve() == 1
    events.cancel(kind.event, actor=None)
    waiting_watch.serve()
    assert (again(entry).status, quota_of(kind).held) == ("closed", 0)


def test_an_offer_ends_with_the_sale_at_the_latest() -> None:
    ends = timezone.now() + timedelta(hours=2)
    kind, orders = sold_out(sale_ends_at=ends)
    entry = join(kind, "first@example.test")
    services.cancel(orders[0], by_staff=True)
    assert again(entry).expires_at == ends


def test_staff_offer_places_out_of_turn_only_if_there_are_any() -> None:
    kind, orders = sold_out(3)
    group, late = join(kind, "group@example.test", 3), join(kind, "late@example.test")
    with pytest.raises(SoldOut):
        waiting_offers.offer_now(late, actor=None)
    WaitingEntry.objects.filter(pk=group.pk).update(passed_at=timezone.now())
    type(kind).objects.filter(pk=kind.pk).update(waiting_list=False)
    services.cancel(orders[0], by_staff=True)
    assert waiting_offers.offer_now(late, actor=owner_of(alpha_of())).status == "offered"
    assert again(group).status == "waiting"


def test_what_was_overdue_when_it_was_read_and_is_not_any_more_stays() -> None:
    kind, orders = sold_out()
    group = join(kind, "group@example.test", 2)
    services.cancel(orders[0], by_staff=True)
    stale = again(group)
    WaitingEntry.objects.filter(pk=group.pk).update(expires_at=timezone.now())
    services.cancel(orders[1], by_staff=True)
    assert again(group).status == "offered"
    waiting_offers.end(stale, WaitingEntry.Status.LAPSED, overdue=True)
    assert (again(group).status, again(group).held) == ("offered", 2)
