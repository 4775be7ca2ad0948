"""How the answer to a scan is written: one statement, in which the constraints have the last word (T2, T3).

The ticket's row is locked first and everywhere first, so that scans of one ticket follow each other and no two
statements wait for one another. What was read before may be old by then: the lock is given only to a ticket that
still has that token and still admits (T4), and, where earlier admissions count, that still has the number of
`passages` that was read beside them. A statement sees what was there when it began, even after it waited for a lock;
by that number it knows that nothing has come since. Every admission, leaving and undo counts it up. The move to used
is the one of `lifecycle` that is written here.
"""

import re
from collections.abc import Mapping
from contextlib import nullcontext
from functools import cache
from types import MappingProxyType
from typing import Any, NamedTuple

from django.db import DEFAULT_DB_ALIAS, IntegrityError, connections, transaction
from psycopg2.errors import UniqueViolation

from shared_apps.core.server_statements import ServerStatement
from tenant_apps.ticketing.models import CheckIn, Ticket

ZONE_FULL = "zone_full"


class Written(NamedTuple):
    """What became of an answer. `held`: the ticket was still as it was read. `stands`: no constraint was in its way."""

    held: bool
    stands: bool
    effects: int = 0


class Entered(NamedTuple):
    """What became of an admission where more is asked. Not `stands`: the ticket was no longer as it was read, or the
    scan id is known; nothing was written. Not `admitted` though it stands: the zone is full."""

    stands: bool
    admitted: bool


def write_refusal(answer: CheckIn) -> bool:
    """Write down a refusal; False if its scan id was answered before (T3). One statement."""
    return bool(_run(_refusal(), _values(answer)))


def write_admission(answer: CheckIn, ticket: Ticket) -> Written:
    """Admit, and make the ticket a used one; one statement. Not `stands` if an admission or this scan id is there."""
    values = [ticket.pk, ticket.token, *_values(answer), answer.received_at]
    ((held, stands, effects),) = _run(_admission(), values)
    return Written(bool(held), bool(stands), effects)


def write_entering(answer: CheckIn, ticket: Ticket, *, over: bool) -> Entered:
    """Admit where earlier admissions count, or a zone: take a place of the answer's zone, if it has one, write the
    answer, and make the ticket a used one. One statement.

    Nothing is written unless the ticket's `passages` is as it was read. Where the zone is full the refusal is written
    instead. `over`: what stands at this list or in the zone is of another day, and ends here if the answer admits.
    """
    values = [ticket.pk, ticket.token, ticket.passages, ticket.status]
    zone = [answer.zone_id] if answer.zone_id is not None else []
    if over:
        values += [answer.check_in_list_id, answer.zone_id, *zone]
    values += zone
    if over:
        values.append(answer.scanned_at)
    values += [*_values(answer), answer.received_at]
    try:
        with transaction.atomic() if over and connections[DEFAULT_DB_ALIAS].in_atomic_block else nullcontext():
            ((stands, admitted),) = _run(_entering(bool(zone), over), values)
    except IntegrityError as error:
        # Only where something had to end before the answer was written: the scan id was known, nothing has happened.
        if not isinstance(error.__cause__, UniqueViolation):
            raise
        return Entered(False, False)
    return Entered(bool(stands), bool(admitted))


def write_leaving(answer: CheckIn, ticket: Ticket, zone_id: int | None) -> Written:
    """Let the holder out: what stands at this list or in this zone ends, if something does, and the zone has its place
    again. Whoever is inside may leave, whatever became of the ticket. One statement."""
    values = [ticket.pk, *_values(answer), answer.scanned_at, answer.check_in_list_id, zone_id]
    ((held, stands, effects),) = _run(_leaving(), values)
    return Written(bool(held), bool(stands), effects)


# --- Inside ----------------------------------------------------------------------------------------------------------
#
# What a later part needs of an earlier one it gets by a join and never by a subquery in its WHERE: where a row was
# changed meanwhile Postgres asks the WHERE again, and would have to run the earlier part again, which it refuses.


