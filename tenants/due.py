"""Which tenants have something to do: what lets the fan-out pick them without reading a thousand schemas (G2, G3).

An app names a question for each of its jobs: when does it have something to do next in the present tenant? The answers
stand in public, a `DueJob` row for each tenant and job. A tick reads that one table and sends for the tenants that are
due (`fire`), a worker takes what was sent for (`take`), runs it and notes the next times (`note`).

The rows are hints. They are put right in three ways, each good enough without the others:

- whoever changes something may leave a `hint` after the commit;
- `look_around` asks Postgres for its own counts of changed rows, one statement for all tenants, and has those tenants
  asked anew whose watched tables changed. Postgres tells its counts some seconds late;
- every tenant is asked once in `ASK_EVERY` all the same, whatever was lost.

See docs/decisions/0036-queues-and-due-tenants.md.
"""

import random
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, NamedTuple

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from tenants.context import current_tenant, in_public, on_commit
from tenants.database import connection

# The look-around keeps its own row for each tenant beside those of the jobs.
LOOK = "tenants.look"
ASK_EVERY = timedelta(minutes=10)
# A worker that was sent for and did not come, or came and did not end: after this time another is sent. With a tick
# each half minute behind it all is redone within 120 s (G4). Longer than a task may run.
LEASE = timedelta(seconds=60)
# "Nothing ahead" is believed for so long.
FAR = timedelta(days=1)
MOST_TRIES = 10
# Who sends for workers holds this advisory lock until what it marked is committed: some ten milliseconds.
SENDING_LOCK = 7112
# Who did not end well so often may be what killed the worker, and is visited by itself.
SUSPECT = 2

# Rows, the name of a column of theirs, and how long after that time something is to be done.
Column = tuple[Any, str] | tuple[Any, str, timedelta]
Question = Callable[[datetime], datetime | None]
PublicQuestion = Callable[[Any, datetime], datetime | None]


@dataclass(slots=True)
class _Job:
    """What is known of a job: the ways to ask when it is due, and whether it is run by itself."""

    columns: list[Callable[[], Sequence[Column]]] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)
    of_the_row: list[PublicQuestion] = field(default_factory=list)
    alone: bool = False


_jobs: dict[str, _Job] = {}
# While a worker goes from tenant to tenant: the jobs that follow from what it did in the present one. They are nobody's
# who waits, and come behind the round.
on_round: ContextVar[set[str] | None] = ContextVar("tenants_on_round", default=None)


class Told(NamedTuple):
    """What a tenant answered when it was asked, and when that was."""

    asked_at: datetime
    due: Mapping[str, datetime | None]


class Taken(NamedTuple):
    """A job of a tenant that this worker is to do now; `tries` counts this one. With `hints` it is run unasked."""

    tenant_id: int
    job: str
    tries: int
    hints: int


# --- Naming questions ------------------------------------------------------------------------------------------------


def soonest(job: str, columns: Callable[[], Sequence[Column]], *, alone: bool = False) -> None:
    """Say that a job is due at the earliest of some columns: `columns()` gives (queryset, name of a column or
    annotation) and, where the job waits beyond that time, for how long. All jobs' columns are asked in one statement,
    which is kept: nothing in it may depend on the time.

    `alone` is for what talks to others' servers: each tenant then gets a task of its own, so that nobody waits.
    """
    _job(job, alone).columns.append(columns)


def question(job: str, function: Question, *, alone: bool = False) -> None:
    """Say when a job is due by a function that is asked inside the tenant. Give `soonest` what it can tell."""
    _job(job, alone).questions.append(function)


def public_question(job: str, function: PublicQuestion, *, alone: bool = False) -> None:
    """Say when a job is due by the tenant's public row alone."""
    _job(job, alone).of_the_row.append(function)


def has_question(job: str) -> bool:
    return job in _jobs


def is_alone(job: str) -> bool:
    return _jobs[job].alone


def forget(job: str) -> None:
    """Take a job's questions away again. For tests."""
    _jobs.pop(job, None)
    _asked.cache_clear()


def _job(name: str, alone: bool) -> _Job:
    known = _jobs.setdefault(name, _Job())
    known.alone = known.alone or alone
    _asked.cache_clear()
    return known


# --- Asking the present tenant ---------------------------------------------------------------------------------------


