"""Word of new events to who follows the organizer or a series.

An event that goes on sale is noted; a quarter of an hour later followers are told of all that are new, in one letter:
an organizer who puts a season of twenty evenings on sale writes one, not twenty. What is settled by then (taken back,
cancelled, over) is left out. A round that is broken off goes on under the same keys: each is told once (G4).
"""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, override

from shared_apps.accounts.models import User
from tenant_apps.activity.delivery import subscribe
from tenant_apps.activity.models import OutboxMessage
from tenant_apps.activity.queues import BULK
from tenant_apps.customers import follows
from tenant_apps.customers.models import Follow
from tenant_apps.events.models import Event
from tenant_apps.notifications.about import event_values
from tenant_apps.notifications.sending import Notice, notify_many
from tenant_apps.notifications.topics import EMAIL, FEED, PUSH, Recipient, Topic, register
from tenant_apps.notifications.wording import known_language
from tenants.context import current_tenant

WAIT = timedelta(minutes=15)
# So many are named; the others stand on the page.
MOST_NAMED = 10


def _still(values: Mapping[str, Any]) -> bool:
    """Whether one of them can still be bought when the letter leaves."""
    return bool(Event.objects.on_sale().filter(pk__in=values.get("event_ids", ())).exists())


NEW = register(
    Topic(
        "follow.new_events", gettext_lazy("New events of whom you follow"), (EMAIL, PUSH, FEED),
        still=_still,
        placeholders=("event", "count", "events"),
        samples={"events": gettext_lazy("Summer concert: Monday, 21 June 2027, 19:00"), "count": "1"},
        title=gettext_lazy("New at {site}: {event}"),
        body=gettext_lazy("{greeting}\n\nyou follow {site}. This is new:\n\n{events}"),
    )
)  # fmt: skip


@subscribe("event.published")
def note(message: OutboxMessage) -> None:
    """Note what goes on sale for the first time, if anybody wants to hear of it."""
    event: Any = Event.objects.on_sale().filter(pk=message.aggregate.partition(":")[2]).first()
    if event is not None and event.previous_starts_at is None and Follow.objects.exists():
        follows.note_fresh(event)


def tell_followers() -> int:
    """Tell followers of what is new, and return how many letters were taken in hand."""
    told = 0
    for each in follows.rounds():
        wanted = list(
            Event.objects.on_sale().filter(pk__in=[event.pk for event in each.events]).select_related("venue")
        )
        wanted.sort(key=lambda event: (event.starts_at, event.pk))
        if wanted:
            for people in follows.followers_of(wanted):
                told += notify_many(NEW, _notices(each, wanted, people), queue=BULK)
        follows.end(each)
    return told


def _notices(told: follows.Round, events: list[Event], people: list[tuple[int, frozenset[int]]]) -> Iterator[Notice]:
    known = User.objects.filter(pk__in=[pk for pk, _ids in people], is_active=True).in_bulk()
    said: dict[tuple[str, frozenset[int]], tuple[dict[str, Any], str]] = {}
    for pk, ids in people:
        person = known.get(pk)
        if person is None:
            continue
        language = known_language(person.language, current_tenant().language)
        if (language, ids) not in said:
            with override(language):
                said[language, ids] = _said([event for event in events if event.pk in ids])
        values, url = said[language, ids]
        yield Notice(_recipient(person), values, f"follow:{told.id}:{pk}", url)


def _said(events: list[Event]) -> tuple[dict[str, Any], str]:
    lines = [
        ", ".join(filter(None, (f"{event.title}: {values['starts']}", values["venue"])))
        for event in events[:MOST_NAMED]
        for values in [event_values(event)]
    ]
    more = len(events) - MOST_NAMED
    if more > 0:
        lines.append(ngettext("and one more", "and %(count)d more", more) % {"count": more})
    first = events[0].title
    title = first if len(events) == 1 else _("{event} and more").format(event=first)
    url = f"/events/{events[0].slug}/" if len(events) == 1 else "/events/"
    values = {"event": title, "count": str(len(events)), "events": "\n".join(lines)}
    return {**values, "event_ids": [event.pk for event in events]}, url


def _recipient(person: User) -> Recipient:
    """The person, without the number that nothing is sent to: reading it costs a statement for each."""
    return Recipient(person.pk, person.email, "", person.name, person.language)
