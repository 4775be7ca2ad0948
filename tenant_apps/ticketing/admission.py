"""The rules of an entrance: its day and window, how often one ticket comes in, and what its zone holds.

A plain entrance (in again after going out, no zone) costs a scan nothing here. Everything else is asked after the
ticket's row is locked: scans of one ticket follow each other, so what was looked up then cannot change before the
commit. A place of a zone is claimed last, by one conditional UPDATE with the answer, so no number of gates lets in one
too many.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connections, transaction
from django.db.models import Q

from shared_apps.core.clock import local
from tenant_apps.ticketing import answering
from tenant_apps.ticketing.models import CheckIn, CheckInList, Ticket

# A ticket that came to be used, or good again, while we looked is judged by what is asked here.
_GOOD = (Ticket.Status.ACTIVE, Ticket.Status.USED)
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


def asks_more(entrance: CheckInList) -> bool:
    """Tell whether an admission here depends on others than the ticket's own that stands at this list."""
    return entrance.zone_id is not None or entrance.entries != _AFTER_EXIT


@transaction.atomic
def admit(answer: CheckIn, ticket: Any, entrance: CheckInList) -> bool:
    """Write an admission at an entrance that asks more, or the refusal that it turns into; False where what it was
    decided by is no longer so. Three statements more at most than at a plain entrance.
    """
    held = Ticket.objects.select_for_update(no_key=True).filter(pk=ticket.pk, token=ticket.token)
    status = held.values_list("status", flat=True).first()
    if status != ticket.status and status not in _GOOD:
        return False
    before = earlier(entrance, ticket, answer.scanned_at, answer.scan_id)
    if before.reason:
        ticket.inside_since = before.admitted_at
        return _refused(answer, before.reason)
    end(before.over, answer.scanned_at)
    answer.zone_id = entrance.zone_id
    if entrance.zone_id is None:
        claimed, stands = True, answering.write_admission(answer, ticket).stands
    else:
        claimed, stands = answering.write_claim(answer, ticket)
    if not claimed:
        return _refused(answer, "zone_full")
    if stands:
        ticket.status = Ticket.Status.USED
    else:
        transaction.set_rollback(True)
    return stands


def earlier(entrance: CheckInList, ticket: Any, at: datetime, scan_id: str) -> Earlier:
    """Return what the ticket's earlier admissions mean here. One statement.

    The ticket must be locked. Lists of one zone count together.
    """
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


def empty(zone: Any, at: datetime) -> int:
    """Count everybody in the zone as gone; return how many. Who is being scanned at this moment is left alone."""
    standing = CheckIn.objects.standing().filter(zone=zone).select_for_update(skip_locked=True)
    ids = list(standing.values_list("pk", flat=True))
    return _free("left_at = GREATEST(scanned_at, %s)", [at], "c.id = ANY(%s)", [ids]) if ids else 0


# --- Inside ------------------------------------------------------------------------------------------------------


def _refused(answer: CheckIn, reason: str) -> bool:
    answer.result, answer.reason, answer.zone_id = CheckIn.Result.REFUSED, reason, None
    return answering.write_refusal(answer)


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
