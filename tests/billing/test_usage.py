"""What tenants are charged by: reckoned from their own rows, the same however often and by however many."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone

from shared_apps.billing import requests, usage
from shared_apps.billing.models import Usage
from tenant_apps.notifications.models import Delivery
from tenant_apps.orders.models import Order
from tenants import freshness
from tenants.context import in_public, in_tenant
from tests.factories import make_event, make_order, make_paid_order, make_ticket_type, make_user, owner_of

NOON = datetime(2031, 6, 1, 12, 0, tzinfo=UTC)
TODAY = NOON.date()


@pytest.fixture
def sold(in_alpha: Any) -> Any:
    """Two orders of that day: a paid one with two tickets, a free one; and one of the day before."""
    kind = make_ticket_type(make_event(), price_minor=1000)
    paid = make_paid_order(kind, quantity=2)
    free = make_order(make_ticket_type(make_event(), price_minor=0))
    before = make_paid_order(kind)
    for order, at in ((paid, NOON), (free, NOON), (before, NOON - timedelta(days=1))):
        Order.objects.filter(pk=order.pk).update(created_at=at, paid_at=at)
    Delivery.objects.create(message_id=paid.pk, channel="email", topic="order.paid", sent_at=NOON)
    Delivery.objects.create(message_id=free.pk, channel="email", topic="order.paid", sent_at=None)
    Delivery.objects.create(message_id=before.pk, channel="push", topic="order.paid", sent_at=NOON)
    return in_alpha


def test_a_day_is_reckoned_from_the_tenants_rows(sold):
    assert usage.measure(NOON) == [TODAY]
    row = Usage.objects.get(tenant=sold, day=TODAY)
    assert (row.orders, row.paid_tickets, row.mails) == (2, 2, 1)


def test_reckoning_again_changes_nothing_but_what_happened_since(sold):
    usage.measure(NOON)
    usage.measure(NOON)
    usage.measure(NOON + timedelta(hours=1))
    row = Usage.objects.get(tenant=sold)
    assert (row.orders, row.paid_tickets, row.mails, row.measured_at) == (2, 2, 1, NOON + timedelta(hours=1))
    # Somebody who began earlier and comes later does not bring the old figures back.
    Order.objects.all().update(created_at=NOON)
    usage.measure(NOON + timedelta(hours=2))
    assert Usage.objects.get(tenant=sold).orders == 3
    Order.objects.all().update(created_at=NOON - timedelta(days=3))
    usage.measure(NOON + timedelta(hours=1, minutes=59))
    assert Usage.objects.get(tenant=sold).orders == 3


def test_a_day_is_settled_an_hour_after_its_end_and_missed_days_are_made_up_for(sold):
    midnight = datetime(2031, 6, 2, tzinfo=UTC)
    usage.measure(NOON)
    assert usage.measure(midnight + timedelta(minutes=30)) == [TODAY, date(2031, 6, 2)]
    assert usage.measure(midnight + timedelta(hours=1)) == [TODAY, date(2031, 6, 2)]
    assert usage.measure(midnight + timedelta(hours=2)) == [date(2031, 6, 2)]
    assert usage.measure(midnight + timedelta(days=3, hours=2)) == [date(2031, 6, day) for day in (2, 3, 4, 5)]


def test_a_neighbours_usage_is_its_own(sold, beta):
    usage.measure(NOON)
    with in_tenant(beta):
        usage.measure(NOON)
    assert list(Usage.objects.order_by("tenant_id").values_list("orders", flat=True)) == [2, 0]


def test_the_owner_reads_it_and_others_do_not(sold, client_for, page_for):
    usage.measure(NOON)
    owner = owner_of(sold)
    answer = client_for(sold, owner).get("/api/v1/usage/?from=2031-06-01&to=2031-06-30").json()
    assert answer["totals"]["paid_tickets"] == 2
    assert [day["day"] for day in answer["days"]] == ["2031-06-01"]
    assert client_for(sold, owner).get("/api/v1/usage/?from=2031-07-01&to=2031-06-30").status_code == 400
    assert client_for(sold, owner).get("/api/v1/usage/?from=yesterday").status_code == 400
    assert client_for(sold, make_user()).get("/api/v1/usage/").status_code == 403
    page = page_for(sold, owner).get("/dashboard/settings/usage/?from=2031-06-01&to=2031-06-30")
    assert "1 June 2031" in page.content.decode()
    assert page_for(sold, owner).get("/dashboard/settings/usage/?from=x").status_code == 400


def test_requests_of_the_api_are_counted_for_the_tenant_that_answered_them(sold, beta, client_for):
    requests.tell()
    owner = owner_of(sold)
    before = [_counted_of(sold), _counted_of(beta)]
    for _number in range(3):
        client_for(sold, owner).get("/api/v1/settings/")
    client_for(beta, owner_of(beta)).get("/api/v1/settings/")
    requests.tell()
    assert [_counted_of(sold) - before[0], _counted_of(beta) - before[1]] == [3, 1]
    with in_tenant(sold):
        usage.measure()
        # A cache that lost its numbers takes nothing away.
        freshness.client().flushdb()
        usage.measure(timezone.now() + timedelta(seconds=1))
        assert Usage.objects.get(tenant=sold).api_requests == before[0] + 3


def test_operators_see_it_of_all_tenants_and_change_nothing(sold, beta, page_for):
    usage.measure(NOON)
    with in_tenant(beta):
        usage.measure(NOON)
    operator = make_user(is_staff=True, is_superuser=True)
    with in_public():
        page = page_for(None, operator).get("/admin/billing/usage/")
        assert page.status_code == 200
        assert page.content.decode().count("June 1, 2031") + page.content.decode().count("1 June 2031") >= 2
        assert page_for(None, operator).get("/admin/billing/usage/add/").status_code == 403


def _counted_of(tenant: Any) -> int:
    with in_tenant(tenant):
        today = timezone.now().astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        return requests.api_requests(today, today + timedelta(days=1))


@pytest.mark.usefixtures("transactional_db")
def test_many_at_once_leave_one_row(alpha):
    with in_tenant(alpha):
        make_order(make_ticket_type(make_event(), price_minor=0))

    def measure(_number: int) -> None:
        try:
            with in_tenant(alpha):
                usage.measure()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(measure, range(16)))
    assert list(Usage.objects.values_list("tenant_id", "orders", "paid_tickets")) == [(alpha.pk, 1, 0)]
