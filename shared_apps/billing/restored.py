"""After a tenant was restored its row allows what its plan of today allows, not what it allowed then."""

from collections.abc import Iterable

from shared_apps.billing.limits import refresh
from tenants.context import in_public
from tenants.restoring import Restored, afterwards


def refresh_limits(restored: Restored) -> Iterable[str]:
    """Of a tenant that was gone: those of the free plan, unless it has a subscription still."""
    with in_public():
        restored.tenant.refresh_from_db()
        refresh(restored.tenant)
    return ()


afterwards("limits", refresh_limits, order=60)