def ask(now: datetime, only: Collection[str] | None = None) -> dict[str, datetime | None]:
    """Return when each job (or each of `only` these) is due in the present tenant, None for "nothing ahead"; one
    statement, and what functions ask beyond it.

    A tenant is one of thousands, whose tables the server's process has hardly ever at hand: each table that the
    statement names costs more than the look into it.
    """
    jobs = {name: job for name, job in _jobs.items() if only is None or name in only}
    answers: dict[str, list[datetime]] = {name: [] for name in jobs}
    sql, parameters, owners, _tables = _asked(None if only is None else frozenset(jobs))
    if owners:
        with connection.cursor() as cursor:
            cursor.execute(sql, parameters)
            for (name, later), found in zip(owners, cursor.fetchone(), strict=True):
                if found is not None:
                    answers[name].append(found + later)
    for name, job in jobs.items():
        told = [each(now) for each in job.questions]
        told += [each(current_tenant(), now) for each in job.of_the_row]
        answers[name] += [each for each in told if each is not None]
    return {name: min(found, default=None) for name, found in answers.items()}


@cache
def _asked(
    only: frozenset[str] | None = None,
) -> tuple[str, tuple[Any, ...], tuple[tuple[str, timedelta], ...], tuple[str, ...]]:
    """The one statement, its parameters, whose column each answer is, and which tables it reads. No schema is named in
    it, so it is the same for every tenant."""
    parts: list[str] = []
    parameters: list[Any] = []
    owners: list[tuple[str, timedelta]] = []
    tables: set[str] = set()
    for name, job in _jobs.items():
        for columns in job.columns if only is None or name in only else ():
            for rows, column, *later in columns():
                first: QuerySet[Any] = rows.order_by(column).values_list(column)[:1]
                text, values = first.query.sql_with_params()
                parts.append(f"({text})")
                parameters += values
                owners.append((name, later[0] if later else timedelta()))
                tables.add(rows.model._meta.db_table)
    return f"SELECT {', '.join(parts)}", tuple(parameters), tuple(owners), tuple(sorted(tables))


# --- Sending for workers ---------------------------------------------------------------------------------------------


def fire(job: str, now: datetime | None = None) -> tuple[list[int], list[int]]:
    """Mark the job as wanted for every open tenant that is due, and return for whom a worker has to be sent for: those
    that may share one, and those that get one each.

    A tenant that waits for a worker already, for another job, needs no second one: who comes does both. Two ticks at
    once send once.
    """
    now = now or timezone.now()
    with in_public(), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_ONE_AFTER_THE_OTHER)
        cursor.execute(_NEW_TENANTS, {"job": job, "now": now})
        cursor.execute(
            _FIRE,
            {"job": job, "now": now, "stale": now - LEASE, "alone": _alone_jobs(), "by_itself": is_alone(job)},
        )
        found = [(tenant_id, suspect) for tenant_id, first, suspect in cursor.fetchall() if first]
    together = [] if is_alone(job) else [tenant_id for tenant_id, suspect in found if not suspect]
    return together, [tenant_id for tenant_id, suspect in found if suspect or is_alone(job)]


def look_around(now: datetime | None = None) -> list[int]:
    """Mark the tenants that have to be asked anew, and return for whom a worker has to be sent for.

    Those whose watched tables changed, as Postgres counts it, and those that were not asked for `ASK_EVERY`.
    """
    now = now or timezone.now()
    with in_public(), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_ONE_AFTER_THE_OTHER)
        cursor.execute(_NEW_TENANTS, {"job": LOOK, "now": now})
        cursor.execute(
            _LOOK,
            {"job": LOOK, "now": now, "stale": now - LEASE, "alone": _alone_jobs(), "tables": list(_asked()[3])},
        )
        return [tenant_id for tenant_id, first in cursor.fetchall() if first]


# Two ticks at once would not see each other's marks, and each send for a worker of its own.
_ONE_AFTER_THE_OTHER = f"SELECT pg_advisory_xact_lock({SENDING_LOCK})"

# Somebody who was opened since the last tick, and everybody when a job is new: due at once, by itself.
_NEW_TENANTS = """
INSERT INTO tenants_duejob (tenant_id, job, due_at)
SELECT t.id, %(job)s, %(now)s FROM tenants_tenant t
WHERE t.status = 'open' AND NOT EXISTS (SELECT 1 FROM tenants_duejob d WHERE d.tenant_id = t.id AND d.job = %(job)s)
ORDER BY t.id ON CONFLICT DO NOTHING
"""

_NO_OTHER_WAITS = """NOT EXISTS (
    SELECT 1 FROM tenants_duejob o
    WHERE o.tenant_id = d.tenant_id AND o.id <> d.id AND o.wanted_at > %(stale)s AND NOT (o.job = ANY(%(alone)s))
)"""

# Nobody came for it within the lease: whoever was sent for is lost, and the others who wait relied on the same one. If
# only they were asked, each tick would make one of them fresh again, and nobody would ever be sent for.
_SENT_FOR_IN_VAIN = "d.wanted_at IS NOT NULL"