def _run(statement: ServerStatement, values: list[Any]) -> list[Any]:
    return statement(connections[DEFAULT_DB_ALIAS], values)


def _values(answer: CheckIn) -> list[Any]:
    connection = connections[DEFAULT_DB_ALIAS]
    return [
        field.get_db_prep_save(getattr(answer, field.attname), connection) for field in CheckIn._meta.concrete_fields
    ]


@cache
def _columns() -> tuple[str, Mapping[str, str]]:
    """The columns of an answer, and a typed place for each: all that the model has, so that none is forgotten."""
    connection = connections[DEFAULT_DB_ALIAS]
    fields = CheckIn._meta.concrete_fields
    names = ", ".join(connection.ops.quote_name(str(field.column)) for field in fields)
    # Without their lengths: a cast would cut what a column refuses.
    places = {str(field.column): "%s::" + re.sub(r"\(.*\)", "", str(field.db_type(connection))) for field in fields}
    return names, MappingProxyType(places)


@cache
def _refusal() -> ServerStatement:
    names, places = _columns()
    return ServerStatement(
        f"INSERT INTO ticketing_checkin ({names}) VALUES ({', '.join(places.values())})"  # noqa: S608  (the model's names)
        " ON CONFLICT DO NOTHING RETURNING 1"
    )


# Of a ticket that somebody comes in with. Nothing else of it changes where it is a used one already.
_USED = (
    "used AS (UPDATE ticketing_ticket SET status = CASE WHEN status IN ('active', 'expired') THEN 'used'"
    " ELSE status END,"
    " modified_at = CASE WHEN status IN ('active', 'expired') THEN %s::timestamptz ELSE modified_at END,"
    " passages = passages + 1"
    " FROM answer WHERE ticketing_ticket.id = answer.ticket_id AND answer.result = 'admitted' RETURNING 1) "
)
_STANDS = "result = 'admitted' AND direction = 'in' AND undone_at IS NULL AND left_at IS NULL"


@cache
def _admission() -> ServerStatement:
    names, places = _columns()
    return ServerStatement(
        "WITH held AS MATERIALIZED (SELECT id FROM ticketing_ticket WHERE id = %s::uuid AND token = %s::uuid"  # noqa: S608  (the model's names)
        " AND status <> ALL ('{cancelled,refunded,transferred,revoked}') FOR NO KEY UPDATE), "
        f"answer AS (INSERT INTO ticketing_checkin ({names}) SELECT {', '.join(places.values())} FROM held"
        f" ON CONFLICT DO NOTHING RETURNING ticket_id, result), {_USED}"
        "SELECT (SELECT count(*) FROM held), (SELECT count(*) FROM answer), (SELECT count(*) FROM used)"
    )


