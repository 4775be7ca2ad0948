"""Following the organizer, or one series of events: word of what is new."""

import uuid
from collections.abc import Iterator
from typing import Any, NamedTuple

from django.db import IntegrityError, transaction
from django.db.models import Count, Q, QuerySet

from shared_apps.accounts.models import User
from shared_apps.core.database_errors import broke
from shared_apps.core.errors import NotFound
from tenant_apps.activity.services import gone, made, record
from tenant_apps.customers.errors import TooManyFollows
from tenant_apps.customers.models import Follow, FreshEvent
from tenant_apps.events.models import Event, EventSeries

MOST = 200
# People of one batch.
BATCH = 1000


class Round(NamedTuple):
    """Events that followers are told of together."""

    id: uuid.UUID
    events: list[Event]


def follows_of(person: User) -> "QuerySet[Follow]":
    """Return what the person follows here: the organizer itself first, then series by name."""
    return Follow.objects.filter(user_id=person.pk).select_related("series").order_by("series__title", "pk")


def follow(person: User, series: EventSeries | None = None) -> bool:
    """Follow the organizer, or the series; False if the person does already. Raises TooManyFollows, NotFound."""
    if series is not None and Follow.objects.filter(user_id=person.pk).count() > MOST:
        raise TooManyFollows(most=MOST)
    try:
        with transaction.atomic():
            row = Follow.objects.create(user=person, series=series)
            told = made(series=series.pk if series else None)
            record("follow.added", row, actor=person, details=told, deliver=False)
    except IntegrityError as error:
        if broke(error, "follow_once"):
            return False
        raise NotFound from None
    return True


def unfollow(person: User, series: EventSeries | None = None) -> bool:
    """Follow no longer; False if the person did not."""
    with transaction.atomic():
        row = _mine(person, series).select_for_update(of=("self",)).first()
        if row is None:
            return False
        told = gone(series=series.pk if series else None)
        record("follow.removed", row, actor=person, details=told, deliver=False)
        row.delete()
    return True


def is_following(person: Any, series: EventSeries | None = None) -> bool:
    """Tell whether the person follows the organizer, or the series."""
    return person.is_authenticated and _mine(person, series).exists()


def followers() -> int:
    """Return how many people follow the organizer itself."""
    return Follow.objects.filter(series=None).count()


def series_with_followers() -> "QuerySet[Any]":
    """Return the series that somebody follows, each with `followers`, the most followed first."""
    rows = EventSeries.objects.annotate(followers=Count("follow_rows")).filter(followers__gt=0)
    return rows.order_by("-followers", "title", "pk")


# --- Word of new events ----------------------------------------------------------------------------------------------


def note_fresh(event: Event) -> None:
    """Note an event that was put on sale for the first time. Twice is once."""
    FreshEvent.objects.bulk_create([FreshEvent(event=event)], ignore_conflicts=True)


def rounds() -> Iterator[Round]:
    """Return what there is to tell: what was begun first, then all that is new, as one.

    Call `end` when everybody was told; a round that was broken off comes again with the same id.
    """
    FreshEvent.objects.filter(round=None).update(round=uuid.uuid4())
    by_round: dict[uuid.UUID, list[Any]] = {}
    for row in FreshEvent.objects.filter(round__isnull=False).select_related("event__venue").order_by("event"):
        assert row.round is not None
        by_round.setdefault(row.round, []).append(row.event)
    for pk, events in by_round.items():
        yield Round(pk, events)


def end(done: Round) -> None:
    """Everybody was told of it."""
    FreshEvent.objects.filter(round=done.id).delete()


def followers_of(events: list[Event]) -> Iterator[list[tuple[int, frozenset[int]]]]:
    """Return who follows the organizer or a series of these events, some at a time: each person once, with the ids of
    the events that are for them."""
    by_series: dict[int | None, set[int]] = {}
    for event in events:
        by_series.setdefault(event.series_id, set()).add(event.pk)
    everything = frozenset(event.pk for event in events)
    wanted = Q(series=None) | Q(series__in=[pk for pk in by_series if pk is not None])
    last = 0
    while True:
        people = list(
            Follow.objects.filter(wanted, user_id__gt=last).order_by("user_id").values_list("user_id", flat=True)
            .distinct()[:BATCH]
        )  # fmt: skip
        if not people:
            return
        last = people[-1]
        for_them: dict[int, frozenset[int]] = {}
        for user_id, series_id in Follow.objects.filter(wanted, user_id__in=people).values_list("user_id", "series_id"):
            mine = everything if series_id is None else frozenset(by_series.get(series_id, ()))
            for_them[user_id] = for_them.get(user_id, frozenset()) | mine
        yield sorted(for_them.items())


def _mine(person: User, series: EventSeries | None) -> "QuerySet[Follow]":
    return Follow.objects.filter(user_id=person.pk, series=series)