_FIRE = f"""
UPDATE tenants_duejob AS kept SET wanted_at = %(now)s FROM (
    SELECT d.id, d.tries >= {SUSPECT} AS suspect,
        %(by_itself)s OR d.tries >= {SUSPECT} OR {_SENT_FOR_IN_VAIN} OR {_NO_OTHER_WAITS} AS first
    FROM tenants_duejob d JOIN tenants_tenant t ON t.id = d.tenant_id
    WHERE d.job = %(job)s AND d.due_at <= %(now)s AND t.status = 'open'
        AND (d.wanted_at IS NULL OR d.wanted_at <= %(stale)s)
    ORDER BY d.id FOR UPDATE OF d SKIP LOCKED
) AS due WHERE kept.id = due.id RETURNING kept.tenant_id, due.first, due.suspect
"""  # noqa: S608  (built from the constants above)

_LOOK = f"""
WITH counted AS (
    SELECT n.nspname AS schema_name,
        sum(pg_stat_get_tuples_inserted(c.oid) + pg_stat_get_tuples_updated(c.oid))::bigint AS changes
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relname = ANY(%(tables)s) AND c.relkind = 'r' GROUP BY n.nspname
)
UPDATE tenants_duejob AS kept SET wanted_at = %(now)s, seen = due.changes FROM (
    SELECT d.id, COALESCE(c.changes, 0) AS changes, {_SENT_FOR_IN_VAIN} OR {_NO_OTHER_WAITS} AS first
    FROM tenants_duejob d
    JOIN tenants_tenant t ON t.id = d.tenant_id LEFT JOIN counted c ON c.schema_name = t.schema_name
    WHERE d.job = %(job)s AND t.status = 'open' AND (d.wanted_at IS NULL OR d.wanted_at <= %(stale)s)
        AND (d.due_at <= %(now)s OR d.seen <> COALESCE(c.changes, 0) OR d.wanted_at <= %(stale)s)
    ORDER BY d.id FOR UPDATE OF d SKIP LOCKED
) AS due WHERE kept.id = due.id RETURNING kept.tenant_id, due.first
"""  # noqa: S608  (built from the constants above)


def _alone_jobs() -> list[str]:
    return [name for name, job in _jobs.items() if job.alone]


def hint(job: str, at: datetime | None = None) -> None:
    """After the commit, note that a job has to run at that time, or at once, in the present tenant, whatever its
    question answers. It may be lost."""
    tenant_id = current_tenant().pk
    when = at or timezone.now()
    on_commit(lambda: _hint(tenant_id, job, when), robust=True)


def _hint(tenant_id: int, job: str, at: datetime) -> None:
    with in_public(), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE tenants_duejob SET due_at = LEAST(due_at, %s), hints = hints + 1 WHERE tenant_id = %s AND job = %s",
            [at, tenant_id, job],
        )


def want(job: str, tenant_ids: Collection[int], now: datetime | None = None) -> list[int]:
    """Mark the job as wanted in these tenants, and return for whom a worker has to be sent for: whoever waits for one
    already needs no second one."""
    now = now or timezone.now()
    with in_public(), connection.cursor() as cursor:
        cursor.execute(_WANT, {"job": job, "tenants": sorted(tenant_ids), "now": now})
        return [tenant_id for (tenant_id,) in cursor.fetchall()]


_WANT = """
UPDATE tenants_duejob AS kept SET wanted_at = %(now)s, due_at = LEAST(kept.due_at, %(now)s) FROM (
    SELECT d.id FROM tenants_duejob d JOIN tenants_tenant t ON t.id = d.tenant_id
    WHERE d.job = %(job)s AND d.tenant_id = ANY(%(tenants)s) AND d.wanted_at IS NULL AND d.tries = 0
        AND t.status = 'open'
    ORDER BY d.id FOR UPDATE OF d SKIP LOCKED
) AS due WHERE kept.id = due.id RETURNING kept.tenant_id
"""


# --- Working off -----------------------------------------------------------------------------------------------------


def take(tenant_ids: Collection[int], job: str | None = None, now: datetime | None = None) -> list[Taken]:
    """Take what these tenants' workers were sent for: everything that is done together, or one job that is done alone.

    What was taken is nobody else's until the lease ends. A message that comes twice finds nothing to take.
    """
    now = now or timezone.now()
    with in_public(), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            _TAKE,
            {"tenants": list(tenant_ids), "lease": now + LEASE, "one": job, "alone": _alone_jobs()},
        )
        return [Taken(*row) for row in cursor.fetchall()]


