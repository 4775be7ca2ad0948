"""Letters to everybody who holds a ticket of an event, at a time that follows from the event's: planned, then sent.

A reminder goes out so many minutes of elapsed time before the start (decision 0038): an instant, which no change of
clocks makes ambiguous or lets happen twice. Plans are rows. They are made ahead, follow an event that is moved, and go
when it is cancelled. What should have gone out before it was planned is left out: nobody is reminded of what they were
told a moment ago. What waits when the scheduler was down goes out late, as long as the event has not begun and no later
reminder of it is due as well.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from time import monotonic
from typing import Any

from django.db import transaction
from django.db.models import Exists, F, OuterRef
from django.db.models.functions import Coalesce, Now
from django.utils import timezone

from shared_apps.core.faults import point
from tenant_apps.events.models import Event
from tenant_apps.events.services import WITHOUT_END
from tenant_apps.notifications.holders import ATTENDED, REMINDED, Holder, holders
from tenant_apps.notifications.models import EventReminders, Round
from tenants.context import current_tenant
from tenants.database import connection
from tenants.due import Column
from tenants.preferences import preference

Kind, Status = Round.Kind, Round.Status
# So many people are written to in one transaction.
BATCH = 200
# Plans reach further ahead than the longest offset (30 days), so that they are there before they are due.
HORIZON = timedelta(days=32)
# An event that ended longer ago is not asked about any more: its round was never planned, or everything stood still.
REVIEW_WITHIN = timedelta(days=7)
COMING = (Event.Status.PUBLISHED, Event.Status.POSTPONED)
Writer = Callable[[Round, Event, Sequence[Holder]], None]

# Plans whose event is no longer what they were made for. Those that a worker has in its hands end by themselves.
_DROP = """
WITH gone AS (
    SELECT r.id FROM notifications_round r
    JOIN events_event e ON e.id = r.event_id
    LEFT JOIN notifications_offsets own ON own.event_id = e.id
    WHERE r.kind = 'reminder' AND r.status = 'waiting' AND NOT (
        e.status = ANY(%(coming)s) AND e.starts_at = r.anchor_at
        AND r.offset_minutes = ANY(COALESCE(own.minutes, %(offsets)s::int[]))
    )
    ORDER BY r.id FOR UPDATE OF r SKIP LOCKED
), stopped AS (
    UPDATE notifications_round SET status = 'missed', finished_at = %(now)s, cursor = ''
    WHERE told > 0 AND id IN (SELECT id FROM gone)
)
DELETE FROM notifications_round WHERE told = 0 AND id IN (SELECT id FROM gone)
"""
# An event that reminds nobody gets a row at its start that is over: so one can tell that it was planned.
_PLAN = """
WITH wanted AS (
    SELECT e.id, e.starts_at, o.minutes, e.starts_at - o.minutes * interval '1 minute' AS due_at
    FROM events_event e
    LEFT JOIN notifications_offsets own ON own.event_id = e.id
    CROSS JOIN LATERAL unnest(
        COALESCE(NULLIF(COALESCE(own.minutes, %(offsets)s::int[]), '{}'), ARRAY[0])
    ) AS o (minutes)
    WHERE e.status = ANY(%(coming)s) AND e.starts_at <= %(until)s
), unplanned AS (
    SELECT id, starts_at, minutes, due_at, due_at < %(now)s OR minutes = 0 AS too_late FROM wanted
    WHERE NOT EXISTS (
        SELECT 1 FROM notifications_round r WHERE r.event_id = wanted.id AND r.kind = 'reminder'
        AND r.anchor_at = wanted.starts_at AND r.offset_minutes = wanted.minutes
    )
), over AS (
    SELECT e.id, COALESCE(e.ends_at, e.starts_at + %(without_end)s) AS ended_at FROM events_event e
    WHERE e.status = 'finished' AND COALESCE(e.ends_at, e.starts_at + %(without_end)s) > %(since)s
    AND NOT EXISTS (SELECT 1 FROM notifications_round r WHERE r.event_id = e.id AND r.kind = 'review')
)
INSERT INTO notifications_round (event_id, kind, anchor_at, offset_minutes, due_at, status, cursor, told, finished_at)
SELECT id, 'reminder', starts_at, minutes, due_at,
       CASE WHEN too_late THEN 'missed' ELSE 'waiting' END, '', 0, CASE WHEN too_late THEN %(now)s END
FROM unplanned
UNION ALL
SELECT id, 'review', ended_at, %(minutes)s, ended_at + %(minutes)s * interval '1 minute',
       CASE WHEN %(reviews)s THEN 'waiting' ELSE 'missed' END, '', 0, CASE WHEN NOT %(reviews)s THEN %(now)s END
