"""When tenants are measured for the operators' console."""

from celery import shared_task

from shared_apps.operators.measuring import measure as measure_present
from shared_apps.operators.measuring import next_measuring
from tenant_apps.activity.delivery import subscribe
from tenant_apps.activity.models import OutboxMessage
from tenants import due
from tenants.tasks import TenantTask


@shared_task(base=TenantTask, name="operators.measure")
def measure() -> None:
    """Every ten minutes where something happens or is wrong, else every hour: reckon how the tenant does. Twice changes
    nothing (G2)."""
    measure_present()


due.soonest("operators.measure", next_measuring)


@subscribe("outbox.parked")
def measure_what_was_parked(message: OutboxMessage) -> None:
    """What was given up stands in the console within seconds, not minutes."""
    measure_present()
