"""How events stand with people: counted without locks, never twice, and in an order that few ratings do not turn."""

from decimal import Decimal

from tenant_apps.events import standing
from tenant_apps.events.models import Event, EventStanding, StandingChange
from tests.factories import make_event


def rate(event: Event, stars: int, times: int = 1) -> None:
    for _ in range(times):
        standing.change(event.pk, stars=stars)


def test_every_event_has_a_standing_however_it_was_made(in_alpha):
    one = make_event()
    many = Event.objects.bulk_create(
        Event(slug=f"many-{n}", title="Many", starts_at=one.starts_at, timezone="UTC", currency="EUR") for n in range(2)
    )
    assert EventStanding.objects.filter(event__in=[one, *many]).count() == 3
    EventStanding.objects.filter(event=one).delete()
    standing.settle()
    assert EventStanding.objects.get(event=one).likes == 0


def test_what_waits_and_the_counters_make_up_what_there_is(in_alpha):
    event = make_event()
    standing.change(event.pk, likes=1)
    standing.change(event.pk, likes=1, favourites=1)
    standing.change(event.pk, likes=-1)
    assert EventStanding.objects.get(event=event).likes == 0
    assert standing.STANDINGS.waiting(event.pk)["likes"] == 1
    assert standing.fold(event.pk)
    counted = EventStanding.objects.get(event=event)
    assert (counted.likes, counted.favourites) == (1, 1)
    assert not StandingChange.objects.exists()
    assert not standing.fold(event.pk)  # there is nothing left to fold


def test_a_rating_that_is_changed_or_withdrawn_is_counted_as_it_is(in_alpha):
    event = make_event()
    rate(event, 5, times=2)
    standing.change(event.pk, stars=2, was=5)
    standing.change(event.pk, stars=4, was=4)  # nothing changed, nothing is written
    assert StandingChange.objects.count() == 3
    standing.fold(event.pk)
    counted = EventStanding.objects.get(event=event)
    assert (counted.ratings, counted.rating_total, counted.rating) == (2, 7, Decimal("3.50"))
    standing.change(event.pk, was=5)
    standing.change(event.pk, was=2)
    standing.fold(event.pk)
    counted.refresh_from_db()
    assert (counted.ratings, counted.rating, counted.score) == (0, None, None)


def test_one_five_does_not_stand_above_a_hundred_of_nearly_five(in_alpha):
    lucky, loved, unrated, middling = make_event(), make_event(), make_event(), make_event()
    rate(lucky, 5)
    rate(loved, 5, times=80)
    rate(loved, 4, times=20)
    rate(middling, 3, times=50)
    standing.settle()
    assert EventStanding.objects.get(event=loved).rating == Decimal("4.80")
    order = EventStanding.objects.order_by("-score").filter(ratings__gt=0).values_list("event_id", flat=True)
    assert list(order) == [loved.pk, lucky.pk, middling.pk]
    assert EventStanding.objects.get(event=unrated).score is None