FROM over
ON CONFLICT DO NOTHING
"""


def plan(now: datetime | None = None) -> int:
    """Make the plans what events and settings say; returns how many were made. Twice, or two at once, is once."""
    values = _values(now or timezone.now())
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_DROP, values)
        cursor.execute(_PLAN, values)
        return int(cursor.rowcount)


def _values(now: datetime) -> dict[str, Any]:
    tenant = current_tenant()
    return {
        "now": now,
        "until": now + HORIZON,
        "coming": list(COMING),
        "offsets": preference(tenant, "reminder_offsets_minutes"),
        "reviews": preference(tenant, "review_requests"),
        "minutes": 60 * preference(tenant, "review_request_hours"),
        "without_end": WITHOUT_END,
        "since": now - REVIEW_WITHIN,
    }


def send_due(writers: dict[str, Writer], now: datetime | None = None, *, seconds: float = 20) -> bool:
    """Write the letters of every plan that is due, batch after batch, for so long; tells whether something is left.

    Each batch is a transaction of its own: the letters, and how far the plan came (G2, G4).
    """
    until = monotonic() + seconds
    while monotonic() < until:
        if not _write_batch(writers, now or timezone.now()):
            return False
    return True


@transaction.atomic
def _write_batch(writers: dict[str, Writer], now: datetime) -> bool:
    """Write one batch; False if nothing else is due, or others have it in their hands."""
    due = Round.objects.filter(status=Status.WAITING, due_at__lte=now).order_by("due_at", "pk")
    # One more than is worked on: so the last one is known to be the last.
    waiting = list(due.select_for_update(skip_locked=True, of=("self",))[:2])
    if not waiting:
        return False
    found, others = waiting[0], len(waiting) > 1
    event = Event.objects.select_related("venue").get(pk=found.event_id)
    if not _still_wanted(found, event, now):
        _end(found, Status.MISSED, now)
        return others
    people = holders(
        event.pk,
        REMINDED if found.kind == Kind.REMINDER else ATTENDED,
        # Who booked after it was due has just been told when it begins.
        before=found.due_at if found.kind == Kind.REMINDER else now,
        after=found.cursor,
        most=BATCH,
    )
    if people:
        writers[found.kind](found, event, people)
        found.told += len(people)
        found.cursor = people[-1].who
    over = len(people) < BATCH
    if over:
        _end(found, Status.DONE, now)
    else:
        found.save(update_fields=["told", "cursor"])
    point("round.written")
    return others or not over


def _end(found: Round, status: str, now: datetime) -> None:
    found.status, found.finished_at, found.cursor = status, now, ""
    found.save(update_fields=["status", "finished_at", "cursor", "told"])


def _still_wanted(found: Round, event: Event, now: datetime) -> bool:
    """Whether it makes sense to begin or go on: it is about the event as it is, and not too late."""
    if found.kind == Kind.REVIEW:
        return event.status == Event.Status.FINISHED and bool(preference(current_tenant(), "review_requests"))
    if not reminds_of(event, found.anchor_at, now) or found.offset_minutes not in offsets_of(event):
        return False
    if found.told:
        return True
    # Both are late when the scheduler was down: people get the nearer one, not two at once.
    nearer = Round.objects.filter(
        event=event, kind=Kind.REMINDER, anchor_at=found.anchor_at, due_at__gt=found.due_at, due_at__lte=now
    )
    return not nearer.exists()


def reminds_of(event: Event, starts_at: datetime, now: datetime) -> bool:
    """Tell whether a reminder of this start is true at this moment."""
    return event.status in COMING and event.starts_at == starts_at and starts_at > now


def offsets_of(event: Event) -> list[int]:
    """Return when the event's reminders go out: minutes before the start, its own or the tenant's, longest first."""
    own = own_offsets(event)
    chosen = preference(current_tenant(), "reminder_offsets_minutes") if own is None else own
    return sorted(chosen, reverse=True)


def own_offsets(event: Event) -> list[int] | None:
    """Return the event's own reminder times; None where the tenant's hold."""
    minutes = EventReminders.objects.filter(event=event).values_list("minutes", flat=True).first()
    return None if minutes is None else list(minutes)


def unplanned() -> list[Column]:
    """What is to be planned: rows and the moment from which they are. Whoever schedules asks this of each tenant."""
    plans = Round.objects.filter(event=OuterRef("pk"))
    reminders = plans.filter(kind=Kind.REMINDER, anchor_at=OuterRef("starts_at"))
    coming = Event.objects.filter(~Exists(reminders), status__in=COMING).annotate(from_=F("starts_at") - HORIZON)
    over = Event.objects.annotate(ended_at=Coalesce("ends_at", F("starts_at") + WITHOUT_END)).filter(
        ~Exists(plans.filter(kind=Kind.REVIEW)), status=Event.Status.FINISHED, ended_at__gt=Now() - REVIEW_WITHIN
    )
    return [(coming, "from_"), (over, "ended_at")]
