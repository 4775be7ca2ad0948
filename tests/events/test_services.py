"""The life of an event, its address and its times."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from shared_apps.core.errors import InvalidInput, WrongState
from tenant_apps.activity.models import AuditEntry, OutboxMessage
from tenant_apps.events import services, taxonomy
from tenant_apps.events.errors import CurrencyFixed, EditWindowClosed, EventHasOrders, InUse
from tenant_apps.events.models import Category, Event, Tag, Venue
from tenant_apps.events.slugs import slug_from
from tenant_apps.ticketing import services as ticketing
from tenant_apps.ticketing.errors import CapacityBelowSold, QuotaInUse, TicketTypeHasOrders
from tenant_apps.ticketing.models import CheckInList, EventKey, Quota
from tests.factories import make_event, make_order, make_ticket_type, make_user

SOON = "2027-05-31T19:30"


def codes_of(caught):
    return {(error.field, error.code) for error in caught.value.errors}


def test_an_event_starts_as_a_draft_in_the_tenants_zone_and_currency(in_alpha):
    event = services.create_event(actor=make_user(), title="  Summer   concert ", starts_at=SOON)
    assert (event.status, event.slug, event.title) == ("draft", "summer-concert", "Summer concert")
    assert (event.timezone, event.currency) == ("Europe/Berlin", "EUR")
    assert event.starts_at == datetime(2027, 5, 31, 17, 30, tzinfo=UTC)
    assert AuditEntry.objects.get(topic="event.created").target == f"events.event:{event.pk}"
    assert OutboxMessage.objects.filter(topic="event.created").exists()


@pytest.mark.parametrize(
    ("title", "slug"),
    [
        ("Щелкунчик и Мышиный король", "shchelkunchik-i-myshinyi-korol"),
        ("Ёлка: чай & пряники!", "elka-chai-prianiki"),
        ("Übermut in der Straße", "uebermut-in-der-strasse"),
        ("2027", "event-2027"),
        ("音楽会", "event"),
        ("---", "event"),
        ("A_b", "a-b"),
        ("x" * 200, "x" * 70),
        ("word " * 40, "word" + "-word" * 13),
    ],
)
def test_an_address_is_made_from_the_title(title, slug):
    assert slug_from(title, fallback="event", length=70) == slug


def test_two_events_of_one_title_have_two_addresses(in_alpha):
    slugs = [services.create_event(actor=None, title="Jazz", starts_at=SOON).slug for _ in range(3)]
    assert slugs == ["jazz", "jazz-2", "jazz-3"]


@pytest.mark.parametrize(
    ("fields", "refusal"),
    [
        ({"starts_at": "2027-03-28T02:30"}, ("starts_at", "nonexistent_time")),
        ({"starts_at": "2027-10-31T02:30"}, ("starts_at", "ambiguous_time")),
        ({"starts_at": "1999-12-31T23:59:00Z"}, ("starts_at", "out_of_range")),
        ({"starts_at": "2100-01-01T00:00:00Z"}, ("starts_at", "out_of_range")),
        ({"starts_at": "0001-01-01T00:00:00+14:00"}, ("starts_at", "out_of_range")),
        ({"starts_at": "tomorrow"}, ("starts_at", "invalid_time")),
        ({"starts_at": "2027-02-30T10:00"}, ("starts_at", "invalid_time")),
        ({"starts_at": None}, ("starts_at", "required")),
        ({"ends_at": "2027-05-31T18:00"}, ("ends_at", "before_start")),
        ({"timezone": "Mars/Olympus"}, ("timezone", "timezone")),
        ({"timezone": ["UTC"]}, ("timezone", "timezone")),
        ({"currency": "XXX"}, ("currency", "currency")),
        ({"title": "  "}, ("title", "required")),
        ({"title": "x" * 201}, ("title", "too_long")),
        ({"category": "nowhere"}, ("category", "does_not_exist")),
        ({"tags": ["nothing"]}, ("tags.0", "does_not_exist")),
        ({"venue": "nowhere"}, ("venue", "does_not_exist")),
    ],
)
def test_what_cannot_be_is_refused_field_by_field(in_alpha, fields, refusal):
    with pytest.raises(InvalidInput) as caught:
        services.create_event(actor=None, **{"title": "Jazz", "starts_at": SOON, **fields})
    assert refusal in codes_of(caught)
    assert not Event.objects.exists()


def test_a_doubled_time_is_taken_with_an_offset(in_alpha):
    first = services.create_event(actor=None, title="First", starts_at="2027-10-31T02:30:00+02:00")
    second = services.create_event(actor=None, title="Second", starts_at="2027-10-31T02:30:00+01:00")
    assert second.starts_at - first.starts_at == timedelta(hours=1)


def test_a_description_keeps_harmless_markup_only(in_alpha):
    text = '<p onclick="x()">Hi <script>alert(1)</script><a href="javascript:x">a</a> <img src=x><b>b</b></p>'
    event = services.create_event(actor=None, title="Jazz", starts_at=SOON, description=text)
    assert "<b>b</b>" in event.description
    for bad in ("script", "onclick", "javascript", "<img"):
        assert bad not in event.description


ALLOWED = {
    ("draft", "published"), ("draft", "archived"), ("published", "postponed"), ("published", "cancelled"),
    ("postponed", "published"), ("postponed", "cancelled"), ("cancelled", "archived"), ("finished", "archived"),
}  # fmt: skip
STEPS = {
    "published": services.publish,
    "cancelled": services.cancel,
    "archived": services.archive,
    "postponed": lambda event, actor: services.postpone(event, starts_at="2027-06-30T19:30", actor=actor),
}


@pytest.mark.parametrize("before", Event.Status.values)
@pytest.mark.parametrize("after", STEPS)
def test_an_event_moves_only_along_its_life(in_alpha, before, after):
    event = make_event(status=before)
    if (before, after) in ALLOWED:
        assert STEPS[after](event, actor=None).status == after
        assert OutboxMessage.objects.filter(topic=f"event.{after}").count() == 1
        STEPS[after](event, actor=None)
        assert OutboxMessage.objects.filter(topic=f"event.{after}").count() == 1
    elif before == after != "postponed":
        assert STEPS[after](event, actor=None).status == before
        assert not OutboxMessage.objects.filter(topic__startswith="event.").exists()
    elif before != after:
        with pytest.raises(WrongState):
            STEPS[after](event, actor=None)
        event.refresh_from_db()
        assert event.status == before


def test_an_event_is_over_at_its_end_or_two_hours_after_an_open_start(in_alpha):
    now = timezone.now()
    ended = make_event(starts_at=now - timedelta(hours=3), ends_at=now - timedelta(minutes=1))
    running = make_event(starts_at=now - timedelta(hours=3), ends_at=now + timedelta(minutes=1))
    open_over = make_event(starts_at=now - timedelta(hours=2, minutes=1))
    open_running = make_event(starts_at=now - timedelta(hours=1, minutes=59))
    draft = make_event(starts_at=now - timedelta(days=3), published=False)
    assert services.finish_over(now) == 2
    assert services.finish_over(now) == 0
    states = dict(Event.objects.values_list("pk", "status"))
    assert [states[one.pk] for one in (ended, running, open_over, open_running, draft)] == [
        "finished", "published", "finished", "published", "draft",
    ]  # fmt: skip
    assert OutboxMessage.objects.filter(topic="event.finished").count() == 2


def test_only_an_event_that_nobody_ordered_for_can_be_deleted(in_alpha):
    kind = make_ticket_type(price_minor=0)
    services.delete_event(make_ticket_type().event, actor=None)
    make_order(kind)
    with pytest.raises(EventHasOrders):
        services.delete_event(kind.event, actor=None)
    assert Event.objects.filter(pk=kind.event.pk).exists()
    assert AuditEntry.objects.filter(topic="event.deleted").count() == 1


def test_the_currency_is_fixed_after_the_first_order(in_alpha):
    kind = make_ticket_type(price_minor=0)
    services.update_event(kind.event, actor=None, currency="USD")
    make_order(kind)
    with pytest.raises(CurrencyFixed):
        services.update_event(kind.event, actor=None, currency="EUR")


def test_prices_do_not_change_their_worth_by_a_change_of_currency(in_alpha):
    kind = make_ticket_type(price_minor=1250)
    with pytest.raises(CurrencyFixed):
        services.update_event(kind.event, actor=None, currency="JPY")
    services.update_event(kind.event, actor=None, currency="USD")


def test_until_the_first_sale_everything_can_be_edited_and_then_what_buyers_relied_on_stays(in_alpha):
    in_alpha.preferences = {"event_edit_policy": "until_first_sale"}
    kind = make_ticket_type(price_minor=0)
    services.update_event(kind.event, actor=None, starts_at="2027-06-01T20:00")
    make_order(kind)
    with pytest.raises(EditWindowClosed):
        services.update_event(kind.event, actor=None, starts_at="2027-06-02T20:00")
    with pytest.raises(EditWindowClosed):
        services.update_event(kind.event, actor=None, venue={"name": "Elsewhere"})
    assert services.update_event(kind.event, actor=None, title="Better title").title == "Better title"
    assert services.postpone(kind.event, starts_at="2027-06-02T20:00", actor=None).status == "postponed"


@pytest.mark.parametrize(("policy", "refused"), [("one_hour_after_creation", True), ("always", False)])
def test_a_tenant_chooses_how_long_events_can_be_edited(in_alpha, policy, refused):
    in_alpha.preferences = {"event_edit_policy": policy}
    event = make_event()
    services.update_event(event, actor=None, title="Within the hour")
    Event.objects.filter(pk=event.pk).update(created_at=timezone.now() - timedelta(minutes=61))
    if refused:
        with pytest.raises(EditWindowClosed):
            services.update_event(event, actor=None, title="Too late")
    else:
        services.update_event(event, actor=None, title="Not too late")


def test_an_update_that_changes_nothing_records_nothing(in_alpha):
    event = make_event("Same")
    services.update_event(event, actor=None, title="Same", tags=[])
    assert not AuditEntry.objects.filter(topic="event.updated").exists()


def test_venues_are_one_by_name_and_address(in_alpha):
    first = taxonomy.get_or_create_venue(name="Club", address="Main st 1")
    assert taxonomy.get_or_create_venue(name=" Club ", address="Main  st 1") == first
    assert taxonomy.get_or_create_venue(name="Club", address="Main st 2").slug == "club-2"
    assert Venue.objects.count() == 2


def test_what_events_use_is_not_deleted(in_alpha):
    category, tag = taxonomy.make(Category, actor=None, name="Jazz"), taxonomy.make(Tag, actor=None, name="Live")
    services.create_event(actor=None, title="Night", starts_at=SOON, category="jazz", tags=["live"])
    with pytest.raises(InUse):
        taxonomy.delete(category, actor=None)
    taxonomy.delete(tag, actor=None)
    assert Event.objects.get().tags.count() == 0


def test_a_copy_has_the_same_things_on_sale_and_nothing_sold(in_alpha):
    kind = make_ticket_type(price_minor=1500, capacity=7, sale_ends_at=timezone.now() + timedelta(days=6))
    make_order(kind)
    start = kind.event.starts_at + timedelta(days=7)
    copy = ticketing.duplicate_event(kind.event, actor=None, starts_at=start)
    assert (copy.status, copy.title) == ("draft", kind.event.title)
    twin = copy.ticket_types.get()
    assert (twin.price_minor, twin.sale_ends_at) == (1500, kind.sale_ends_at + timedelta(days=7))
    quota = twin.quotas.get()
    assert (quota.capacity, quota.held, quota.sold) == (7, 0, 0)


def test_a_copy_at_another_time_does_not_end_before_it_starts(in_alpha):
    now = timezone.now()
    event = make_event(starts_at=now + timedelta(days=1), ends_at=now + timedelta(days=1, hours=2))
    copy = services.duplicate(event, actor=None, starts_at=now + timedelta(days=8))
    assert copy.ends_at - copy.starts_at == timedelta(hours=2)


def test_the_first_ticket_type_brings_the_door_and_the_key(in_alpha):
    event = make_event()
    ticketing.create_ticket_type(event, actor=None, name="One")
    ticketing.create_ticket_type(event, actor=None, name="Two")
    assert CheckInList.objects.filter(event=event).count() == 1
    assert EventKey.objects.filter(event=event).count() == 1


def test_a_capacity_never_falls_below_what_is_sold_or_held(in_alpha):
    kind = make_ticket_type(capacity=5)
    make_order(kind, quantity=3)
    quota = kind.quotas.get()
    with pytest.raises(CapacityBelowSold):
        ticketing.change_quota(quota, actor=None, capacity=2)
    assert ticketing.change_quota(quota, actor=None, capacity=3).free == 0
    assert ticketing.change_quota(quota, actor=None, capacity=None).free is None
    with pytest.raises(QuotaInUse):
        ticketing.delete_quota(quota, actor=None)
    with pytest.raises(TicketTypeHasOrders):
        ticketing.delete_ticket_type(kind, actor=None)
    assert Quota.objects.get().held == 3


@pytest.mark.parametrize("capacity", [-1, 10**9, True, "7", 1.5])
def test_a_capacity_is_a_whole_number_of_places(in_alpha, capacity):
    with pytest.raises(InvalidInput):
        ticketing.create_quota(make_event(), "Hall", capacity)


def test_a_quota_cannot_take_another_events_ticket_type(in_alpha):
    with pytest.raises(InvalidInput):
        ticketing.create_quota(make_event(), "Hall", 5, [make_ticket_type()])
