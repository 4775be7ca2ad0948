"""A season is set up once: its dates are copied, changed together, and never taken from those who bought."""

from datetime import UTC, datetime, timedelta

import pytest

from shared_apps.core.clock import local
from shared_apps.core.errors import InvalidInput
from tenant_apps.activity.models import AuditEntry
from tenant_apps.events import details, services
from tenant_apps.events.errors import IsTemplate, SeriesDatesSold
from tenant_apps.events.models import BringItem, Event, EventSeries, ProgramItem, Question
from tenant_apps.ticketing import series as seasons
from tenant_apps.ticketing.models import Quota, TicketType
from tenants.context import in_tenant
from tests.factories import make_event, make_order, make_ticket_type, owner_of

FRIDAYS = "FREQ=WEEKLY;COUNT=4"


def evening(**fields):
    """A set-up: two kinds of tickets, a programme, a list of what to bring and a question to one kind."""
    fields.setdefault("starts_at", datetime(2027, 10, 15, 17, 30, tzinfo=UTC))
    event = make_event("Pottery", published=False, ends_at=fields["starts_at"] + timedelta(hours=2), **fields)
    kind = make_ticket_type(event, price_minor=2000, capacity=10)
    guest = make_ticket_type(event, price_minor=0, capacity=2, name="Guest")
    begins = event.starts_at + timedelta(minutes=15)
    details.make(ProgramItem, event, actor=None, title="Wheels", speaker="Ann", starts_at=begins)
    details.make(BringItem, event, actor=None, name="Clay", amount="2.5", unit="kg")
    details.make(Question, event, actor=None, text="Whose guest?", ticket_types=[guest.pk])
    return event, kind


def walls(series):
    rows = series.dates.order_by("starts_at")
    return [local(date.starts_at, date.timezone).strftime("%m-%d %H:%M") for date in rows]


def test_one_set_up_makes_many_dates_with_all_that_is_sold_and_asked(in_alpha):
    event, _kind = evening()
    series = seasons.create_series(event, actor=None, rule=FRIDAYS, publish=True)
    assert walls(series) == ["10-15 19:30", "10-22 19:30", "10-29 19:30", "11-05 19:30"]
    assert set(series.dates.values_list("status", flat=True)) == {"published"}
    last = series.dates.latest("starts_at")
    assert last.ends_at - last.starts_at == timedelta(hours=2)
    assert sorted(last.ticket_types.values_list("name", "price_minor")) == [("Guest", 0), ("Standard", 2000)]
    assert sorted(last.quotas.values_list("capacity", "sold")) == [(2, 0), (10, 0)]
    assert last.program.get().starts_at - last.starts_at == timedelta(minutes=15)
    assert str(last.bring.get().amount) == "2.500"
    assert last.questions.get().ticket_types == [last.ticket_types.get(name="Guest").pk]
    assert Event.objects.get(pk=event.pk).series_id == series.pk, "the event that was repeated is the first date"
    assert AuditEntry.objects.filter(topic="series.created").count() == 1


def test_the_set_up_is_neither_sold_nor_deleted_by_itself(in_alpha):
    series = seasons.create_series(evening()[0], actor=None, rule=FRIDAYS)
    for step in (services.publish, services.archive, services.delete_event):
        with pytest.raises(IsTemplate):
            step(series.template, actor=None)


def test_an_event_belongs_to_one_series(in_alpha):
    event, _kind = evening()
    seasons.create_series(event, actor=None, rule=FRIDAYS)
    with pytest.raises(InvalidInput) as caught:
        seasons.create_series(event, actor=None, rule=FRIDAYS)
    assert [(error.field, error.code) for error in caught.value.errors] == [("event", "in_series")]


def test_this_and_the_following_dates_move_by_the_clock_on_the_wall(in_alpha):
    series = seasons.create_series(evening()[0], actor=None, rule=FRIDAYS)
    second = series.dates.order_by("starts_at")[1]
    done = seasons.change_dates(second, "following", actor=None, starts_at="2027-10-23T18:00", title="Pottery, late")
    assert walls(series) == ["10-15 19:30", "10-23 18:00", "10-30 18:00", "11-06 18:00"]
    assert [date.title for date in done.changed] == ["Pottery, late"] * 3
    assert series.dates.order_by("starts_at")[0].title == "Pottery"


