"""The rules of an entrance: its day and window, how often one ticket comes in, and what its zone holds.

A plain entrance (in again after going out, no zone) costs a scan nothing here, and no entrance a statement more:
earlier admissions are read with the ticket, and the answer is written only while the ticket's `passages` is what was
read beside them; every admission, leaving and undo counts it up under the ticket's lock. A place of a zone is taken in
the statement that writes the answer, whose lock on the zone's row is the last, so no number of gates lets in one too
many.
"""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connections
from django.db.models import F

from shared_apps.core.clock import local
from tenant_apps.ticketing import answering
from tenant_apps.ticketing.models import CheckIn, CheckInList, Ticket

_BOTH = CheckInList.Directions.BOTH
_AFTER_EXIT, _ONCE, _DAILY = CheckInList.Entries.AFTER_EXIT, CheckInList.Entries.ONCE, CheckInList.Entries.DAILY


@dataclass(frozen=True, slots=True)
class Earlier:
    """What earlier admissions of the ticket mean for this one."""

    # "already_used" if they stand in the way, and the one that does.
    reason: str = ""
    admitted_at: datetime | None = None
    # Some of earlier days stand, since nobody scanned them out: they end where the new one begins.
    over: bool = False


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


def admit(answer: CheckIn, ticket: Any, entrance: CheckInList) -> bool:
    """Write an admission at an entrance that asks more, or the refusal that it turns into where the zone is full; False
    where what it was decided by is no longer so. One statement.
    """
    answer.zone_id = entrance.zone_id
    over = earlier(entrance, ticket, answer.scanned_at).over
    entered = answering.write_entering(answer, ticket, over=over)
    if not entered.stands:
        return False
    if entered.admitted:
        ticket.status = Ticket.Status.USED
    else:
        answer.result, answer.reason, answer.zone_id = CheckIn.Result.REFUSED, answering.ZONE_FULL, None
    return True


def earlier(entrance: CheckInList, ticket: Any, at: datetime) -> Earlier:
    """Return what the ticket's earlier admissions mean here. No statement: they were read with it
    (`doors.admissions_before`). Lists of one zone count together.
    """
    counted = ticket.came
    if entrance.entries == _DAILY:
        begins, ends = bounds_of(entrance, day_of(entrance, at))
        counted = [moment for moment in ticket.came if begins <= moment < ends]
        if not counted:
            return Earlier(over=ticket.stands_since is not None)
    elif entrance.entries == _AFTER_EXIT:
        counted = [] if ticket.stands_since is None else [ticket.stands_since]
    return Earlier("already_used", counted[-1]) if counted else Earlier()


def leave(entrance: CheckInList, ticket: Any, at: datetime) -> None:
    """Let the holder out: what stands here, or in this zone, ends, and the zone has its place again. One statement."""
    _free(
        "left_at = %s",
        [at],
        "c.ticket_id = held.id AND (c.check_in_list_id = %s OR c.zone_id = %s)",
        [entrance.pk, entrance.zone_id],
        ticket_id=ticket.pk,
    )


def take_back(check_in: CheckIn, *, at: datetime, by: Any) -> bool:
    """Undo an admission, and give its zone the place back if it still stands; False if it was undone before.

    One that was over already took no place any more. At most three statements; the ticket must be locked.
    """
    undone = _free("undone_at = %s, undone_by = %s", [at, by.pk], "c.id = %s", [check_in.pk])
    if not undone:
        over = CheckIn.objects.filter(pk=check_in.pk, undone_at__isnull=True)
        undone = over.update(undone_at=at, undone_by=by.pk)
    if undone and check_in.ticket_id is not None:
        Ticket.objects.filter(pk=check_in.ticket_id).update(passages=F("passages") + 1)
    return bool(undone)


def empty(zone: Any, at: datetime) -> int:
    """Count everybody in the zone as gone; return how many. Who is being scanned at this moment is left alone.

    Locks no ticket, and so leaves their `passages` as they are: a scan that has seen somebody inside refuses as if it
    had come before, one that ends an admission of another day asks the row itself whether it still stands.
    """
    standing = CheckIn.objects.standing().filter(zone=zone).select_for_update(skip_locked=True)
    ids = list(standing.values_list("pk", flat=True))
    return _free("left_at = GREATEST(scanned_at, %s)", [at], "c.id = ANY(%s)", [ids]) if ids else 0


# --- Inside ------------------------------------------------------------------------------------------------------


def _zones() -> str:
    return CheckInList._meta.get_field("zone").related_model._meta.db_table  # type: ignore[union-attr]  # it has one


def _free(change: str, values: list[Any], which: str, named: list[Any], *, ticket_id: Any = None) -> int:
    """Change standing admissions and take them off their zones' numbers, in one statement; return how many.

    With a ticket its row is locked first, as everywhere, and its passages counted up; `which` then knows it as `held`.
    """
    table, zones, held, first = CheckIn._meta.db_table, _zones(), "", []
    if ticket_id is not None:
        tickets = Ticket._meta.db_table
        held = f"held AS (UPDATE {tickets} SET passages = passages + 1 WHERE id = %s RETURNING id),"  # noqa: S608  (as below)
        first = [ticket_id]
    statement = f"""
        WITH {held} gone AS (
            UPDATE {table} c SET {change} {"FROM held" if held else ""}
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
        cursor.execute(statement, [*first, *values, *named])
        return int(cursor.fetchone()[0])
