"""When orders change by themselves."""

from celery import shared_task

from tenant_apps.orders import retention, waiting_watch
from tenant_apps.orders.cart_holds import KEPT, clear_overdue, forget_old
from tenant_apps.orders.cart_models import Cart
from tenant_apps.orders.models import Order, WaitingEntry
from tenant_apps.orders.services import expire_overdue
from tenant_apps.promotions.models import Voucher
from tenant_apps.promotions.services import release_kept
from tenants import due
from tenants.tasks import TenantTask


@shared_task(base=TenantTask, name="orders.expire_overdue")
def expire() -> None:
    """Every minute: give back what overdue orders and carts hold. Twice changes nothing (M3)."""
    expire_overdue()
    clear_overdue()


@shared_task(base=TenantTask, name="orders.release_kept")
def release() -> None:
    """Every minute: give back the places that ended vouchers keep. Twice changes nothing (M3)."""
    release_kept()


@shared_task(base=TenantTask, name="orders.forget_carts")
def forget_carts() -> None:
    """Every hour: delete carts that nobody has touched for long. Twice changes nothing."""
    forget_old()


@shared_task(base=TenantTask, name="orders.serve_waiting")
def serve_waiting() -> None:
    """Every minute: offer free places to those who wait, and take back what was not answered. Running it twice offers
    nothing twice (G2)."""
    waiting_watch.serve()


@shared_task(base=TenantTask, name="orders.retain")
def retain() -> None:
    """Every night: forget guests and network addresses as the tenant's rules say, none unless it set some. What is left
    goes with the next one; running it twice changes nothing (G2)."""
    if retention.retain():
        retain.apply_async(retry=False, expires=3600)


due.soonest(
    "orders.expire_overdue",
    lambda: [
        (Order.objects.unpaid().filter(expires_at__isnull=False), "expires_at"),
        (Cart.objects.filter(expires_at__isnull=False), "expires_at"),
    ],
)
# Jobs of their own, though small: what each minute's visit asks and reads is as little as can be.
due.soonest(
    "orders.release_kept",
    lambda: [(Voucher.objects.filter(reserved__gt=0, quota__isnull=False, valid_until__isnull=False), "valid_until")],
)
due.soonest("orders.forget_carts", lambda: [(Cart.objects.filter(expires_at=None), "modified_at", KEPT)])
# Whether a place is free is more than one column tells: as long as somebody waits, each minute looks.
due.soonest(
    "orders.serve_waiting",
    lambda: [
        (WaitingEntry.objects.open(), "joined_at"),
        (WaitingEntry.objects.filter(held__gt=0, expires_at__isnull=False), "expires_at"),
    ],
)
# Few tenants have rules; the others are not entered.
due.public_question("orders.retain", lambda tenant, now: now if retention.has_rules(tenant) else None)
