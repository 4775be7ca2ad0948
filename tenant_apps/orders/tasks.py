"""When orders change by themselves."""

from celery import shared_task

from tenant_apps.orders.cart_holds import clear_overdue, forget_old
from tenant_apps.orders.services import expire_overdue
from tenants.tasks import TenantTask


@shared_task(base=TenantTask, name="orders.expire_overdue")
def expire() -> None:
    """Every minute: give the places of overdue orders and carts back. Running it twice changes nothing (M3)."""
    expire_overdue()
    clear_overdue()
    forget_old()