_TAKE = """
UPDATE tenants_duejob AS kept SET wanted_at = NULL, due_at = %(lease)s, tries = kept.tries + 1 FROM (
    SELECT d.id FROM tenants_duejob d
    WHERE d.tenant_id = ANY(%(tenants)s) AND d.wanted_at IS NOT NULL
        AND CASE WHEN %(one)s::text IS NULL THEN NOT (d.job = ANY(%(alone)s)) ELSE d.job = %(one)s::text END
    ORDER BY d.id FOR UPDATE SKIP LOCKED
) AS due WHERE kept.id = due.id RETURNING kept.tenant_id, kept.job, kept.tries, kept.hints
"""


def give_back(taken: Iterable[Taken], now: datetime | None = None) -> None:
    """Let what was taken and not begun be wanted again, for a worker that is sent for now."""
    now = now or timezone.now()
    keys = tuple((each.tenant_id, each.job) for each in taken)
    if not keys:
        return
    with in_public(), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE tenants_duejob SET wanted_at = %s, due_at = %s, tries = tries - 1"
            " WHERE (tenant_id, job) IN %s AND wanted_at IS NULL",
            [now, now, keys],
        )


def note(answers: Mapping[int, Told], taken: Collection[Taken], failed: Collection[Taken]) -> None:
    """Write down when each tenant's jobs are due next, in one statement for all of them.

    What failed comes again after a pause, later each time. What another worker has taken, or has noted after asking
    later than we did, is left to that one.
    """
    now = timezone.now()
    unwell = set(failed)
    mine = {(each.tenant_id, each.job) for each in taken}
    rows: list[tuple[int, str, datetime | None, bool, int, datetime]] = []
    for each in taken:
        told = answers.get(each.tenant_id, Told(now, {}))
        at = told.due.get(each.job)
        if each in unwell:
            at = now + pause_after(each.tries)
        elif each.job == LOOK:
            # Spread, so that tenants that were opened in one night are not all asked in one second for ever.
            at = now + ASK_EVERY * random.uniform(0.8, 1.2)  # noqa: S311  (spreads load, guards nothing)
        rows.append((each.tenant_id, each.job, at, each not in unwell, each.hints, told.asked_at))
    for tenant_id, told in answers.items():
        rows += [
            (tenant_id, job, at, True, _NOT_MINE, told.asked_at)
            for job, at in told.due.items()
            if (tenant_id, job) not in mine
        ]
    if not rows:
        return
    marks = ", ".join(["(%s::bigint, %s::text, %s::timestamptz, %s::bool, %s::int, %s::timestamptz)"] * len(rows))
    values = [value for row in rows for value in row]
    with in_public(), connection.cursor() as cursor:
        cursor.execute(_NOTE.replace("ROWS", marks), [now, now + FAR, *values, now + FAR / 2])


_NOT_MINE = -1
# Hints that came while the job ran are of what it may not have seen: they stay, and it comes again at once.
_NOTE = """
UPDATE tenants_duejob AS kept SET
    due_at = CASE WHEN due.well AND due.mine AND kept.hints > due.hints THEN %s ELSE COALESCE(due.at, %s) END,
    tries = CASE WHEN due.well THEN 0 ELSE kept.tries END,
    hints = CASE WHEN due.well AND due.mine THEN GREATEST(kept.hints - due.hints, 0) ELSE kept.hints END,
    asked_at = due.asked_at
FROM (
    SELECT d.id, v.at, v.well, v.hints, v.hints >= 0 AS mine, v.asked_at
    FROM tenants_duejob d JOIN (VALUES ROWS) AS v (tenant_id, job, at, well, hints, asked_at)
        ON d.tenant_id = v.tenant_id AND d.job = v.job
    WHERE v.hints >= 0
        OR d.tries = 0 AND d.hints = 0 AND (d.asked_at IS NULL OR d.asked_at < v.asked_at)
        AND CASE WHEN v.at IS NULL THEN d.due_at < %s ELSE d.due_at <> v.at END
    ORDER BY d.id FOR UPDATE OF d
) AS due WHERE kept.id = due.id
"""


def pause_after(tries: int) -> timedelta:
    """Return how long a job rests that failed so often: 30 s, doubling up to an hour; a parked one looks up daily."""
    return FAR if tries >= MOST_TRIES else timedelta(seconds=min(30 * 2 ** (tries - 1), 3600))


def state(job: str) -> dict[str, Any]:
    """How a job stands over all tenants: for the operator's page and for tests."""
    now = datetime.now(UTC)
    with in_public(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*), count(*) FILTER (WHERE due_at <= %s), count(wanted_at),"
            " count(*) FILTER (WHERE tries > 1), count(*) FILTER (WHERE tries >= %s)"
            " FROM tenants_duejob WHERE job = %s",
            [now, MOST_TRIES, job],
        )
        names = ("tenants", "due", "waiting", "failing", "parked")
        return dict(zip(names, cursor.fetchone(), strict=True))
