"""The dashboard's numbers are the numbers of the rows, per tenant, per currency, per day of the tenant's calendar."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.utils import timezone

from tenant_apps.events.models import Event
from tenant_apps.orders import services
from tenant_apps.orders.models import Order
from tenant_apps.reports.queries import Change, event_numbers, headline, sales_per_day, ticket_type_numbers
from tenant_apps.ticketing.codes import code_text
from tenant_apps.ticketing.models import CheckInList, Ticket
from tenant_apps.ticketing.scanning import scan
from tenants.context import in_tenant
from tests.factories import make_event, make_order, make_paid_order, make_quota, make_ticket_type


def test_an_event_knows_its_sold_held_and_free_places_its_money_and_who_came(in_alpha):
    event = make_event()
    standard = make_ticket_type(event, price_minor=1250, capacity=10)
    make_ticket_type(event, price_minor=0, capacity=5, name="Free")
    paid = make_paid_order(standard, quantity=3)
    make_paid_order(standard, quantity=1)
    make_order(standard, quantity=2)
    services.cancel(make_order(standard, quantity=1), by_staff=True)
    entrance = CheckInList.objects.create(event=event, name="Door")
    ticket = Ticket.objects.filter(order_line__order=paid).first()
    for number in range(2):
        scan(entrance, code_text(ticket), f"scan-{number}", by=None)
    numbers = event_numbers([event])[event.pk]
    assert (numbers.capacity, numbers.sold, numbers.held, numbers.free) == (15, 4, 2, 9)
    assert (numbers.revenue_minor, numbers.currency, numbers.orders) == (5000, "EUR", 2)
    assert numbers.checked_in == 1
    assert (numbers.sold_percent, numbers.held_percent, numbers.checked_in_percent) == (26, 13, 25)


def test_a_quota_for_all_types_bounds_the_whole_event(in_alpha):
    event = make_event()
    types = [make_ticket_type(event, capacity=80, name=name) for name in ("Seat", "Standing")]
    make_quota(event, capacity=100, name="Hall", ticket_types=types)
    assert event_numbers([event])[event.pk].capacity == 100


def test_an_event_without_limit_has_no_capacity_and_one_without_types_no_places(in_alpha):
    free, empty = make_event(), make_event()
    make_ticket_type(free, capacity=None)
    numbers = event_numbers([free, empty])
    assert numbers[free.pk].capacity is None
    assert numbers[free.pk].sold_percent == 0
    assert numbers[empty.pk].capacity == 0


def test_numbers_of_fifty_events_take_four_statements(in_alpha, django_assert_num_queries):
    for _ in range(3):
        make_paid_order(make_ticket_type(make_event()))
    events = list(Event.objects.all())
    with django_assert_num_queries(4):
        event_numbers(events)


def test_each_ticket_type_has_its_own_numbers(in_alpha):
    event = make_event()
    standard = make_ticket_type(event, price_minor=1000, capacity=10, name="Standard")
    student = make_ticket_type(event, price_minor=500, capacity=4, name="Student")
    make_paid_order(standard, quantity=2)
    make_order(student)
    rows = {ticket_type.name: numbers for ticket_type, numbers in ticket_type_numbers(event)}
    assert (rows["Standard"].sold, rows["Standard"].revenue_minor, rows["Standard"].capacity) == (2, 2000, 10)
    assert (rows["Student"].sold, rows["Student"].held, rows["Student"].capacity) == (0, 1, 4)


def paid_at(order: Order, moment: datetime) -> Order:
    Order.objects.filter(pk=order.pk).update(paid_at=moment)
    return order


def test_the_four_numbers_are_compared_with_the_period_before(in_alpha):
    now = timezone.now()
    ticket_type = make_ticket_type(price_minor=1000)
    paid_at(make_paid_order(ticket_type, quantity=3), now - timedelta(days=2))
    paid_at(make_paid_order(ticket_type, quantity=1), now - timedelta(days=40))
    paid_at(make_paid_order(ticket_type, quantity=1), now - timedelta(days=41))
    paid_at(make_paid_order(ticket_type, quantity=4), now - timedelta(days=70))
    numbers = headline(days=30, now=now)
    assert numbers.revenue == {"EUR": Change(3000, 2000)}
    assert numbers.revenue["EUR"].percent == 50
    assert numbers.tickets == Change(3, 2)
    assert numbers.orders == Change(1, 2)
    assert (numbers.orders.percent, numbers.orders.direction) == (-50, "down")
    assert numbers.checked_in == Change(0, 0)
    assert numbers.checked_in.percent is None


def test_staff_of_one_event_see_the_numbers_of_that_event_only(in_alpha):
    mine, other = make_event(), make_event()
    make_paid_order(make_ticket_type(mine, price_minor=1000))
    make_paid_order(make_ticket_type(other, price_minor=9000))
    numbers = headline(now=timezone.now() + timedelta(seconds=1), events=Event.objects.filter(pk=mine.pk))
    assert numbers.revenue == {"EUR": Change(1000, 0)}
    assert sum(day.tickets for day in sales_per_day(events=Event.objects.filter(pk=mine.pk))) == 1


def test_a_new_tenant_has_zeros_in_its_own_currency(in_alpha):
    assert headline().revenue == {"EUR": Change(0, 0)}


def test_a_day_is_the_tenants_day(in_alpha):
    # 22:30 UTC in January is 23:30 in Berlin; 23:30 UTC is half past midnight there, the next day.
    ticket_type = make_ticket_type(price_minor=1000)
    paid_at(make_paid_order(ticket_type), datetime(2031, 1, 9, 22, 30, tzinfo=UTC))
    paid_at(make_paid_order(ticket_type, quantity=2), datetime(2031, 1, 9, 23, 30, tzinfo=UTC))
    days = sales_per_day(days=7, now=datetime(2031, 1, 10, 12, 0, tzinfo=UTC))
    assert [day.day for day in days] == [date(2031, 1, number) for number in range(4, 11)]
    assert [(day.tickets, day.orders) for day in days[-2:]] == [(1, 1), (2, 1)]
    assert days[-1].revenue == {"EUR": 2000}
    assert days[0].revenue == {}


def test_no_number_of_one_tenant_counts_what_another_sold(alpha, beta):
    with in_tenant(alpha):
        make_paid_order(make_ticket_type(price_minor=1000))
    with in_tenant(beta):
        assert headline().tickets == Change(0, 0)
        assert sum(day.tickets for day in sales_per_day()) == 0


@pytest.mark.parametrize(("statements", "ask"), [(2, headline), (1, sales_per_day)])
def test_the_dashboard_asks_little(in_alpha, django_assert_num_queries, statements, ask):
    make_paid_order(make_ticket_type())
    with django_assert_num_queries(statements):
        ask()
