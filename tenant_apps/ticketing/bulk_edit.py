"""One thing done to many events: each by itself, so that one refusal does not stop the others."""

from collections.abc import Iterable
from datetime import UTC, timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from shared_apps.core.clock import from_local, local
from shared_apps.core.errors import DomainError, FieldError, InvalidInput
from tenant_apps.events import services as events
from tenant_apps.events.models import Event, Tag
from tenant_apps.ticketing.event_setup import own_quota
from tenant_apps.ticketing.services import change_quota

STEPS = {"publish": events.publish, "archive": events.archive, "cancel": events.cancel}


def apply(
    found: Iterable[Event], action: str, *, actor: Any, category: str = "", tag: str = "", days: int = 0
) -> list[tuple[Event, DomainError]]:
    """Do the action to each event and return those that refused, with why. Each has a transaction of its own.

    Actions: publish, archive, cancel, category (empty takes it away), tags (adds one), shift (by days on the clock
    of the event's zone).
    """
    refused = []
    for event in found:
        try:
            with transaction.atomic():
                _apply(event, action, actor, category, tag, days)
        except DomainError as refusal:
            refused.append((event, refusal))
    return refused


@transaction.atomic
def quick_edit(event: Event, *, actor: Any, title: str, starts_at: Any, capacity: int | None) -> Event:
    """Change title, start and number of places. The end moves with the start.

    The number of places is changed only where the event has one ticket type with a quota of its own.
    """
    fields: dict[str, Any] = {"title": title}
    if starts_at != local(event.starts_at, event.timezone).replace(tzinfo=None, second=0, microsecond=0):
        fields |= _shifted(event, starts_at - local(event.starts_at, event.timezone).replace(tzinfo=None))
    event = events.update_event(event, actor=actor, **fields)
    quota = only_quota(event)
    if quota is not None and quota.capacity != capacity:
        change_quota(quota, actor=actor, capacity=capacity)
    return event


def only_quota(event: Event) -> Any:
    """Return the quota that stands for the event's places, if there is exactly one that does; else None."""
    types = list(event.ticket_types.all()[:2])
    return own_quota(types[0]) if len(types) == 1 else None


def _apply(event: Event, action: str, actor: Any, category: str, tag: str, days: int) -> None:
    if action in STEPS:
        STEPS[action](event, actor=actor)
    elif action == "category":
        events.update_event(event, actor=actor, category=category or None)
    elif action == "tags":
        there = list(event.tags.all())
        events.update_event(event, actor=actor, tags=[*there, *Tag.objects.filter(slug=tag)])
    elif action == "shift":
        events.update_event(event, actor=actor, **_shifted(event, timedelta(days=days)))
    else:
        raise ValueError(action)


def _shifted(event: Event, by: timedelta) -> dict[str, Any]:
    """The event's times, moved on the clock of its zone; it takes as long as before."""
    others = {name: getattr(event, name) for name in ("ends_at", "cancel_until")}
    try:
        wall = local(event.starts_at, event.timezone).replace(tzinfo=None) + by
        start = from_local(wall, event.timezone).astimezone(UTC)
        moved = {name: at + (start - event.starts_at) for name, at in others.items() if at is not None}
    except ValueError as error:
        raise InvalidInput(errors=[FieldError("starts_at", "nonexistent_time", str(error))]) from None
    except OverflowError:
        message = _("The year must lie between 2000 and 2099.")
        raise InvalidInput(errors=[FieldError("starts_at", "out_of_range", message)]) from None
    return {"starts_at": start, **moved}
