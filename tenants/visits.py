"""A worker goes from tenant to tenant and does in each what is due there: one task, one entering of each schema.

What goes wrong in one tenant is written down for that tenant and keeps no other from its turn.
"""

import logging
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from time import monotonic

from celery import current_app
from celery.exceptions import SoftTimeLimitExceeded
from django.db import close_old_connections
from django.utils import timezone

from shared_apps.core.faults import point
from tenants import due
from tenants.context import in_public, in_tenant
from tenants.due import LOOK, Taken, Told
from tenants.errors import TenantMissing
from tenants.models import Tenant

logger = logging.getLogger(__name__)

# After so long the rest of the round is handed on: whoever came later to the queue waits no longer than this.
ROUND_SECONDS = 2.0


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
    wanted: dict[int, list[Taken]] = defaultdict(list)
    for each in taken:
        wanted[each.tenant_id].append(each)
    with in_public():
        rows = {row.pk: row for row in Tenant.objects.with_host().filter(pk__in=wanted)}
    answers: dict[int, Told] = {}
    ended: list[Taken] = []
    failed: list[Taken] = []
    try:
        for tenant_id in [*wanted]:
            if monotonic() > until and ended:
                break
            jobs = wanted.pop(tenant_id)
            ended += jobs
            told, unwell = _visit(rows.get(tenant_id), jobs)
            if told is not None:
                answers[tenant_id] = told
            failed += unwell
    finally:
        due.note(answers, ended, failed)
    outcome.done += len(ended) - len(failed)
    outcome.failed += len(failed)
    if wanted:
        due.give_back(each for jobs in wanted.values() for each in jobs)
        outcome.left += [*wanted]


def _visit(tenant: Tenant | None, jobs: Sequence[Taken]) -> tuple[Told | None, list[Taken]]:
    """Do a tenant's jobs; return when each of its jobs is due next, and which of these failed."""
    if tenant is None or tenant.status != Tenant.Status.OPEN:
        logger.info("jobs_skipped", extra={"schema": tenant and tenant.schema_name, "status": tenant and tenant.status})
        return None, []
    try:
        with in_tenant(tenant):
            # What has nothing to do finds that out by a look at an index, which costs no more than asking first.
            on_round = due.on_round.set(True)
            try:
                failed = [each for each in jobs if each.job != LOOK and not _do(each)]
            finally:
                due.on_round.reset(on_round)
            now = timezone.now()
            return Told(now, due.ask(now)), failed
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
