"""An event that is postponed takes its check-in lists along: a list of last week's day would admit nobody."""

from datetime import datetime, timedelta

from django.db import transaction

from shared_apps.core.clock import local
from tenant_apps.activity.delivery import subscribe
from tenant_apps.activity.models import OutboxMessage
from tenant_apps.activity.services import before_and_after, record
from tenant_apps.events.models import Event
from tenant_apps.ticketing.entrances import days_of
from tenant_apps.ticketing.models import CheckInList

# Doors open before an event and close after it; a window that lies further away belongs to the time it had before.
_AROUND = timedelta(hours=24)
_FIELDS = ("day", "opens_at", "closes_at")


@subscribe("event.postponed")
def lists_go_along(message: OutboxMessage) -> None:
    """Move days and windows as far as the event was moved. What fits the event already stays, so twice is once, and a
    list that somebody has set anew meanwhile is left alone."""
    event = Event.objects.filter(pk=message.aggregate.partition(":")[2]).first()
    if event is None:
        return
    was, now = (datetime.fromisoformat(message.payload[name]) for name in ("from", "to"))
    with transaction.atomic():
        for entrance in event.check_in_lists.select_for_update(of=("self",)).order_by("pk"):
            _move(entrance, event, was, now - was)


def _move(entrance: CheckInList, event: Event, was: datetime, shift: timedelta) -> None:
    before = {name: getattr(entrance, name) for name in _FIELDS}
    days = days_of(event)
    if entrance.day is not None and entrance.day not in days:
        # As far from the first day as it was, and on the last one where the event has become shorter.
        first_before = local(was, event.timezone).date()
        entrance.day = min(days[0] + max(entrance.day - first_before, timedelta(0)), days[-1])
    begins, ends = event.starts_at - _AROUND, (event.ends_at or event.starts_at) + _AROUND
    opens, closes = entrance.opens_at or entrance.closes_at, entrance.closes_at or entrance.opens_at
    if opens is not None and closes is not None and (closes < begins or opens > ends):
        entrance.opens_at = entrance.opens_at and entrance.opens_at + shift
        entrance.closes_at = entrance.closes_at and entrance.closes_at + shift
    after = {name: getattr(entrance, name) for name in _FIELDS}
    if after != before:
        entrance.save(update_fields=[*_FIELDS, "modified_at"])
        record("check_in_list.updated", entrance, details=before_and_after(before, after), deliver=False)
