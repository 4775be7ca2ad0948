"""What holders of tickets are told by the clock: that their event comes, and afterwards how it was."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.utils import timezone, translation
from django.utils.translation import gettext_lazy as _

from shared_apps.people.phones import numbers_of
from tenant_apps.events.models import Event
from tenant_apps.notifications.about import event_values
from tenant_apps.notifications.holders import Holder
from tenant_apps.notifications.models import Round
from tenant_apps.notifications.rounds import BATCH, Writer, reminds_of
from tenant_apps.notifications.sending import Notice, notify_many
from tenant_apps.notifications.topics import EMAIL, FEED, PUSH, SMS, Recipient, Topic, register
from tenant_apps.notifications.wording import known_language
from tenant_apps.ticketing.models import Ticket
from tenants.context import current_tenant

# Whoever holds more tickets of an event is not asked about each before the letter leaves.
MOST_ASKED = 20


def _still_comes(values: Mapping[str, Any]) -> bool:
    """Whether a reminder is true as it leaves: the event was not moved or called off, and a ticket is good."""
    event = Event.objects.filter(pk=values["event_id"]).first()
    if event is None or not reminds_of(event, datetime.fromisoformat(values["anchor_at"]), timezone.now()):
        return False
    asked = values["ticket_ids"]
    return not asked or Ticket.objects.filter(pk__in=asked, status=Ticket.Status.ACTIVE).exists()


REMINDER = register(
    Topic(
        "event.reminder",
        _("Reminder before an event"),
        channels=(EMAIL, SMS, PUSH, FEED),
        placeholders=("event", "starts", "venue", "quantity"),
        title=_("Reminder: {event}"),
        body=_("{greeting}\n\n{event} begins on {starts}.\n{venue}\n\nYour tickets: {quantity}."),
        short=_("{event} begins on {starts}. {venue}"),
        still=_still_comes,
    )
)
REVIEW_REQUEST = register(
    Topic(
        "event.review_request",
        _("The question how an event was"),
        channels=(EMAIL,),
        placeholders=("event", "starts", "venue"),
        title=_("How was {event}?"),
        body=_("{greeting}\n\nYou were at {event} on {starts}. How was it? Tell us, and others, on its page."),
    )
)


def remind(found: Round, event: Event, people: Sequence[Holder]) -> None:
    """Write the reminder for these people; in the transaction that notes it."""
    _tell(REMINDER, found, event, people)


def ask_how_it_was(found: Round, event: Event, people: Sequence[Holder]) -> None:
    """Write to those who were there; a link to where they can say it, not to their tickets."""
    _tell(REVIEW_REQUEST, found, event, people)


def _tell(topic: Topic, found: Round, event: Event, people: Sequence[Holder]) -> None:
    usual = current_tenant().language
    said: dict[str, dict[str, str]] = {}
    notices = []
    numbers = numbers_of(each.user_id for each in people if each.user_id is not None)
    for person in people:
        language = known_language(person.language, usual)
        if language not in said:
            with translation.override(language):
                said[language] = event_values(event)
        values = {
            **said[language],
            "quantity": str(len(person.ticket_ids)),
            "event_id": event.pk,
            "anchor_at": found.anchor_at.isoformat(),
            "ticket_ids": list(person.ticket_ids) if len(person.ticket_ids) <= MOST_ASKED else [],
        }
        recipient = Recipient(
            user_id=person.user_id,
            email=person.email,
            phone=numbers.get(person.user_id, ""),
            name=person.name,
            language=person.language,
        )
        page = f"/events/{event.slug}/"
        url = f"{page}review/" if topic is REVIEW_REQUEST else person.path or page
        key = f"round:{event.pk}:{found.kind}:{found.anchor_at.isoformat()}:{found.offset_minutes}:{person.who}"
        notices.append(Notice(recipient, values, key, url))
    # A full house goes where it keeps nobody else waiting.
    many = found.told or len(people) >= BATCH
    notify_many(topic, notices, queue="bulk" if many or topic is REVIEW_REQUEST else None)


WRITERS: dict[str, Writer] = {Round.Kind.REMINDER: remind, Round.Kind.REVIEW: ask_how_it_was}
