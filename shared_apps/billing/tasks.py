"""When usage is reckoned."""

from celery import shared_task

from shared_apps.billing import limits
from shared_apps.billing.usage import measure
from tenants import due
from tenants.context import current_tenant
from tenants.tasks import TenantTask


@shared_task(base=TenantTask, name="billing.meter")
def meter() -> None:
    """Every hour: reckon what the tenant used today, and days that are not settled yet. Twice changes nothing (G2).

    Its limits are put right with it, should a process have died between a change of plan and what follows from it.
    """
    measure()
    limits.refresh(current_tenant())


# Each time for everybody, many tenants to a task.
due.question("billing.meter", lambda now: now)
