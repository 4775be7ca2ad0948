"""When the data is checked, figures are brought up to date and reports are made.

What a check finds goes to the log as an error, which Sentry raises.
"""

import logging

from celery import shared_task

from tenant_apps.reports import building, log, runs, schedules
from tenant_apps.reports.invariants import breaches_in, breaches_of_catalog
from tenant_apps.reports.orphans import find_orphans
from tenant_apps.reports.schedule_models import ReportSchedule
from tenants import due
from tenants.context import current_tenant
from tenants.tasks import PublicTask, TenantTask

logger = logging.getLogger(__name__)


@shared_task(base=TenantTask, name="reports.check_invariants")
def check_invariants() -> None:
    """Every night: verify this tenant's counters, money and tickets (P8). Reads only."""
    for breach in breaches_in(current_tenant()):
        logger.error("invariant_broken", extra={"invariant": breach.invariant, "found": breach.found})


@shared_task(base=PublicTask, name="reports.check_catalog")
def check_catalog() -> None:
    """Every night: verify how the schemas are built (N3). Reads only."""
    for breach in breaches_of_catalog():
        logger.error("invariant_broken", extra={"invariant": breach.invariant, "found": breach.found})


@shared_task(base=TenantTask, name="reports.find_orphans")
def report_orphans() -> None:
    """Every night: find rows whose person is gone from the platform. Reads only."""
    for orphans in find_orphans():
        logger.error("orphans_found", extra={"column": orphans.column, "rows": orphans.rows})


# As long as the import of a large file: the broker hands the task out again after that.
SOFT_SECONDS, HARD_SECONDS = 280, 300
# A first build of many orders goes on in the next round.
BUILD_SECONDS = 30


@shared_task(base=TenantTask, name="reports.catch_up")
def catch_up() -> None:
    """Every few minutes: build the figures of what was there before, and of what no message told of. Twice is once."""
    building.bring_up_to_date(seconds=BUILD_SECONDS)


@shared_task(base=TenantTask, name="reports.make", soft_time_limit=SOFT_SECONDS, time_limit=HARD_SECONDS)
def make(run_id: str) -> None:
    """After somebody asked for a report: make its file. Twice is once."""
    runs.make(run_id)


@shared_task(base=TenantTask, name="reports.resume")
def resume() -> None:
    """Every minute: take up reports that wait or whose worker died."""
    for run in runs.unfinished():
        make.apply_async(args=[str(run)], retry=False)


@shared_task(base=TenantTask, name="reports.forget_old")
def forget_runs() -> None:
    """Every night: delete reports and their files a week after they were asked for."""
    runs.forget_old()


@shared_task(base=TenantTask, name="reports.send_due")
def send_due() -> None:
    """Every minute: claim schedules whose time has come. Twice, late and at once is once."""
    schedules.send_due()


# A tenant that moves to another zone leaves a hint: the sweep reckons its schedules anew.
due.soonest("reports.send_due", lambda: [(ReportSchedule.objects.filter(enabled=True), "next_at")])


@shared_task(base=TenantTask, name="reports.forget_log")
def forget_log() -> None:
    """Every night: delete what the tenant's log kept for 90 days."""
    log.forget_old()
