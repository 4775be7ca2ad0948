"""An event's reminders on the staff's page and over the API: seen in the event's zone, set for one event."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tenant_apps.notifications import reminders, rounds
from tenant_apps.notifications.models import EventReminders, Round
from tenant_apps.ticketing.models import Ticket
from tenants.context import in_tenant
from tests.factories import make_event, make_order, make_ticket_type, make_user, owner_of

START = datetime(2031, 3, 31, 0, 30, tzinfo=UTC)  # 01:30 in London, the night after the clocks were changed


@pytest.fixture
def event(alpha: Any) -> Any:
    with in_tenant(alpha):
        event = make_event("Night", slug="night", starts_at=START, timezone="Europe/London")
        make_order(make_ticket_type(event, price_minor=0))
        Ticket.objects.update(created_at=START - timedelta(days=9))
        rounds.plan(START - timedelta(days=3))
        rounds.send_due(reminders.WRITERS, START - timedelta(hours=24))
        return event


def test_the_plan_is_told_on_the_clock_at_the_events_place(alpha, client_for, event):
    answer = client_for(alpha, owner_of(alpha)).get("/api/v1/events/night/reminders/").json()
    assert (answer["timezone"], answer["own"], answer["offsets_minutes"]) == ("Europe/London", False, [1440, 60])
    told = [(each["offset_minutes"], each["at"], each["status"], each["told"]) for each in answer["reminders"]]
    assert told == [
        (1440, "2031-03-30T00:30:00+00:00", "sent", 1),
        (60, "2031-03-31T00:30:00+01:00", "planned", 0),
    ]


def test_an_event_gets_times_of_its_own_and_gives_them_back(alpha, client_for, event):
    client = client_for(alpha, owner_of(alpha))
    answer = client.put("/api/v1/events/night/reminders/", {"offsets_minutes": [30, 120]}, format="json").json()
    assert (answer["own"], answer["offsets_minutes"]) == (True, [120, 30])
    assert [each["status"] for each in answer["reminders"]] == ["planned", "planned"]
    assert [each["told"] for each in answer["earlier"]] == [1]
    answer = client.put("/api/v1/events/night/reminders/", {"offsets_minutes": None}, format="json").json()
    assert (answer["own"], answer["offsets_minutes"]) == (False, [1440, 60])
    with in_tenant(alpha):
        assert not EventReminders.objects.exists()
        # What went out does not go out again.
        assert Round.objects.get(offset_minutes=1440).status == "done"


@pytest.mark.parametrize("wrong", [[1], [60, 60], ["soon"], [5, 6, 7, 8, 9, 10], "60", [10**9], [60.5], 7])
def test_times_that_are_none_are_refused(alpha, client_for, event, wrong):
    client = client_for(alpha, owner_of(alpha))
    assert client.put("/api/v1/events/night/reminders/", {"offsets_minutes": wrong}, format="json").status_code == 400
    assert client.put("/api/v1/events/night/reminders/", {}, format="json").status_code == 400


def test_only_who_may_change_the_event_sees_or_sets_them(alpha, client_for, event):
    stranger = client_for(alpha, make_user())
    assert stranger.get("/api/v1/events/night/reminders/").status_code == 403
    assert stranger.put("/api/v1/events/night/reminders/", {"offsets_minutes": []}, format="json").status_code == 403


def test_the_page_shows_and_sets_the_same(alpha, page_for, event):
    page = page_for(alpha, owner_of(alpha))
    shown = page.get("/dashboard/events/night/reminders/").content.decode()
    assert "Sun, 30 March 2031, 00:30" in shown and "Mon, 31 March 2031, 00:30" in shown
    assert "1 day" in shown and "1 hour" in shown and "Sent" in shown
    saved = page.post("/dashboard/events/night/reminders/", {"own": "yes", "offsets_minutes": "90\n30"})
    assert saved.status_code == 302
    with in_tenant(alpha):
        assert EventReminders.objects.get(event=event).minutes == [90, 30]
    refused = page.post("/dashboard/events/night/reminders/", {"own": "yes", "offsets_minutes": "soon"})
    assert refused.status_code == 400
    assert "Up to 5 different numbers of minutes" in refused.content.decode()
    assert page.post("/dashboard/events/night/reminders/", {"own": "no"}).status_code == 302
    with in_tenant(alpha):
        assert not EventReminders.objects.exists()
