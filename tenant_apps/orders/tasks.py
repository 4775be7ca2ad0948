"""When orders change by themselves."""

from celery import shared_task

from tenant_apps.orders import waiting_watch
from tenant_apps.orders.services import expire_overdue
from tenants.tasks import TenantTask


@shared_task(base=TenantTask, name="orders.expire_overdue")
def expire() -> None:
    """Every minute: give the places of overdue orders back. Running it twice changes nothing (M3)."""
    expire_overdue()


@shared_task(base=TenantTask, name="orders.serve_waiting")
def serve_waiting() -> None:
    """Every minute: offer free places to those who wait, and take back what was not answered. Running it twice offers
    nothing twice (G2)."""
    waiting_watch.serve()
