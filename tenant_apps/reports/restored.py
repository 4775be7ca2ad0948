"""After a tenant was restored: whether its data keeps its promises, and who is missing (P8)."""

import logging
from collections.abc import Iterable

from tenant_apps.reports.invariants import breaches_in
from tenant_apps.reports.orphans import find_orphans
from tenants.context import current_tenant
from tenants.restoring import Restored, afterwards

logger = logging.getLogger(__name__)


def check(restored: Restored) -> Iterable[str]:
    """What is wrong with the data is told, and changes nothing: it was so when the backup was taken."""
    for breach in breaches_in(current_tenant()):
        logger.error("invariant_broken", extra={"invariant": breach.invariant, "found": breach.found})
        yield f"{breach.invariant} is broken: {breach.found}"
    for orphans in find_orphans():
        logger.error("orphans_found", extra={"column": orphans.column, "rows": orphans.rows})
        yield f"{orphans.rows} rows of {orphans.column} name somebody who is gone."


# Last, when everything else is right.
afterwards("promises", check, order=90)
