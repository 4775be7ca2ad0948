"""An event's reminders as its staff see and set them: when each goes out at the event's place, and how it went."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from shared_apps.core.clock import local
from shared_apps.core.errors import FieldError, InvalidInput
from tenant_apps.activity.services import record
from tenant_apps.events.models import Event
from tenant_apps.notifications import rounds
from tenant_apps.notifications.models import EventReminders, Round
from tenants.context import current_tenant
from tenants.preferences import PREFERENCES, preference

PLANNED, SENDING, SENT, LEFT_OUT, NOT_NOW = "planned", "sending", "sent", "left_out", "not_planned"


@dataclass(frozen=True)
class Reminder:
    """One line of the plan. `at` is local to the event. `told` people were written to so far."""

    offset_minutes: int
    at: datetime
    status: str
    told: int
    finished_at: datetime | None = None


@dataclass(frozen=True)
class Plan:
    """What an event's reminders are, its own or the tenant's, longest first. `before` tells of earlier starts."""

    own: bool
    offsets: list[int]
    reminders: list[Reminder]
    before: list[Reminder]


def plan_of(event: Event, now: datetime | None = None) -> Plan:
    """Return the event's plan; two statements."""
    now = now or timezone.now()
    own = rounds.own_offsets(event)
    offsets = rounds.offsets_of(event) if own is None else sorted(own, reverse=True)
    found = list(Round.objects.filter(event=event, kind=Round.Kind.REMINDER).order_by("due_at", "pk"))
    present = {each.offset_minutes: each for each in found if each.anchor_at == event.starts_at}
    reminders = [_line(event, minutes, present.get(minutes), now) for minutes in offsets]
    listed = {present[minutes].pk for minutes in offsets if minutes in present}
    before = [_line(event, each.offset_minutes, each, now) for each in found if each.pk not in listed and each.told]
    return Plan(own is not None, offsets, reminders, before)


def set_offsets(event: Event, minutes: Sequence[int] | None, *, actor: Any) -> Plan:
    """Give the event reminder times of its own, or with None the tenant's again; an empty list means none at all.

    Raises InvalidInput for what is no list of at most five different numbers of minutes.
    """
    if minutes is not None and not PREFERENCES["reminder_offsets_minutes"].check(minutes):
        hint = PREFERENCES["reminder_offsets_minutes"].hint
        raise InvalidInput(errors=[FieldError("offsets_minutes", "invalid", hint)])
    with transaction.atomic():
        before = rounds.own_offsets(event)
        after = None if minutes is None else sorted(minutes, reverse=True)
        if after is None:
            EventReminders.objects.filter(event=event).delete()
        else:
            EventReminders.objects.update_or_create(event=event, defaults={"minutes": after})
        if before != after:
            details = {"before": {"offsets_minutes": before}, "after": {"offsets_minutes": after}}
            record("event.reminders_changed", event, actor=actor, details=details, deliver=False)
            rounds.plan()
    return plan_of(event)


def usual_offsets() -> list[int]:
    """Return the tenant's own reminder times, longest first."""
    return sorted(preference(current_tenant(), "reminder_offsets_minutes"), reverse=True)


def _line(event: Event, minutes: int, found: Round | None, now: datetime) -> Reminder:
    if found is None:
        at = event.starts_at - timedelta(minutes=minutes)
        status = LEFT_OUT if at <= now else PLANNED if event.status in rounds.COMING else NOT_NOW
        return Reminder(minutes, local(at, event.timezone), status, 0)
    status = {
        Round.Status.DONE: SENT,
        Round.Status.MISSED: LEFT_OUT,
        Round.Status.WAITING: SENDING if found.told else PLANNED,
    }[Round.Status(found.status)]
    return Reminder(minutes, local(found.due_at, event.timezone), status, found.told, found.finished_at)
