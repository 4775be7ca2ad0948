"""The daily summary: once a day after the tenant's hour, and for each of the staff what they may see."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tenant_apps.activity.models import OutboxMessage
from tenant_apps.events.grants import grant
from tenant_apps.notifications import digest
from tenant_apps.orders.models import Order
from tenant_apps.staff.site_settings import change_settings
from tenants.models import Tenant
from tests.factories import make_event, make_paid_order, make_ticket_type, make_user, make_variant, owner_of
from tests.staff.people import member

# 08:00 in Berlin, where alpha is, on 1 June 2031; the day before it runs from 22:00 to 22:00 UTC.
HOUR = datetime(2031, 6, 1, 6, 0, tzinfo=UTC)
YESTERDAY = datetime(2031, 5, 31, 12, 0, tzinfo=UTC)


def told(now: datetime) -> dict[str, str]:
    """What was written to whom."""
    digest.send(now)
    rows = OutboxMessage.objects.filter(topic="notify.staff.digest")
    found = {row.payload["recipient"]["email"]: row.payload["values"]["text"] for row in rows}
    rows.delete()
    return found


@pytest.fixture
def sold(in_alpha: Tenant) -> Any:
    """Two events with a paid order each of yesterday, and one of the day before; one of them takes place today."""
    today = make_event("Gala", starts_at=HOUR + timedelta(hours=12))
    other = make_event("Match", starts_at=HOUR + timedelta(days=9))
    for event, paid_at in ((today, YESTERDAY), (other, YESTERDAY), (other, YESTERDAY - timedelta(days=1))):
        order = make_paid_order(event.ticket_types.first() or make_ticket_type(event, price_minor=1000))
        Order.objects.filter(pk=order.pk).update(paid_at=paid_at)
    return today, other


def test_it_goes_out_once_a_day_when_the_tenants_hour_has_come(sold, in_alpha):
    owner = owner_of(in_alpha).email
    assert told(HOUR - timedelta(seconds=1)) == {}
    assert list(told(HOUR)) == [owner]
    assert told(HOUR) == told(HOUR + timedelta(hours=10)) == {}
    # The next day: nothing was sold, nothing takes place, so nobody is written to; and once there is, it is once again.
    assert told(HOUR + timedelta(days=1)) == {}


def test_it_tells_of_the_tenants_yesterday_and_today(sold, in_alpha):
    text = told(HOUR)[owner_of(in_alpha).email]
    assert "Paid yesterday: €20" in text
    assert "- Gala: 1 ticket, €10" in text and "- Match: 1 ticket, €10" in text
    assert "- 20:00 Gala" in text and "Match" not in text.partition("Today:")[2]


def test_each_reads_only_what_they_may_see(sold, in_alpha):
    _gala, match = sold
    make_variant("Mug", capacity=3, low_stock_level=5)
    door = member(in_alpha, "door")
    reporter, stranger = make_user(), make_user()
    grant(match, reporter, "view_reports", actor=owner_of(in_alpha))
    found = told(HOUR)
    assert stranger.email not in found
    assert "Paid yesterday: €10" in found[reporter.email]
    assert "Gala" not in found[reporter.email] and "Mug" not in found[reporter.email]
    assert "Paid" not in found[door.email] and "Mug" not in found[door.email]
    assert "20:00 Gala" in found[door.email]
    assert "Mug: 3 left" in found[owner_of(in_alpha).email]


def test_a_tenant_sets_the_hour_or_switches_it_off(sold, in_alpha):
    change_settings({"digest_hour": 10}, actor=owner_of(in_alpha))
    in_alpha.refresh_from_db()
    assert told(HOUR) == {}
    assert len(told(HOUR + timedelta(hours=2))) == 1
    change_settings({"daily_digest": False}, actor=owner_of(in_alpha))
    in_alpha.refresh_from_db()
    assert told(HOUR + timedelta(days=1, hours=2)) == {}
    assert digest.next_due(in_alpha, HOUR) is None


def test_the_hour_is_the_clocks_on_the_days_on_which_it_is_changed() -> None:
    tenant = Tenant(timezone="Europe/Berlin", preferences={"digest_hour": 2})

    def next_after(text: str) -> str:
        found = digest.next_due(tenant, datetime.fromisoformat(text))
        assert found is not None
        return found.isoformat()

    # 30 March 2031 has no 02:00 there: it goes out when the clock has jumped to 03:00.
    assert next_after("2031-03-29T12:00+00:00") == "2031-03-30T01:00:00+00:00"
    # 26 October 2031 has two: it goes out at the first.
    assert next_after("2031-10-25T12:00+00:00") == "2031-10-26T00:00:00+00:00"
    assert next_after("2031-10-26T00:30+00:00") == "2031-10-27T01:00:00+00:00"


def test_a_day_that_has_two_of_its_hour_brings_it_once(in_alpha):
    change_settings({"digest_hour": 2}, actor=owner_of(in_alpha))
    in_alpha.refresh_from_db()
    make_event("Gala", starts_at=datetime(2031, 10, 26, 18, tzinfo=UTC))
    assert [len(told(datetime(2031, 10, 26, hour, 0, tzinfo=UTC))) for hour in (0, 1, 2)] == [1, 0, 0]
