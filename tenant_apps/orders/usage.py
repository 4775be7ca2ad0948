"""What of orders the platform charges by."""

from datetime import datetime

from shared_apps.billing.usage import meter
from shared_apps.core.pictures import stored_bytes
from tenant_apps.orders.models import Order, OrderLine


def orders(begins: datetime, ends: datetime) -> int:
    """Orders that were placed in that time, whatever became of them."""
    return Order.objects.filter(created_at__gte=begins, created_at__lt=ends).count()


def paid_tickets(begins: datetime, ends: datetime) -> int:
    """Tickets that cost something and were paid in that time, also those that were given back since."""
    paid = OrderLine.objects.filter(order__paid_at__gte=begins, order__paid_at__lt=ends, charged=True)
    return paid.filter(kind=OrderLine.Kind.TICKET, total_minor__gt=0).count()


def stored(begins: datetime, ends: datetime) -> int:
    """What the pictures take now."""
    return stored_bytes()


meter("orders", orders)
meter("paid_tickets", paid_tickets)
meter("storage_bytes", stored)
