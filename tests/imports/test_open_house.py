"""A city's festival as its organisers published it: 2,028 slots of 620 listings, mapped and brought in as it is."""

from pathlib import Path

import pytest

from tenant_apps.events.models import Event, Venue
from tenant_apps.imports import services
from tenant_apps.imports.models import ImportMapping
from tenant_apps.ticketing.models import Quota, TicketType
from tests.factories import owner_of

FILE = (Path(__file__).parents[1] / "data" / "open-house-london-2021.csv").read_bytes()
MAPPING = {
    "title": "name",
    "summary": "slot",
    "description": "description",
    "venue_name": "name",
    "venue_address": "address",
    "venue_latitude": "latitude",
    "venue_longitude": "longitude",
    "starts_at": "start",
    "ends_at": "end",
    "timezone": {"constant": "Europe/London"},
    "tags": {"column": "types", "split": "|"},
    "ticket_type": {"constant": "Visit"},
    "currency": {"constant": "GBP"},
    "capacity": "capacity",
}


def bring_in(actor, mapping=MAPPING, **options):
    job = services.start(
        resource="events", file_name="open-house.csv", content=FILE, actor=actor, mapping=mapping, **options
    )
    return services.validate(job)


def test_the_festival_comes_in_whole_and_a_second_time_changes_nothing(in_alpha):
    actor = owner_of(in_alpha)
    job = bring_in(actor)
    assert job.errors == []
    assert (job.status, job.counts) == ("ready", {"new": 2028, "changed": 0, "unchanged": 0, "refused": 0})
    assert not Event.objects.exists()
    job = services.apply(services.ask_to_apply(job, actor=actor))
    assert job.status == "applied", job.errors
    assert Event.objects.count() == TicketType.objects.count() == Quota.objects.count() == 2028
    assert sum(Quota.objects.exclude(capacity=None).values_list("capacity", flat=True)) == 46510
    assert Quota.objects.filter(capacity=None).count() == 552
    assert Venue.objects.count() == len(set(Venue.objects.values_list("name", "address")))
    assert 500 < Venue.objects.count() <= 620
    church = Event.objects.filter(title="Holy Trinity Church in Bow").order_by("starts_at")
    assert [one.starts_at.isoformat() for one in church][:2] == [
        "2021-09-04T09:30:00+00:00", "2021-09-05T10:00:00+00:00",
    ]  # fmt: skip
    assert {one.timezone for one in church} == {"Europe/London"}
    assert church[0].venue.address == "Morgan Street, Bow, E3 5AA"
    assert "Cemetery" in {tag.name for tag in church[0].tags.all()}
    again = bring_in(actor, dry_run=False)
    assert (again.status, again.counts) == ("applied", {"new": 0, "changed": 0, "unchanged": 2028, "refused": 0})


def test_the_mapping_is_remembered_for_the_next_file_with_such_columns(in_alpha):
    actor = owner_of(in_alpha)
    bring_in(actor, dry_run=False)
    assert ImportMapping.objects.get().mapping["summary"] == "slot"
    again = bring_in(actor, mapping=None)
    assert again.counts == {"new": 0, "changed": 0, "unchanged": 2028, "refused": 0}


def test_nobody_needs_to_say_anything_about_the_columns_that_have_common_names(in_alpha):
    job = bring_in(owner_of(in_alpha), mapping=None)
    assert (job.status, job.counts["new"]) == ("ready", 2028), job.errors
    guessed = {name: job.mapping[name] for name in ("title", "starts_at", "ends_at", "venue_address", "capacity")}
    assert guessed == {
        "title": "name", "starts_at": "start", "ends_at": "end", "venue_address": "address", "capacity": "capacity",
    }  # fmt: skip


@pytest.mark.parametrize(("on_duplicate", "status"), [("error", "invalid"), ("skip", "ready"), ("last", "ready")])
def test_rows_of_one_listing_are_one_event_only_if_that_is_said(in_alpha, on_duplicate, status):
    job = bring_in(owner_of(in_alpha), mapping={**MAPPING, "external_id": "listing_id"}, on_duplicate=on_duplicate)
    assert job.status == status
    if status == "invalid":
        assert {one["code"] for one in job.errors} == {"duplicate_row"}
    else:
        job = services.apply(services.ask_to_apply(job, actor=None))
        assert (job.status, Event.objects.count()) == ("applied", 620)


def test_a_key_of_several_columns_tells_the_slots_apart(in_alpha):
    job = bring_in(owner_of(in_alpha), key=["listing_id", "slot", "start", "end", "notes"], on_duplicate="last")
    assert job.status == "ready", job.errors[:3]
    assert job.counts["new"] > 1900