def test_all_dates_and_those_that_come_later_get_a_change_of_the_set_up(in_alpha):
    series = seasons.create_series(evening()[0], actor=None, rule=FRIDAYS)
    seasons.change_dates(series.dates.first(), "all", actor=None, summary="Bring an apron")
    seasons.change_series(series, actor=None, rule="FREQ=WEEKLY;COUNT=5")
    assert list(series.dates.values_list("summary", flat=True)) == ["Bring an apron"] * 5


def test_dates_that_were_all_moved_are_the_same_dates_when_the_rule_changes(in_alpha):
    series = seasons.create_series(evening()[0], actor=None, rule=FRIDAYS, exdates=["2027-10-22T19:30"])
    kept = list(series.dates.order_by("starts_at").values_list("pk", flat=True))
    seasons.change_dates(series.dates.first(), "all", actor=None, starts_at="2027-10-22T18:00")
    assert walls(series) == ["10-22 18:00", "11-05 18:00", "11-12 18:00"]
    seasons.change_series(series, actor=None, rule="FREQ=WEEKLY;COUNT=5")
    assert walls(series) == ["10-22 18:00", "11-05 18:00", "11-12 18:00", "11-19 18:00"]
    assert list(series.dates.order_by("starts_at").values_list("pk", flat=True))[:3] == kept


def test_all_dates_do_not_move_to_days_that_the_rule_does_not_give(in_alpha):
    series = seasons.create_series(evening()[0], actor=None, rule="FREQ=WEEKLY;BYDAY=FR;COUNT=4")
    with pytest.raises(InvalidInput) as caught:
        seasons.change_dates(series.dates.first(), "all", actor=None, starts_at="2027-10-16T19:30")
    assert [(error.field, error.code) for error in caught.value.errors] == [("starts_at", "rule_differs")]
    assert walls(series)[0] == "10-15 19:30"


def test_one_date_is_changed_alone(in_alpha):
    series = seasons.create_series(evening()[0], actor=None, rule=FRIDAYS)
    third = series.dates.order_by("starts_at")[2]
    seasons.change_dates(third, "this", actor=None, starts_at="2027-10-30T11:00")
    assert walls(series) == ["10-15 19:30", "10-22 19:30", "10-30 11:00", "11-05 19:30"]


def test_dates_with_sales_are_not_moved_silently(in_alpha):
    series = seasons.create_series(evening()[0], actor=None, rule=FRIDAYS, publish=True)
    first, second = series.dates.order_by("starts_at")[:2]
    make_order(second.ticket_types.get(name="Guest"))
    with pytest.raises(SeriesDatesSold) as caught:
        seasons.change_dates(first, "all", actor=None, starts_at="2027-10-15T20:00")
    assert "2027-10-22 19:30" in str(caught.value)
    assert walls(series)[0] == "10-15 19:30", "nothing was moved"
    done = seasons.change_dates(first, "all", actor=None, leave_sold=True, starts_at="2027-10-15T20:00", title="Clay")
    assert walls(series) == ["10-15 20:00", "10-22 19:30", "10-29 20:00", "11-05 20:00"]
    assert [date.pk for date in done.left] == [second.pk]
    assert set(series.dates.values_list("title", flat=True)) == {"Clay"}, "words change for all, time does not"


def test_a_shorter_rule_deletes_what_nobody_bought_and_keeps_what_was_sold(in_alpha):
    series = seasons.create_series(evening()[0], actor=None, rule=FRIDAYS, publish=True)
    last = series.dates.latest("starts_at")
    make_order(last.ticket_types.get(name="Guest"))
    with pytest.raises(SeriesDatesSold):
        seasons.change_series(series, actor=None, rule="FREQ=WEEKLY;COUNT=2")
    assert series.dates.count() == 4
    series = seasons.change_series(series, actor=None, rule="FREQ=WEEKLY;COUNT=2", leave_sold=True)
    assert walls(series) == ["10-15 19:30", "10-22 19:30", "11-05 19:30"]
    assert walls(seasons.change_series(series, actor=None, rule="FREQ=WEEKLY;COUNT=2")) == walls(series)


