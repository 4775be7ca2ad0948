"""When the data is checked. What is found goes to the log as an error, which Sentry raises."""

import logging

from celery import shared_task

from tenant_apps.reports.invariants import breaches_in, breaches_of_catalog
from tenant_apps.reports.orphans import find_orphans
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
