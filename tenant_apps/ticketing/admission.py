"""The rules of an entrance: its day and window, how often one ticket comes in, and what its zone holds.

A plain entrance (any day, in again after going out, no zone) costs a scan nothing here. Everything else is asked after
the ticket's row is locked: scans of one ticket follow each other, so what was looked up then cannot change before the
commit. Places of a zone are claimed last, by one conditional UPDATE, so no number of gates lets in one too many.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connections
from django.db.models import Q

from shared_apps.core.clock import local
from tenant_apps.ticketing.models import CheckIn, CheckInList

_BOTH = CheckInList.Directions.BOTH
_AFTER_EXIT, _ONCE, _DAILY = CheckInList.Entries.AFTER_EXIT, CheckInList.Entries.ONCE, CheckInList.Entries.DAILY


@dataclass(frozen=True, slots=True)
class Earlier:
    """What earlier admissions of the ticket mean for this one."""

    # "already_used" if they stand in the way, and the one that does.
    reason: str = ""
    admitted_at: datetime | None = None
    # Those of earlier days that nobody scanned out: they end where the new one begins.
    over: tuple[CheckIn, ...] = ()


NOTHING_EARLIER = Earlier()


def day_of(entrance: CheckInList, at: datetime) -> date:
    """Return the day of the event that the moment belongs to; a day may begin some hours after midnight."""
    return local(at - timedelta(hours=entrance.day_starts), entrance.event.timezone).date()


def bounds_of(entrance: CheckInList, day: date) -> tuple[datetime, datetime]:
    """Return the first moment of a day at this entrance and the first of the next: a half-open interval."""
    zone, begins = ZoneInfo(entrance.event.timezone), time(entrance.day_starts)
    return datetime.combine(day, begins, zone), datetime.combine(day + timedelta(days=1), begins, zone)


def wrong_direction(entrance: CheckInList, direction: str) -> bool:
    """Tell whether nobody goes that way here."""
    return entrance.directions not in (_BOTH, direction)


def closed_at(entrance: CheckInList, at: datetime) -> str:
    """Return why nobody comes in at that moment: `not_yet_valid`, `expired`, or "" while it is open. No statement.

    The window is [opens_at, closes_at).
    """
    if entrance.opens_at is not None and at < entrance.opens_at:
        return "not_yet_valid"
    if entrance.closes_at is not None and at >= entrance.closes_at:
        return "expired"
    if entrance.day is not None:
        day = day_of(entrance, at)
        if day != entrance.day:
            return "not_yet_valid" if day < entrance.day else "expired"
    return ""


def earlier(entrance: CheckInList, ticket: Any, at: datetime, scan_id: str) -> Earlier:
    """Return what the ticket's earlier admissions mean here. One statement, and none for a plain entrance.

    The ticket must be locked. Lists of one zone count together.
    """
    if entrance.entries == _AFTER_EXIT and entrance.zone_id is None:
        return NOTHING_EARLIER  # the constraint decides
    here = Q(check_in_list_id=entrance.pk)
    if entrance.zone_id is not None:
        here |= Q(zone_id=entrance.zone_id)
    rows = list(CheckIn.objects.admissions().filter(here, ticket_id=ticket.pk).order_by("scanned_at", "pk"))
    if any(row.scan_id == scan_id and row.check_in_list_id == entrance.pk for row in rows):
        return NOTHING_EARLIER  # answered before: the first answer comes again, and nothing changes
    if entrance.entries == _DAILY:
        begins, ends = bounds_of(entrance, day_of(entrance, at))
        today = [row for row in rows if begins <= row.scanned_at < ends]
        if not today:
            return Earlier(over=tuple(row for row in rows if row.left_at is None))
        rows = today
    elif entrance.entries == _AFTER_EXIT:
        rows = [row for row in rows if row.left_at is None]
    return Earlier("already_used", rows[-1].scanned_at) if rows else NOTHING_EARLIER


def end(admissions: Iterable[CheckIn], at: datetime) -> None:
    """End admissions that nobody scanned out, and give the places of their zones back. One statement, or none."""
    ids = [row.pk for row in admissions]
    if ids:
        _free("left_at = GREATEST(scanned_at, %s)", [at], "c.id = ANY(%s)", [ids])


def leave(entrance: CheckInList, ticket: Any, at: datetime) -> None:
    """Let the holder out: what stands here, or in this zone, ends, and the zone has its place again. One statement."""
    _free(
        "left_at = %s",
        [at],
        "c.ticket_id = %s AND (c.check_in_list_id = %s OR c.zone_id = %s)",
        [ticket.pk, entrance.pk, entrance.zone_id],
    )


def take_back(check_in: CheckIn, *, at: datetime, by: Any) -> bool:
    """Undo an admission, and give its zone the place back if it still stands; False if it was undone before.

    One that was over already took no place any more. At most two statements; the ticket must be locked.
    """
    undone = _free("undone_at = %s, undone_by = %s", [at, by.pk], "c.id = %s", [check_in.pk])
    if not undone:
        over = CheckIn.objects.filter(pk=check_in.pk, undone_at__isnull=True)
        undone = over.update(undone_at=at, undone_by=by.pk)
    return bool(undone)


def claim(check_in: CheckIn, ticket: Any, now: datetime) -> bool:
    """Claim the zone's place for an admission and mark the ticket used, in one statement; False if the zone is full.

    The zone's row stays locked until the commit, so this comes last.
    """
    # The claim alone decides: the ticket is marked with it or not at all.
    statement = f"""
        WITH claimed AS (
            UPDATE {_zones()} SET inside = inside + 1
            WHERE id = %s AND (capacity IS NULL OR inside < capacity) RETURNING id
        ), marked AS (
            UPDATE {ticket._meta.db_table} SET status = 'used', modified_at = %s
            WHERE id = %s AND status = 'active' AND EXISTS (SELECT FROM claimed)
        )
        SELECT count(*) FROM claimed
    """  # noqa: S608  (names of our own tables)
    with connections["default"].cursor() as cursor:
        cursor.execute(statement, [check_in.zone_id, now, ticket.pk])
        return bool(cursor.fetchone()[0])


def empty(zone: Any, at: datetime) -> int:
    """Count everybody in the zone as gone; return how many. Who is being scanned at this moment is left alone."""
    standing = CheckIn.objects.standing().filter(zone=zone).select_for_update(skip_locked=True)
    ids = list(standing.values_list("pk", flat=True))
    return _free("left_at = GREATEST(scanned_at, %s)", [at], "c.id = ANY(%s)", [ids]) if ids else 0


# --- Inside ------------------------------------------------------------------------------------------------------


def _zones() -> str:
    return CheckInList._meta.get_field("zone").related_model._meta.db_table  # type: ignore[union-attr]  # it has one


def _free(change: str, values: list[Any], which: str, named: list[Any]) -> int:
    """Change standing admissions and take them off their zones' numbers, in one statement; return how many."""
    table, zones = CheckIn._meta.db_table, _zones()
    statement = f"""
        WITH gone AS (
            UPDATE {table} c SET {change}
            WHERE c.result = 'admitted' AND c.direction = 'in' AND c.undone_at IS NULL AND c.left_at IS NULL
              AND {which}
            RETURNING c.zone_id
        ), freed AS (
            UPDATE {zones} z SET inside = z.inside - n.people
            FROM (SELECT zone_id, count(*) AS people FROM gone WHERE zone_id IS NOT NULL GROUP BY zone_id) n
            WHERE z.id = n.zone_id
        )
        SELECT count(*) FROM gone
    """  # noqa: S608  (names of our own tables; the rest is written above)
    with connections["default"].cursor() as cursor:
        cursor.execute(statement, [*values, *named])
        return int(cursor.fetchone()[0])
