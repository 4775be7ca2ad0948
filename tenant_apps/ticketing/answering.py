"""How the answer to a scan is written: one statement, in which the constraints have the last word (T2, T3).

The ticket's row is locked first and everywhere first, so that scans of one ticket follow each other and no two
statements wait for one another. What was read before may be old by then: the lock is given only to a ticket that
still has that token and still admits (T4). Its move to used is the one of `lifecycle` that is written here.
"""

import re
from functools import cache
from typing import Any, NamedTuple

from django.db import DEFAULT_DB_ALIAS, connections

from shared_apps.core.server_statements import ServerStatement
from tenant_apps.ticketing.models import CheckIn, Ticket


class Written(NamedTuple):
    """What became of an answer. `held`: the ticket was still as it was read. `stands`: no constraint was in its way."""

    held: bool
    stands: bool
    effects: int = 0


def write_refusal(answer: CheckIn) -> bool:
    """Write down a refusal; False if its scan id was answered before (T3). One statement."""
    return bool(_run(_refusal(), _values(answer)))


def write_admission(answer: CheckIn, ticket: Ticket) -> Written:
    """Admit, and make the ticket a used one; one statement. Not `stands` if an admission or this scan id is there."""
    values = [ticket.pk, ticket.token, *_values(answer), answer.received_at]
    ((held, stands, effects),) = _run(_admission(), values)
    return Written(bool(held), bool(stands), effects)


def write_claim(answer: CheckIn, ticket: Ticket) -> tuple[bool, bool]:
    """Claim a place of the answer's zone, admit and make the ticket a used one; one statement.

    Returns whether the zone had a place, and whether the answer was written: if only the first, a constraint was in its
    way and the caller must take everything back. The ticket must be locked.
    """
    ((claimed, stands),) = _run(_claim(), [answer.zone_id, *_values(answer), answer.received_at])
    return bool(claimed), bool(stands)


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
def _columns() -> tuple[str, str]:
    """The columns of an answer and a typed place for each: all that the model has, so that none can be forgotten."""
    connection = connections[DEFAULT_DB_ALIAS]
    fields = CheckIn._meta.concrete_fields
    names = ", ".join(connection.ops.quote_name(str(field.column)) for field in fields)
    # Without their lengths: a cast would cut what a column refuses.
    types = (re.sub(r"\(.*\)", "", str(field.db_type(connection))) for field in fields)
    return names, ", ".join(f"%s::{each}" for each in types)


@cache
def _refusal() -> ServerStatement:
    names, places = _columns()
    return ServerStatement(
        f"INSERT INTO ticketing_checkin ({names}) VALUES ({places}) ON CONFLICT DO NOTHING RETURNING 1"  # noqa: S608  (the model's names)
    )


@cache
def _admission() -> ServerStatement:
    names, places = _columns()
    return ServerStatement(
        "WITH held AS MATERIALIZED (SELECT id FROM ticketing_ticket WHERE id = %s::uuid AND token = %s::uuid"  # noqa: S608  (the model's names)
        " AND status <> ALL ('{cancelled,refunded,transferred,revoked}') FOR NO KEY UPDATE), "
        f"answer AS (INSERT INTO ticketing_checkin ({names}) SELECT {places} FROM held"
        " ON CONFLICT DO NOTHING RETURNING ticket_id), "
        "used AS (UPDATE ticketing_ticket SET status = 'used', modified_at = %s::timestamptz FROM answer"
        " WHERE ticketing_ticket.id = answer.ticket_id AND ticketing_ticket.status IN ('active', 'expired')"
        " RETURNING 1) "
        "SELECT (SELECT count(*) FROM held), (SELECT count(*) FROM answer), (SELECT count(*) FROM used)"
    )


@cache
def _claim() -> ServerStatement:
    names, places = _columns()
    return ServerStatement(
        "WITH claimed AS (UPDATE ticketing_zone SET inside = inside + 1"  # noqa: S608  (the model's names)
        " WHERE id = %s::bigint AND (capacity IS NULL OR inside < capacity) RETURNING 1), "
        f"answer AS (INSERT INTO ticketing_checkin ({names}) SELECT {places} FROM claimed"
        " ON CONFLICT DO NOTHING RETURNING ticket_id), "
        "used AS (UPDATE ticketing_ticket SET status = 'used', modified_at = %s::timestamptz FROM answer"
        " WHERE ticketing_ticket.id = answer.ticket_id AND ticketing_ticket.status IN ('active', 'expired')"
        " RETURNING 1) "
        "SELECT (SELECT count(*) FROM claimed), (SELECT count(*) FROM answer)"
    )


@cache
def _leaving() -> ServerStatement:
    names, places = _columns()
    return ServerStatement(
        "WITH held AS MATERIALIZED (SELECT id FROM ticketing_ticket WHERE id = %s::uuid FOR NO KEY UPDATE), "  # noqa: S608  (the model's names)
        f"answer AS (INSERT INTO ticketing_checkin ({names}) SELECT {places} FROM held"
        " ON CONFLICT DO NOTHING RETURNING ticket_id), "
        "gone AS (UPDATE ticketing_checkin SET left_at = %s::timestamptz FROM answer"
        " WHERE (ticketing_checkin.check_in_list_id = %s::bigint OR ticketing_checkin.zone_id = %s::bigint)"
        " AND ticketing_checkin.ticket_id = answer.ticket_id"
        " AND result = 'admitted' AND direction = 'in' AND undone_at IS NULL AND left_at IS NULL"
        " RETURNING ticketing_checkin.zone_id), "
        "freed AS (UPDATE ticketing_zone SET inside = inside - people.number FROM"
        " (SELECT zone_id, count(*) AS number FROM gone WHERE zone_id IS NOT NULL GROUP BY zone_id) people"
        " WHERE ticketing_zone.id = people.zone_id) "
        "SELECT (SELECT count(*) FROM held), (SELECT count(*) FROM answer), (SELECT count(*) FROM gone)"
    )