@cache
def _entering(zone: bool, over: bool) -> ServerStatement:
    """The statement of `write_entering` for a list with a zone or without, with or without admissions that end."""
    names, places = _columns()
    held = (
        "held AS MATERIALIZED (SELECT id FROM ticketing_ticket WHERE id = %s::uuid AND token = %s::uuid"
        " AND passages = %s::integer AND (status IN ('active', 'used') OR status = %s::varchar) FOR NO KEY UPDATE)"
    )
    parts, ended, own = [held], "", "0"
    if over:
        parts.append(
            "over_now AS MATERIALIZED (SELECT c.id, c.zone_id FROM ticketing_checkin c"  # noqa: S608  (the model's names)
            " JOIN held ON c.ticket_id = held.id WHERE (c.check_in_list_id = %s::bigint OR c.zone_id = %s::bigint)"
            f" AND {_STANDS} FOR NO KEY UPDATE OF c)"
        )
        ended = " JOIN ended ON true"
    if over and zone:
        parts.append("own AS MATERIALIZED (SELECT count(*) AS number FROM over_now WHERE zone_id = %s::bigint)")
        own = "own.number"
    if zone:
        # Locked and asked here; taken below, only if the answer is written.
        parts.append(
            f"place AS MATERIALIZED (SELECT z.id FROM held {'JOIN own ON true ' if over else ''}"  # noqa: S608  (the model's names)
            "JOIN ticketing_zone z ON true WHERE z.id = %s::bigint"
            f" AND (z.capacity IS NULL OR z.inside - {own} < z.capacity) FOR NO KEY UPDATE OF z)"
        )
        places = dict(places) | {
            "result": f"CASE WHEN place.id IS NULL THEN 'refused' ELSE {places['result']} END",
            "reason": f"CASE WHEN place.id IS NULL THEN '{ZONE_FULL}' ELSE {places['reason']} END",
            "zone_id": f"CASE WHEN place.id IS NULL THEN NULL ELSE {places['zone_id']} END",
        }
    if over:
        # What ends has to be gone before the answer is there: one admission stands per ticket and list (T2).
        parts += [
            "gone AS (UPDATE ticketing_checkin c SET left_at = GREATEST(c.scanned_at, %s::timestamptz)"  # noqa: S608  (the model's names)
            f" FROM over_now{' JOIN place ON true' if zone else ''} WHERE c.id = over_now.id RETURNING c.zone_id)",
            "ended AS MATERIALIZED (SELECT count(*) AS number FROM gone)",
        ]
    parts.append(
        f"answer AS (INSERT INTO ticketing_checkin ({names}) SELECT {', '.join(places.values())}"  # noqa: S608  (the model's names)
        f" FROM held{ended}{' LEFT JOIN place ON true' if zone else ''}"
        f"{'' if over else ' ON CONFLICT DO NOTHING'} RETURNING ticket_id, result, zone_id)"
    )
    if zone or over:
        less = " UNION ALL SELECT zone_id, -1 FROM gone" if over else ""
        parts.append(
            "counted AS (UPDATE ticketing_zone SET inside = inside + people.number FROM"  # noqa: S608  (the model's names)
            f" (SELECT zone_id, sum(each) AS number FROM (SELECT zone_id, 1 AS each FROM answer{less}) moves"
            " WHERE zone_id IS NOT NULL GROUP BY zone_id) people WHERE ticketing_zone.id = people.zone_id)"
        )
    return ServerStatement(
        f"WITH {', '.join(parts)}, {_USED}SELECT (SELECT count(*) FROM answer), (SELECT count(*) FROM used)"  # noqa: S608  (the model's names)
    )


@cache
def _leaving() -> ServerStatement:
    names, places = _columns()
    return ServerStatement(
        "WITH held AS MATERIALIZED (SELECT id FROM ticketing_ticket WHERE id = %s::uuid FOR NO KEY UPDATE), "  # noqa: S608  (the model's names)
        f"answer AS (INSERT INTO ticketing_checkin ({names}) SELECT {', '.join(places.values())} FROM held"
        " ON CONFLICT DO NOTHING RETURNING ticket_id), "
        "gone AS (UPDATE ticketing_checkin SET left_at = %s::timestamptz FROM answer"
        " WHERE (ticketing_checkin.check_in_list_id = %s::bigint OR ticketing_checkin.zone_id = %s::bigint)"
        " AND ticketing_checkin.ticket_id = answer.ticket_id"
        f" AND {_STANDS} RETURNING ticketing_checkin.zone_id), "
        "freed AS (UPDATE ticketing_zone SET inside = inside - people.number FROM"
        " (SELECT zone_id, count(*) AS number FROM gone WHERE zone_id IS NOT NULL GROUP BY zone_id) people"
        " WHERE ticketing_zone.id = people.zone_id), "
        "turned AS (UPDATE ticketing_ticket SET passages = passages + 1 FROM answer"
        " WHERE ticketing_ticket.id = answer.ticket_id) "
        "SELECT (SELECT count(*) FROM held), (SELECT count(*) FROM answer), (SELECT count(*) FROM gone)"
    )
