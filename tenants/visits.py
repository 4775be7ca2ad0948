"""A worker goes from tenant to tenant and does in each what is due there: one task, one entering of each schema.

What goes wrong in one tenant is written down for that tenant and keeps no other from its turn.
"""

import logging
from collections import defaultdict, deque
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from time import monotonic

from celery import current_app
from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings
from django.db import close_old_connections
from django.utils import timezone

from shared_apps.core.faults import point
from tenants import due, schema_state
from tenants.context import in_public, in_tenant
from tenants.due import LOOK, Taken, Told
from tenants.errors import TenantMissing
from tenants.models import Tenant

logger = logging.getLogger(__name__)

# After so long the rest of the round is handed on: whoever came later to the queue waits no longer than this.
ROUND_SECONDS = 2.0
# A tenant that waits for migrations is looked at again so soon.
UNTIL_MIGRATED = timedelta(minutes=1)


@dataclass
class Round:
    """What came of going round: whom to send for again, and how many jobs were done and failed."""

    left: list[int] = field(default_factory=list)
    done: int = 0
    failed: int = 0


def go_round(tenant_ids: Sequence[int], job: str | None = None, *, seconds: float = ROUND_SECONDS) -> Round:
    """Do what these tenants were marked for (or the one job, where that is done alone) and note what comes next.

    A tick may mark a tenant for another job while its worker is on the way; so what was marked meanwhile is taken too.
    """
    outcome = Round()
    until = monotonic() + seconds
    while taken := due.take(tenant_ids, job):
        point("visit.taken")
        _visit_all(taken, until, outcome)
        if outcome.left:
            break
    return outcome


def _visit_all(taken: Collection[Taken], until: float, outcome: Round) -> None:
    turn = _Turn(taken, until)
    try:
        if len(turn.waiting) > 1 and settings.VISIT_HANDS > 1:
            _work_beside_each_other(turn)
        else:
            turn.work()
    finally:
        due.note(turn.answers, turn.ended, turn.failed)
    outcome.done += len(turn.ended) - len(turn.failed)
    outcome.failed += len(turn.failed)
    if turn.waiting:
        due.give_back(each for _tenant_id, jobs in turn.waiting for each in jobs)
        outcome.left += [tenant_id for tenant_id, _jobs in turn.waiting]


class _Turn:
    """The tenants that one task visits: those who wait, and what came of the others."""

    def __init__(self, taken: Collection[Taken], until: float):
        wanted: dict[int, list[Taken]] = defaultdict(list)
        for each in taken:
            wanted[each.tenant_id].append(each)
        with in_public():
            self.rows = {row.pk: row for row in Tenant.objects.with_host().filter(pk__in=wanted)}
        self.waiting = deque(wanted.items())
        self.until = until
        self.answers: dict[int, Told] = {}
        self.ended: list[Taken] = []
        self.failed: list[Taken] = []

    def work(self) -> None:
        """Visit one after the other until none waits or the time is up. Some threads may do so at once: what is shared
        is changed by single steps only."""
        while self.waiting and (monotonic() <= self.until or not self.ended):
            try:
                tenant_id, jobs = self.waiting.popleft()
            except IndexError:  # another one has just taken the last
                return
            told, unwell = _visit(self.rows.get(tenant_id), jobs)
            if told is not None:
                self.answers[tenant_id] = told
            self.failed += unwell
            self.ended += jobs


def _work_beside_each_other(turn: _Turn) -> None:
    """While the database works for one tenant, this process computes for another: threads beside us, each with a
    connection of its own, enter each tenant by itself (N3)."""
    global _beside
    _beside = _beside or ThreadPoolExecutor(settings.VISIT_HANDS - 1, thread_name_prefix="visit")
    others = [_beside.submit(_work_beside, turn) for _hand in range(min(settings.VISIT_HANDS, len(turn.waiting)) - 1)]
    try:
        turn.work()
        for other in others:
            other.result()
    except SoftTimeLimitExceeded:
        # They are in the midst of something that takes too long. Nobody waits for those threads again; what they have
        # in hand comes to another worker when its lease is over.
        _beside.shutdown(wait=False)
        _beside = None
        raise


_beside: ThreadPoolExecutor | None = None


def _work_beside(turn: _Turn) -> None:
    close_old_connections()
    try:
        turn.work()
    finally:
        close_old_connections()


def _visit(tenant: Tenant | None, jobs: Sequence[Taken]) -> tuple[Told | None, list[Taken]]:
    """Do a tenant's jobs; return when each of its jobs is due next, and which of these failed."""
    if tenant is None or tenant.status != Tenant.Status.OPEN:
        logger.info("jobs_skipped", extra={"schema": tenant and tenant.schema_name, "status": tenant and tenant.status})
        return None, []
    if schema_state.is_behind(tenant):
        # What this code would do to tables of another state nobody knows; soon they are as it counts on (N6).
        logger.warning("jobs_skipped", extra={"schema": tenant.schema_name, "status": "waits for migrations"})
        now = timezone.now()
        return Told(now, {each.job: now + UNTIL_MIGRATED for each in jobs}), []
    try:
        with in_tenant(tenant):
            # What has nothing to do finds that out by a look at an index, which costs no more than asking first.
            on_round = due.on_round.set(True)
            try:
                failed = [each for each in jobs if each.job != LOOK and not _do(each)]
            finally:
                due.on_round.reset(on_round)
            # What else came of it is seen by the next look-around, as everything that changes.
            now, done = timezone.now(), {each.job for each in jobs}
            return Told(now, due.ask(now, None if LOOK in done else done)), failed
    except TenantMissing:
        # Dropped behind our back. Told once a visit; the row in public decides when there are no more visits.
        logger.warning("task_dropped", extra={"schema": tenant.schema_name, "why": "its schema is gone"})
        return None, list(jobs)
    except Exception:
        logger.exception("visit_failed", extra={"schema": tenant.schema_name})
        close_old_connections()
        return None, list(jobs)


def _do(each: Taken) -> bool:
    """Run one job; False if it failed. One that failed ten times in a row is parked: told, and tried about daily."""
    if each.tries > due.MOST_TRIES and (each.tries - due.MOST_TRIES) % 2:
        # It may be one that takes its worker along, and then nobody comes to note a failure: every other time it is
        # only put off.
        logger.error("job_parked", extra={"job": each.job, "tries": each.tries})
        return False
    try:
        current_app.tasks[each.job].run()
    except SoftTimeLimitExceeded:
        logger.error("job_too_slow", extra={"job": each.job})
        return False
    except Exception:
        logger.exception("job_parked" if each.tries >= due.MOST_TRIES else "job_failed", extra={"job": each.job})
        return False
    return True


def in_groups(tenant_ids: Sequence[int], size: int) -> Iterator[list[int]]:
    """Deal the tenants out like cards, so that neighbours in age, and in size, are in different groups."""
    count = -(-len(tenant_ids) // size)
    for start in range(count):
        yield list(tenant_ids[start::count])
