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


def write_leaving(answer: CheckIn, ticket: Ticket) -> Written:
    """Let the holder out: the admission that stands ends, if one does. Whoever is inside may leave, whatever became
    of the ticket. One statement."""
    values = [ticket.pk, *_values(answer), answer.scanned_at, answer.check_in_list_id]
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
        " WHERE ticketing_ticket.id = answer.ticket_id AND status IN ('active', 'expired') RETURNING 1) "
        "SELECT (SELECT count(*) FROM held), (SELECT count(*) FROM answer), (SELECT count(*) FROM used)"
    )


@cache
def _leaving() -> ServerStatement:
    names, places = _columns()
    return ServerStatement(
        "WITH held AS MATERIALIZED (SELECT id FROM ticketing_ticket WHERE id = %s::uuid FOR NO KEY UPDATE), "  # noqa: S608  (the model's names)
        f"answer AS (INSERT INTO ticketing_checkin ({names}) SELECT {places} FROM held"
        " ON CONFLICT DO NOTHING RETURNING ticket_id), "
        "gone AS (UPDATE ticketing_checkin SET left_at = %s::timestamptz FROM answer"
        " WHERE ticketing_checkin.check_in_list_id = %s::bigint AND ticketing_checkin.ticket_id = answer.ticket_id"
        " AND result = 'admitted' AND direction = 'in' AND undone_at IS NULL AND left_at IS NULL RETURNING 1) "
        "SELECT (SELECT count(*) FROM held), (SELECT count(*) FROM answer), (SELECT count(*) FROM gone)"
    )


def end_admission(answer: CheckIn) -> int:
    """End the admission that a leaving did not see because it was being given at that moment; one statement."""
    standing = CheckIn.objects.standing()
    return standing.filter(check_in_list_id=answer.check_in_list_id, ticket_id=answer.ticket_id).update(
        left_at=answer.scanned_at
    )