def test_a_date_that_was_deleted_does_not_come_back_with_the_next_change_of_the_rule(in_alpha):
    series = seasons.create_series(evening()[0], actor=None, rule=FRIDAYS)
    services.delete_event(series.dates.order_by("starts_at")[1], actor=None)
    series = seasons.change_series(series, actor=None, rule="FREQ=WEEKLY;COUNT=5")
    assert walls(series) == ["10-15 19:30", "10-29 19:30", "11-05 19:30", "11-12 19:30"]


def test_a_series_goes_with_all_its_dates_unless_one_was_sold(in_alpha):
    series = seasons.create_series(evening()[0], actor=None, rule=FRIDAYS, publish=True)
    order = make_order(series.dates.first().ticket_types.get(name="Guest"))
    with pytest.raises(SeriesDatesSold):
        seasons.delete_series(series, actor=None)
    assert order and series.dates.count() == 4
    other = seasons.create_series(evening()[0], actor=None, rule="FREQ=DAILY;COUNT=3")
    before = Event.objects.count()
    seasons.delete_series(other, actor=None)
    assert Event.objects.count() == before - 4, "three dates and the set-up"
    assert EventSeries.objects.count() == 1


def test_a_series_is_previewed_made_changed_and_seen_through_the_api(alpha, client_for):
    staff, anyone = client_for(alpha, owner_of(alpha)), client_for(alpha)
    with in_tenant(alpha):
        event, _kind = evening()
    body = {"event": event.slug, "rule": FRIDAYS, "title": "Pottery on Fridays"}
    seen = staff.post("/api/v1/series/", {**body, "preview": True}, format="json")
    assert seen.status_code == 200, seen.content
    assert [date["local"] for date in seen.json()["dates"]][:2] == ["2027-10-15T19:30:00", "2027-10-22T19:30:00"]
    with in_tenant(alpha):
        assert EventSeries.objects.count() == 0, "a preview makes nothing"
    made = staff.post("/api/v1/series/", body, format="json")
    assert made.status_code == 201, made.content
    path = f"/api/v1/series/{made.json()['slug']}/"
    assert anyone.get(path).status_code == 404, "all its dates are drafts"
    with in_tenant(alpha):
        for date in Event.objects.filter(series__isnull=False):
            services.publish(date, actor=None)
    assert anyone.get(path).json()["dates"] == 4
    first = anyone.get(f"{path}dates/").json()["results"][0]
    assert (first["slug"], first["series"]) == (event.slug, made.json()["id"])
    assert anyone.patch(f"{path}dates/", {}, format="json").status_code == 401
    bad = staff.patch(f"{path}dates/", {"title": "x"}, format="json")
    assert bad.status_code == 400
    assert {error["field"] for error in bad.json()["errors"]} == {"event", "scope"}
    done = staff.patch(
        f"{path}dates/", {"event": event.slug, "scope": "all", "starts_at": "2027-10-15T18:00"}, format="json"
    )
    assert done.status_code == 200, done.content
    assert len(done.json()["changed"]) == 4
    longer = staff.patch(path, {"rule": "FREQ=WEEKLY;COUNT=6", "publish": True}, format="json")
    assert (longer.status_code, longer.json()["dates"]) == (200, 6), longer.content
    bad = staff.post("/api/v1/series/", {**body, "rule": "FREQ=DAILY", "preview": True}, format="json")
    assert [(error["field"], error["code"]) for error in bad.json()["errors"]] == [("rule", "rule_unbounded")]
    assert staff.delete(path).status_code == 204
    assert staff.get(path).status_code == 404


def test_another_tenants_event_makes_no_series_here(alpha, beta, client_for):
    with in_tenant(beta):
        event = make_event("Theirs alone", slug="theirs-alone")
    answer = client_for(alpha, owner_of(alpha)).post("/api/v1/series/", {"event": event.slug, "rule": FRIDAYS})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["code"] == "does_not_exist"


def test_places_of_a_date_are_its_own(in_alpha):
    series = seasons.create_series(evening()[0], actor=None, rule=FRIDAYS, publish=True)
    first, second = series.dates.order_by("starts_at")[:2]
    make_order(first.ticket_types.get(name="Guest"), quantity=2)
    assert Quota.objects.get(event=first, name="Guest").sold == 2
    assert Quota.objects.get(event=second, name="Guest").sold == 0
    assert TicketType.objects.filter(event=series.template).count() == 2
