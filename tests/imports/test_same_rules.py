"""An import and the services refuse alike: the same wrong thing, by both ways, has the same code and field (I9, M1)."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from shared_apps.core.errors import DomainError, InvalidInput
from tenant_apps.events import services as events
from tenant_apps.events.models import Event
from tenant_apps.events.taxonomy import get_or_create_named, get_or_create_venue
from tenant_apps.imports import services
from tenant_apps.ticketing import services as ticketing
from tests.factories import make_paid_order

AHEAD = "2031-05-01T20:00"


def by_import(**cells: str) -> tuple[str, str]:
    """What an import says of one row about the event `gala`."""
    cells = {"external_id": "gala", "title": "Gala", "starts_at": AHEAD} | cells
    text = "|".join(cells) + "\n" + "|".join(f'"{value}"' for value in cells.values()) + "\n"
    job = services.validate(services.start(resource="events", file_name="e.csv", content=text.encode(), actor=None))
    assert job.status == "invalid", (job.counts, job.changes)
    (error,) = job.errors
    return error["column"], error["code"]


def by_service(act: Any) -> tuple[str, str]:
    with pytest.raises(DomainError) as refused:
        act()
    error = refused.value
    if isinstance(error, InvalidInput) and error.errors:
        return error.errors[0].field, error.errors[0].code
    return error.field, error.code


@pytest.fixture
def gala(in_alpha):
    """An event of an earlier import, on sale, with one ticket sold."""
    event = events.create_event(actor=None, external_id="gala", title="Gala", starts_at=AHEAD, currency="EUR")
    kind = ticketing.create_ticket_type(event, actor=None, name="Standard", price_minor=1250)
    ticketing.create_quota(event, "Standard", 10, [kind])
    events.publish(event, actor=None)
    make_paid_order(kind, quantity=2)
    return Event.objects.get(pk=event.pk)


@pytest.mark.parametrize(
    ("cells", "fields"),
    [
        ({"title": "x" * 201}, {"title": "x" * 201}),
        ({"title": ""}, {"title": ""}),
        ({"summary": "x" * 301}, {"summary": "x" * 301}),
        ({"description": "<" * 20_000}, {"description": "<" * 20_000}),
        ({"level": "x" * 21}, {"level": "x" * 21}),
        ({"starts_at": "soon"}, {"starts_at": "soon"}),
        ({"starts_at": ""}, {"starts_at": ""}),
        ({"starts_at": "1999-05-01T20:00"}, {"starts_at": "1999-05-01T20:00"}),
        (
            {"starts_at": "2031-03-30T02:30", "timezone": "Europe/Berlin"},
            {"starts_at": "2031-03-30T02:30", "timezone": "Europe/Berlin"},
        ),
        (
            {"starts_at": "2031-10-26T02:30", "timezone": "Europe/Berlin"},
            {"starts_at": "2031-10-26T02:30", "timezone": "Europe/Berlin"},
        ),
        ({"ends_at": "2031-04-01T20:00"}, {"ends_at": "2031-04-01T20:00"}),
        ({"timezone": "Mars/Base"}, {"timezone": "Mars/Base"}),
        ({"currency": "XXX"}, {"currency": "XXX"}),
    ],
)
def test_what_an_event_cannot_be_is_refused_alike(in_alpha, cells, fields):
    wanted = {"title": "Gala", "starts_at": AHEAD} | fields
    assert by_import(**cells) == by_service(lambda: events.create_event(actor=None, **wanted))


def test_too_many_tags_are_refused_alike(in_alpha):
    from tenant_apps.events.models import Tag

    names = [f"t{number}" for number in range(21)]
    tags = [get_or_create_named(Tag, name) for name in names]
    refused = by_service(lambda: events.create_event(actor=None, title="Gala", starts_at=AHEAD, tags=tags))
    assert by_import(tags=",".join(names)) == refused == ("tags", "too_many")


def test_a_place_beyond_the_poles_is_refused_alike(in_alpha):
    refused = by_service(lambda: get_or_create_venue(name="Hall", latitude="91"))
    assert by_import(venue_name="Hall", venue_latitude="91") == (f"venue_{refused[0]}", refused[1])


def test_a_price_and_a_capacity_out_of_range_are_refused_alike(gala):
    kind = gala.ticket_types.get()
    quota = kind.quotas.get()
    assert by_import(ticket_type="Standard", price="-1") == by_service(
        lambda: ticketing.change_ticket_type(kind, actor=None, price_minor=-100)
    )
    assert by_import(ticket_type="Standard", capacity="20000000") == by_service(
        lambda: ticketing.change_quota(quota, actor=None, capacity=20_000_000)
    )
    assert by_import(ticket_type="Standard", capacity="1") == by_service(
        lambda: ticketing.change_quota(quota, actor=None, capacity=1)
    )


def test_a_currency_is_fixed_after_the_first_order_for_both(gala):
    refused = by_service(lambda: events.update_event(gala, actor=None, currency="USD"))
    assert by_import(currency="USD") == refused == ("currency", "currency_fixed")


@pytest.mark.parametrize(("status", "wanted"), [("cancelled", "published"), ("archived", "published")])
def test_a_move_that_no_event_makes_is_refused_alike(gala, status, wanted):
    Event.objects.filter(pk=gala.pk).update(status=status)
    gala.refresh_from_db()
    assert by_import(status=wanted)[1] == by_service(lambda: events.publish(gala, actor=None))[1] == "wrong_state"


@pytest.mark.parametrize("policy", ["until_first_sale", "one_hour_after_creation"])
def test_the_edit_window_is_closed_for_both(gala, in_alpha, policy):
    in_alpha.preferences = {"event_edit_policy": policy}
    in_alpha.save()
    Event.objects.filter(pk=gala.pk).update(created_at=timezone.now() - timedelta(hours=2))
    gala.refresh_from_db()
    refused = by_service(lambda: events.update_event(gala, actor=None, starts_at="2031-05-02T20:00"))
    assert by_import(starts_at="2031-05-02T20:00") == refused
    assert refused[1] == "edit_window_closed"


def test_a_price_that_changes_leaves_orders_as_they_are(gala):
    text = f"external_id,title,starts_at,ticket_type,price,capacity\ngala,Gala,{AHEAD},standard,20,10\n"
    job = services.run_now(resource="events", file_name="e.csv", content=text.encode(), actor=None)
    assert (job.status, job.counts["changed"]) == ("applied", 1)
    assert gala.ticket_types.get().price_minor == 2000
    assert {line.unit_price_minor for line in gala.order_lines.all()} == {1250}


def test_who_holds_tickets_hears_of_an_event_that_an_import_moves(gala):
    from tenant_apps.activity.models import AuditEntry, OutboxMessage

    text = "external_id,title,starts_at,status\ngala,Gala,2031-05-03T20:00,cancelled\nnew,New,2031-05-03T20:00,\n"
    job = services.run_now(resource="events", file_name="e.csv", content=text.encode(), actor=None)
    assert job.status == "applied", job.errors
    told = OutboxMessage.objects.filter(aggregate=f"events.event:{gala.pk}").values_list("topic", flat=True)
    assert {"event.updated", "event.cancelled"} <= set(told)
    entry = AuditEntry.objects.get(topic="event.cancelled", target=f"events.event:{gala.pk}")
    assert entry.details["before"] == {"status": "published"} and entry.details["by"] == "import"
    # Whoever was made by the file is in the import's own entry.
    assert not AuditEntry.objects.filter(target=f"events.event:{Event.objects.get(external_id='new').pk}").exists()
    applied = AuditEntry.objects.get(topic="import.applied")
    assert applied.details["counts"] == {"new": 1, "changed": 1, "unchanged": 0, "refused": 0}


def test_a_type_that_was_free_may_cost_something_by_an_import(gala):
    free = ticketing.create_ticket_type(gala, actor=None, name="Free", price_minor=0, price_kind="free")
    ticketing.create_quota(gala, "Free", 5, [free])
    text = f"external_id,title,starts_at,ticket_type,price,capacity\ngala,Gala,{AHEAD},free,3,5\n"
    job = services.run_now(resource="events", file_name="e.csv", content=text.encode(), actor=None)
    assert job.status == "applied", job.errors
    free.refresh_from_db()
    assert (free.price_minor, free.price_kind) == (300, "fixed")
