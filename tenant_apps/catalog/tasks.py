"""What happens to goods by itself."""

from celery import shared_task

from tenant_apps.catalog import standing
from tenants import due
from tenants.tasks import TenantTask


@shared_task(base=TenantTask, name="catalog.settle_standing")
def settle() -> None:
    """Every minute where something is left: count likes that a crash left waiting. Running it twice changes nothing."""
    standing.STANDINGS.settle()


due.soonest("catalog.settle_standing", standing.STANDINGS.due_columns)
