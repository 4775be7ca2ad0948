"""Plain connections that replay rendered migrations into many schemas at once (P1)."""

# ruff: noqa: S608  (identifiers come from our own catalogs and are quoted)

import queue
import random
import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import psycopg2
from psycopg2 import errorcodes

from tenants.migration_plans import Plan, Step

LOCK_TIMEOUT = "2s"
# Waiting for old snapshots blocks nobody, and a broken-off CONCURRENTLY leaves an invalid index behind.
CONCURRENT_LOCK_TIMEOUT = "120s"
MOST_TRIES = 7
FIRST_PAUSE_SECONDS = 0.1

PASSING = {errorcodes.LOCK_NOT_AVAILABLE, errorcodes.DEADLOCK_DETECTED, errorcodes.SERIALIZATION_FAILURE}
# In a migration that runs outside a transaction these mean that a try which was killed had come further.
_DONE_BEFORE = {
    errorcodes.DUPLICATE_COLUMN, errorcodes.DUPLICATE_TABLE, errorcodes.DUPLICATE_OBJECT,
    errorcodes.UNDEFINED_COLUMN, errorcodes.UNDEFINED_TABLE, errorcodes.UNDEFINED_OBJECT,
}  # fmt: skip
_CONCURRENT_INDEX = re.compile(
    r'^\s*CREATE\s+(?:UNIQUE\s+)?INDEX\s+CONCURRENTLY\s+(?:IF\s+NOT\s+EXISTS\s+)?"?([^"\s]+)"?', re.IGNORECASE
)


@dataclass(frozen=True)
class Outcome:
    """How it went for one schema: None, or the reason why it is as it was, in one line."""

    schema_name: str
    error: str | None
    tries: int


def replay_all(
    work: Sequence[tuple[str, Plan]], *, jobs: int, connect: Callable[[], Any], after: Callable[[Any, str, Plan], None]
) -> Iterator[Outcome]:
    """Replay each schema's plan on `jobs` connections and yield outcomes as they come; one failing stops no other.

    `after` is called on the same connection once the schema is done, to note it in public: the tenant's own
    transaction is committed by then (citus.md, rule 3).
    """
    todo: queue.SimpleQueue[tuple[str, Plan]] = queue.SimpleQueue()
    done: queue.SimpleQueue[Outcome] = queue.SimpleQueue()
    for item in work:
        todo.put(item)
    stop = threading.Event()
    threads = [
        threading.Thread(target=_work, args=(todo, done, stop, connect, after), daemon=True)
        for _ in range(min(jobs, len(work)))
    ]
    for thread in threads:
        thread.start()
    try:
        for _ in work:
            yield done.get()
    finally:
        # Ctrl-C: each connection finishes its schema, or rolls back when the process goes.
        stop.set()


def _work(todo: Any, done: Any, stop: threading.Event, connect: Callable[[], Any], after: Callable[..., None]) -> None:
    connection = None
    while not stop.is_set():
        try:
            schema_name, plan = todo.get_nowait()
        except queue.Empty:
            break
        tries, error = 0, None
        while True:
            tries += 1
            try:
                if connection is None or connection.closed:
                    connection = _prepared(connect())
                _replay(connection, schema_name, plan)
                after(connection, schema_name, plan)
                error = None
            except psycopg2.Error as fault:
                error = _one_line(fault)
                _reset(connection)
                if fault.pgcode in PASSING and tries < MOST_TRIES and not stop.is_set():
                    time.sleep(FIRST_PAUSE_SECONDS * 2 ** (tries - 1) * random.uniform(0.5, 1.5))  # noqa: S311  (spreads load, guards nothing)
                    continue
            except Exception as fault:
                error = f"{type(fault).__name__}: {fault}"
                _reset(connection)
            break
        done.put(Outcome(schema_name, error, tries))
    if connection is not None:
        connection.close()


def _prepared(connection: Any) -> Any:
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        cursor.execute("SET idle_in_transaction_session_timeout = 0")
        # Citus passes SET LOCAL on to the nodes only under this; plain Postgres ignores it (citus.md, rule 11).
        cursor.execute("SET citus.propagate_set_commands = 'local'")
    return connection


def _reset(connection: Any) -> None:
    if connection is not None and not connection.closed:
        with suppress(psycopg2.Error):
            if not connection.autocommit:
                connection.rollback()
                connection.autocommit = True


def _replay(connection: Any, schema_name: str, plan: Plan) -> None:
    assert plan.steps is not None
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('search_path', quote_ident(%s) || ', public', false)", [schema_name])
        cursor.execute(f"SET lock_timeout = '{LOCK_TIMEOUT}'")
        cursor.execute("SELECT app, name FROM django_migrations")
        applied = set(cursor.fetchall())
        if not applied >= plan.applied:
            raise RuntimeError("the schema lost migrations since the plan was made; run the command again")
        # A try that was killed may have committed the first steps.
        waiting = [step for step in plan.steps if step.name not in applied]
        while waiting:
            together = _leading_atomic(waiting)
            if together:
                _in_one_transaction(connection, cursor, together)
                waiting = waiting[len(together) :]
            else:
                _outside_transactions(cursor, schema_name, waiting[0])
                waiting = waiting[1:]


def _leading_atomic(steps: Sequence[Step]) -> list[Step]:
    together = []
    for step in steps:
        if not step.atomic:
            break
        together.append(step)
    return together


def _in_one_transaction(connection: Any, cursor: Any, steps: Sequence[Step]) -> None:
    connection.autocommit = False
    cursor.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
    for step in steps:
        for statement in step.statements:
            cursor.execute(statement)
        if step.statements:
            # Rows that one step changed must be checked before the next may alter their table.
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        _record(cursor, step)
    connection.commit()
    connection.autocommit = True


def _outside_transactions(cursor: Any, schema_name: str, step: Step) -> None:
    for statement in step.statements:
        if match := _CONCURRENT_INDEX.match(statement):
            if _index_is_there(cursor, schema_name, match[1]):
                continue
            cursor.execute(f"SET lock_timeout = '{CONCURRENT_LOCK_TIMEOUT}'")
            cursor.execute(statement)
            cursor.execute(f"SET lock_timeout = '{LOCK_TIMEOUT}'")
            continue
        try:
            cursor.execute(statement)
        except psycopg2.Error as fault:
            if fault.pgcode not in _DONE_BEFORE:
                raise
    _record(cursor, step)


def _index_is_there(cursor: Any, schema_name: str, index: str) -> bool:
    """True if a valid index of that name stands; an invalid one is dropped first."""
    cursor.execute(
        "SELECT x.indisvalid FROM pg_class c JOIN pg_index x ON x.indexrelid = c.oid"
        " WHERE c.relnamespace = quote_ident(%s)::regnamespace AND c.relname = %s",
        [schema_name, index],
    )
    found = cursor.fetchone()
    if found is not None and not found[0]:
        cursor.execute(f'DROP INDEX CONCURRENTLY IF EXISTS "{index}"')
    return bool(found and found[0])


def _record(cursor: Any, step: Step) -> None:
    rows = ", ".join(["(%s, %s, now())"] * len(step.records))
    cursor.execute(
        f"INSERT INTO django_migrations (app, name, applied) VALUES {rows}",
        [part for record in step.records for part in record],
    )


def _one_line(fault: psycopg2.Error) -> str:
    return " ".join(str(fault).split())[:300] or type(fault).__name__
