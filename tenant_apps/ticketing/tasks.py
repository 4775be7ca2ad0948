"""When tickets change by themselves."""

from celery import shared_task

from tenant_apps.ticketing import lifecycle
from tenants.tasks import TenantTask


@shared_task(base=TenantTask, name="ticketing.expire_over")
def expire() -> None:
    """Every ten minutes: mark tickets as expired whose time is over. Running it twice changes nothing (G2)."""
    lifecycle.expire_over()
