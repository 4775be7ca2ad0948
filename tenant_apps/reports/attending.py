"""Who came: tickets of the events of some days beside the admissions at their doors.

Scans are too many and too fast for a message each (decision 0031), so this is asked of the tickets themselves: an event
has its tickets in one piece of the index. A day is the one on which the event starts, in the event's own zone (B3).
"""

from datetime import date, datetime, timedelta
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tenant_apps.reports import reading
from tenant_apps.reports.registry import (
    COUNT,
    DAY,
    PERCENT,
    TEXT,
    Column,
    Report,
    ReportQuery,
    ReportResult,
    Row,
    register,
)  # fmt: skip
from tenants.context import current_tenant
from tenants.database import connection

_STATEMENT = """
    WITH event AS MATERIALIZED (
        SELECT id, title, slug, (starts_at AT TIME ZONE timezone)::date AS day, currency,
               status IN ('finished', 'archived')
                   OR coalesce(ends_at, starts_at + interval '2 hours') <= %(now)s AS over
        FROM events_event
        WHERE starts_at >= %(since)s::date - interval '1 day' AND starts_at < %(until)s::date + interval '2 days'
          AND (starts_at AT TIME ZONE timezone)::date BETWEEN %(since)s AND %(until)s
          AND (%(events)s::bigint[] IS NULL OR id = ANY (%(events)s))
          AND status <> 'cancelled'
          AND NOT EXISTS (SELECT FROM events_eventseries s WHERE s.template_id = events_event.id)
    ),
    came AS (
        SELECT DISTINCT c.ticket_id FROM event e JOIN ticketing_checkinlist l ON l.event_id = e.id
        JOIN ticketing_checkin c ON c.check_in_list_id = l.id
        WHERE c.result = 'admitted' AND c.direction = 'in' AND c.undone_at IS NULL AND c.ticket_id IS NOT NULL
    )
    SELECT e.day, e.title, e.slug, e.currency, y.name,
           count(*) FILTER (WHERE t.status IN ('active', 'used', 'expired')),
           count(c.ticket_id) FILTER (WHERE t.status IN ('active', 'used', 'expired')),
           count(*) FILTER (WHERE t.status IN ('active', 'used', 'expired') AND c.ticket_id IS NULL AND e.over),
           count(*) FILTER (WHERE t.status IN ('active', 'used', 'expired') AND c.ticket_id IS NULL AND NOT e.over),
           count(*) FILTER (WHERE t.status IN ('cancelled', 'refunded')), e.id
    FROM event e JOIN ticketing_ticket t ON t.event_id = e.id JOIN ticketing_tickettype y ON y.id = t.ticket_type_id
    LEFT JOIN came c ON c.ticket_id = t.id
    GROUP BY e.id, e.day, e.title, e.slug, e.currency, y.id, y.name
"""
NAMES = ("quantity", "admitted", "no_shows", "expected", "cancelled")


def _answer(query: ReportQuery, *, now: datetime | None = None) -> ReportResult:
    asked = {"since": query.from_, "until": query.to, "now": now or timezone.now(), "events": None}
    if query.counted is not None:
        asked["events"] = sorted(query.counted)  # type: ignore[assignment]  # a parameter of any type
    with connection.cursor() as cursor:
        cursor.execute(_STATEMENT, asked)
        found = cursor.fetchall()
    by = query.group_by
    groups: dict[Any, Row] = {}
    for day, title, slug, currency, kind, *counts, pk in found:
        told: Row = {}
        key: list[Any] = [currency]
        for name in by:
            if name in reading.TIMES:
                told[name] = _first(day, name)
                key.append(told[name])
            elif name == "event":
                told |= {"event": title, "event_slug": slug}
                key.append(pk)
            elif name == "ticket_type":
                told |= {"ticket_type": kind, "event": title}
                key += [pk, kind]
        row = groups.setdefault(tuple(key), {**told, "currency": currency, **dict.fromkeys(NAMES, 0)})
        for name, count in zip(NAMES, counts, strict=True):
            row[name] += count
    columns = [*_dimensions(by), *_figures()]
    rows = reading.in_order([_with_share(row) for row in groups.values()], columns)
    total: Row = {"currency": current_tenant().currency, **{name: sum(row[name] for row in rows) for name in NAMES}}
    return ReportResult(
        columns, rows, [_with_share(total)], current_tenant().currency, query.from_, query.to,
        notes=[_("A day is the one on which an event starts, in its own time zone.")],
    )  # fmt: skip


def _first(day: date, name: str) -> date:
    """The first day of the day's week or month."""
    if name == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if name == "month" else day


def _with_share(row: Row) -> Row:
    known = row["admitted"] + row["no_shows"]
    return {**row, "share": round(row["admitted"] * 100 / known) if known else None}


def _dimensions(by: tuple[str, ...]) -> list[Column]:
    made = {
        "day": Column("day", _("Day"), DAY, dimension=True),
        "week": Column("week", _("Week from"), DAY, dimension=True),
        "month": Column("month", _("Month"), DAY, dimension=True),
        "event": Column("event", _("Event"), TEXT, dimension=True),
        "ticket_type": Column("ticket_type", _("Ticket type"), TEXT, dimension=True),
    }
    names = [name for name in by if name in made]
    if "ticket_type" in names and "event" not in names:
        names.insert(names.index("ticket_type"), "event")
    return [made[name] for name in names]


def _figures() -> list[Column]:
    return [
        Column("quantity", _("Tickets"), COUNT),
        Column("admitted", _("Came"), COUNT),
        Column("no_shows", _("Did not come"), COUNT),
        Column("expected", _("Still expected"), COUNT),
        Column("cancelled", _("Cancelled"), COUNT),
        Column("share", _("Attendance"), PERCENT),
    ]


ATTENDANCE = register(
    Report(
        slug="attendance",
        label=gettext_lazy("Attendance"),
        about=gettext_lazy("How many of those who had a ticket came, and how many did not."),
        dimensions={
            "event": gettext_lazy("Event"),
            "ticket_type": gettext_lazy("Ticket type"),
            "day": gettext_lazy("Day"),
            "week": gettext_lazy("Week"),
            "month": gettext_lazy("Month"),
        },
        run=_answer,
        usual=("day", "event"),
        by_event=True,
    )
)
