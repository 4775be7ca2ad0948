"""When the data is checked, figures are brought up to date and reports are made.

What a check finds goes to the log as an error, which Sentry raises.
"""

import logging
from datetime import timedelta

from celery import shared_task
from django.db.models import Exists, Subquery

from tenant_apps.orders.models import Order
from tenant_apps.payments.models import LedgerEntry
from tenant_apps.reports import building, log, runs, schedules
from tenant_apps.reports.invariants import breaches_in, breaches_of_catalog
from tenant_apps.reports.models import BuildState, ReportRun
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


# Most of what was sold is told of at once; this is for what was not.
CATCH_UP_AFTER = timedelta(minutes=5)
# As long as the import of a large file: the broker hands the task out again after that.
SOFT_SECONDS, HARD_SECONDS = 280, 300
# Among other tenants' work. A first build of many orders goes on in the next round.
BUILD_SECONDS = 10


@shared_task(base=TenantTask, name="reports.catch_up")
def catch_up() -> None:
    """Every few minutes: build the figures of what was there before, and of what no message told of. Twice is once."""
    building.bring_up_to_date(seconds=BUILD_SECONDS)


_BUILT = BuildState.objects.filter(built_at__isnull=False)
due.soonest(
    "reports.catch_up",
    lambda: [
        (
            Order.objects.filter(~Exists(BuildState.objects.filter(built_at__isnull=False)), paid_at__isnull=False),
            "paid_at",
        ),
        (LedgerEntry.objects.filter(at__gt=Subquery(BuildState.objects.values("seen_until"))), "at", CATCH_UP_AFTER),
    ],
)


@shared_task(base=TenantTask, name="reports.make", soft_time_limit=SOFT_SECONDS, time_limit=HARD_SECONDS)
def make(run_id: str) -> None:
    """After somebody asked for a report: make its file. Twice is once."""
    runs.make(run_id)


@shared_task(base=TenantTask, name="reports.resume")
def resume() -> None:
    """Every minute: take up reports that wait or whose worker died."""
    for run in runs.unfinished():
        make.apply_async(args=[str(run)], retry=False)


due.soonest(
    "reports.resume",
    lambda: [
        (ReportRun.objects.filter(status=ReportRun.Status.WAITING), "created_at", runs.WAITS),
        (ReportRun.objects.filter(status=ReportRun.Status.RUNNING), "modified_at", runs.SILENCE),
    ],
)


@shared_task(base=TenantTask, name="reports.forget_old")
def forget_runs() -> None:
    """Every night: delete reports and their files a week after they were asked for, and follow events that moved to
    another zone without a word."""
    runs.forget_old()
    building.follow_zones()


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
