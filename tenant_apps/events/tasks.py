"""When events change by themselves."""

from celery import shared_task

from tenant_apps.events.services import finish_over
from tenants.tasks import TenantTask


@shared_task(base=TenantTask, name="events.finish_over")
def finish() -> None:
    """Every ten minutes: mark as finished what is over. Running it twice changes nothing."""
    finish_over()
