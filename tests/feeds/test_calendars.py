"""Calendars, read back by the library that phones' servers read them with."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from icalendar import Calendar

from tenant_apps.events import services, taxonomy
from tenant_apps.events.models import Category, Event, EventSeries, Venue
from tenants.context import in_tenant
from tests.factories import make_event, make_ticket_type, owner_of

FEED = "/api/v1/calendar.ics"


@pytest.fixture
def anyone(client_for, alpha):
    return client_for(alpha)


@pytest.fixture
def gala(alpha):
    """From the last hours of summer time into the first day of winter time in Berlin."""
    with in_tenant(alpha):
        hall = taxonomy.get_or_create_venue(name="Hall; the old, big one", address="Long Street 1", city="Berlin")
        Venue.objects.filter(pk=hall.pk).update(latitude="52.5271", longitude="13.4152")
        hall.refresh_from_db()
        return make_event(
            "Gala, with „Ä“ and a\\backslash",
            slug="gala",
            venue=hall,
            category=taxonomy.make(Category, actor=None, name="Jazz"),
            summary="One night; only",
            description="<p>Come <strong>early</strong></p><p>It is " + "long " * 60 + "</p>",
            starts_at=datetime(2031, 10, 25, 18, 0, tzinfo=UTC),
            ends_at=datetime(2031, 10, 26, 11, 30, tzinfo=UTC),
        )


def entries(answer):
    assert answer.status_code == 200, answer.content
    assert answer["Content-Type"] == "text/calendar; charset=utf-8"
    assert all(len(line) <= 75 for line in answer.content.split(b"\r\n")), "RFC 5545, 3.1: lines of 75 octets"
    calendar = Calendar.from_ical(answer.content)
    assert calendar["version"] == "2.0" and calendar["prodid"]
    return calendar.walk("VEVENT")


def test_an_event_comes_back_from_the_file_as_it_is(anyone, gala):
    answer = anyone.get("/api/v1/events/gala/calendar.ics")
    (entry,) = entries(answer)
    assert answer["Content-Disposition"] == 'attachment; filename="gala.ics"'
    assert str(entry["summary"]) == gala.title
    assert entry.decoded("dtstart") == gala.starts_at and entry.decoded("dtend") == gala.ends_at
    assert entry["dtstart"].params["TZID"] == "Europe/Berlin"
    assert entry.decoded("dtstart").utcoffset() == timedelta(hours=2)
    assert entry.decoded("dtend").utcoffset() == timedelta(hours=1)
    assert str(entry["location"]) == "Hall; the old, big one, Long Street 1, Berlin"
    assert (entry["geo"].latitude, entry["geo"].longitude) == (52.5271, 13.4152)
    assert str(entry["url"]) == "http://alpha.localhost/events/gala/"
    assert str(entry["description"]).startswith("One night; only\n\nCome early It is long")
    assert str(entry["status"]) == "CONFIRMED" and entry["categories"].cats == ["Jazz"]


def test_the_zone_stands_in_the_file_with_the_offsets_of_that_night(anyone, gala):
    calendar = Calendar.from_ical(anyone.get("/api/v1/events/gala/calendar.ics").content)
    (zone,) = calendar.walk("VTIMEZONE")
    there = zone.to_tz(lookup_tzid=False)
    assert str(zone["tzid"]) == "Europe/Berlin"
    for moment in (gala.starts_at, gala.ends_at):
        naive = moment.astimezone(ZoneInfo("Europe/Berlin")).replace(tzinfo=None)
        assert naive.replace(tzinfo=there).utcoffset() == moment.astimezone(ZoneInfo("Europe/Berlin")).utcoffset()


def test_the_uid_stays_and_the_sequence_rises_with_each_change(anyone, alpha, gala, client_for):
    staff = client_for(alpha, owner_of(alpha))

    def seen():
        (entry,) = entries(anyone.get("/api/v1/events/gala/calendar.ics"))
        return str(entry["uid"]), int(entry["sequence"]), str(entry["status"])

    uid, first, _ = seen()
    assert first == 0 and len(uid) == 36
    sequences = [first]
    for change in (
        lambda: staff.patch("/api/v1/events/gala/", {"title": "Another name"}),
        lambda: staff.post("/api/v1/events/gala/postpone/", {"starts_at": "2031-11-01T20:00"}),
        lambda: staff.post("/api/v1/events/gala/publish/"),
        lambda: staff.post("/api/v1/events/gala/cancel/"),
    ):
        assert change().status_code == 200
        now = seen()
        assert now[0] == uid and now[1] > sequences[-1]
        sequences.append(now[1])
    assert seen()[2] == "CANCELLED"
    same = seen()
    assert same == seen()  # looking at it changes nothing


def test_the_feed_has_what_anyone_may_see_and_marks_what_was_called_off(anyone, alpha, gala, client_for):
    with in_tenant(alpha):
        services.cancel(make_event("Called off"), actor=None)
        services.postpone(make_event("Later"), starts_at="2031-12-01T20:00", actor=None)
        make_event("Draft", published=False)
        make_event("Put away", status="archived")
    for client in (anyone, client_for(alpha, owner_of(alpha))):
        found = {str(each["summary"]): str(each["status"]) for each in entries(client.get(FEED))}
        assert found == {gala.title: "CONFIRMED", "Called off": "CANCELLED", "Later": "TENTATIVE"}
    only = entries(anyone.get(f"{FEED}?category=jazz"))
    assert [str(each["summary"]) for each in only] == [gala.title]
    assert anyone.get(f"{FEED}?colour=red").status_code == 400


def test_a_draft_has_no_calendar_for_strangers(anyone, alpha):
    with in_tenant(alpha):
        make_event("Draft", slug="draft-one", published=False)
    assert anyone.get("/api/v1/events/draft-one/calendar.ics").status_code == 404


def test_a_series_is_followed_by_a_feed_of_its_own(anyone, alpha, gala):
    with in_tenant(alpha):
        series = EventSeries.objects.create(
            slug="fridays", title="Fridays", template=make_event("Pattern", published=False), timezone="Europe/Berlin"
        )
        for week in range(3):
            start = gala.starts_at + timedelta(days=7 * week)
            make_event(f"Friday {week}", starts_at=start, series=series, published=week < 2)
        EventSeries.objects.create(
            slug="secret", title="Secret", template=make_event("Other", published=False), timezone="Europe/Berlin"
        )
    answer = anyone.get("/api/v1/series/fridays/calendar.ics")
    assert [str(each["summary"]) for each in entries(answer)] == ["Friday 0", "Friday 1"]
    assert str(Calendar.from_ical(answer.content)["x-wr-calname"]) == "Fridays"
    for unknown in ("secret", "nothing"):
        assert anyone.get(f"/api/v1/series/{unknown}/calendar.ics").status_code == 404


def test_where_one_takes_part_online_the_link_stays_with_the_holders(anyone, alpha, gala):
    with in_tenant(alpha):
        Event.objects.filter(pk=gala.pk).update(attendance="online", online_url="https://stream.example/secret")
    answer = anyone.get("/api/v1/events/gala/calendar.ics")
    (entry,) = entries(answer)
    assert str(entry["location"]) == "Online" and b"stream.example" not in answer.content


def test_two_tenants_never_give_two_events_one_name(anyone, alpha, beta, gala, client_for):
    with in_tenant(beta):
        Event.objects.create(
            pk=gala.pk, slug="gala", title="B", starts_at=gala.starts_at, timezone="UTC", currency="EUR",
            status="published",
        )  # fmt: skip
    (one,) = entries(anyone.get(FEED))
    (other,) = entries(client_for(beta).get(FEED))
    assert one["uid"] != other["uid"]


def test_the_feed_costs_one_statement_and_who_has_it_gets_304(anyone, alpha, gala):
    with in_tenant(alpha):
        for _ in range(5):
            make_ticket_type(make_event())
    anyone.get(FEED)
    with CaptureQueriesContext(connection) as queries:
        answer = anyone.get(FEED)
    assert sum(not each["sql"].startswith("SET") for each in queries.captured_queries) == 1
    assert anyone.get(FEED, HTTP_IF_NONE_MATCH=answer["ETag"]).status_code == 304
