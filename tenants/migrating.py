"""Bring all tenants' schemas to this code's migrations: SQL rendered once per state, replayed side by side (P1)."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg2
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections

from tenants import lookup, migration_plans, rendering, replaying, schema_state
from tenants.context import in_public
from tenants.database import connection
from tenants.migration_plans import Name, Plan
from tenants.models import Tenant

MIGRATING_LOCK = 7103
VERSION_EVERY_SECONDS = 0.5
# How many schemas of a group are tried as the one to render on.
MOST_MODELS = 3


class AlreadyRunning(Exception):
    """Another process is migrating the tenants."""


@dataclass
class Report:
    """What a run did: how many were migrated by SQL and by Django's executor, and who failed why."""

    current: int = 0
    replayed: int = 0
    executed: int = 0
    failed: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Group:
    """Tenants in the same state, with what they lack."""

    schemas: tuple[str, ...]
    plan: Plan


def survey(tenants: Iterable[Tenant]) -> tuple[list[Group], dict[str, str]]:
    """Return the tenants in groups of the same state, and those that cannot be migrated with the reason."""
    counts = {tenant.schema_name: tenant.migrations_applied for tenant in tenants}
    states: dict[frozenset[Name], list[str]] = {}
    failed: dict[str, str] = {}
    for schema_name, applied in migration_plans.applied_in(list(counts)).items():
        if applied is None:
            failed[schema_name] = "the schema or its table of migrations is missing"
        else:
            states.setdefault(applied, []).append(schema_name)
    groups = []
    for applied, schemas in states.items():
        groups.append(Group(tuple(schemas), _plan_for_any(schemas, applied)))
        if not groups[-1].plan.pending:
            # A run that was killed between a tenant's commit and this note left the number behind.
            _correct(schemas, counts, migration_plans.count_of(applied))
    return groups, failed


def migrate(
    tenants: Iterable[Tenant],
    *,
    jobs: int = 4,
    surveyed: Callable[[list[Group]], None] = lambda groups: None,
    progress: Callable[[str, str | None], None] = lambda schema_name, error: None,
) -> Report:
    """Migrate these tenants. Each ends migrated or as it was; killed at any point, the next run goes on from there.

    `surveyed` is told the groups before the first change, `progress` each schema with None or the reason why not.
    Raises AlreadyRunning.
    """
    report = Report()
    tenants = list(tenants)
    with _alone():
        groups, report.failed = survey(tenants)
        surveyed(groups)
        for schema_name, reason in report.failed.items():
            progress(schema_name, reason)
        by_sql = [
            (one, group.plan)
            for group in groups
            if group.plan.pending and group.plan.steps is not None
            for one in group.schemas
        ]
        by_django = [one for group in groups if group.plan.steps is None for one in group.schemas]
        report.current = sum(len(group.schemas) for group in groups if not group.plan.pending)
        told = time.monotonic()
        for outcome in replaying.replay_all(by_sql, jobs=jobs, connect=connector(), after=_note):
            report.replayed += outcome.error is None
            if outcome.error is not None:
                report.failed[outcome.schema_name] = outcome.error
            progress(outcome.schema_name, outcome.error)
            if time.monotonic() - told > VERSION_EVERY_SECONDS:
                lookup.forget()
                told = time.monotonic()
        for schema_name in by_django:
            error = _execute(schema_name)
            report.executed += error is None
            if error is not None:
                report.failed[schema_name] = error
            lookup.forget()
            progress(schema_name, error)
        if by_sql:
            lookup.forget()
    return report


def planned(tenants: Iterable[Tenant]) -> tuple[list[Group], dict[str, str]]:
    """Return what `migrate` would do, and do none of it. Raises AlreadyRunning."""
    with _alone():
        return survey(tenants)


@contextmanager
def _alone() -> Iterator[None]:
    """On a connection of its own, holding the lock that ends with it, with what a killed run left behind removed."""
    with in_public(), rendering.own_connection():
        if not _try_lock():
            raise AlreadyRunning("Another process is migrating the tenants.")
        for leftover in migration_plans.leftovers():
            rendering.drop(leftover)
        yield


def _plan_for_any(schemas: list[str], applied: frozenset[Name]) -> Plan:
    """Plan on the first schema that allows it: one that somebody has altered by hand must not speak for all."""
    reasons = []
    for schema_name in schemas[:MOST_MODELS]:
        try:
            return migration_plans.plan_for(schema_name, applied)
        except DatabaseError as fault:
            reasons.append(f"{schema_name}: {' '.join(str(fault).split())[:200]}")
    # Each is then tried by itself, and says by itself what is wrong with it.
    pending = tuple(sorted(schema_state.current_graph().names - applied))
    return Plan(applied, pending, None, "; ".join(reasons))


def _correct(schemas: list[str], counts: dict[str, int], count: int) -> None:
    wrong = [schema_name for schema_name in schemas if counts[schema_name] != count]
    if wrong:
        Tenant.objects.filter(schema_name__in=wrong).update(migrations_applied=count)


def _note(own: Any, schema_name: str, plan: Plan) -> None:
    count = migration_plans.count_of(plan.applied | set(plan.pending))
    with own.cursor() as cursor:
        cursor.execute(
            "UPDATE public.tenants_tenant SET migrations_applied = %s WHERE schema_name = %s", [count, schema_name]
        )


def _execute(schema_name: str) -> str | None:
    """Run Django's own executor in the schema, waiting as patiently as the replay does."""
    for attempt in range(1, replaying.MOST_TRIES + 1):
        try:
            with connection.cursor() as cursor:
                cursor.execute(f"SET lock_timeout = '{replaying.LOCK_TIMEOUT}'")
            rendering.migrate(schema_name)
        except DatabaseError as fault:
            code = getattr(fault.__cause__, "pgcode", None)
            if code in replaying.PASSING and attempt < replaying.MOST_TRIES:
                time.sleep(replaying.FIRST_PAUSE_SECONDS * 2 ** (attempt - 1))
                continue
            return " ".join(str(fault).split())[:300]
        except Exception as fault:
            return f"{type(fault).__name__}: {fault}"[:300]
        break
    Tenant.objects.filter(schema_name=schema_name).update(migrations_applied=schema_state.current_graph().migrations)
    return None


def connector() -> Callable[[], Any]:
    """Return what opens plain psycopg2 connections to the database that Django is on."""
    parameters = connections[DEFAULT_DB_ALIAS].get_connection_params()
    parameters = {
        name: value
        for name, value in parameters.items()
        if name not in ("cursor_factory", "client_encoding", "context")
    }
    return lambda: psycopg2.connect(**parameters)


def _try_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [MIGRATING_LOCK])
        return bool(cursor.fetchone()[0])
