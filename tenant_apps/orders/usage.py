"""What of orders the platform charges by."""

from datetime import datetime

from django.db.models import Q
from django.utils import timezone

from shared_apps.billing.limits import counted_by, month_begins
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


def tickets_this_month() -> int:
    """Paid tickets of orders that were placed in this month of UTC, and those that somebody is paying for now.

    By when they were placed, since that has an index: it reads no more than the limit lets come together.
    """
    paying = Q(order__status=Order.Status.PENDING, order__expires_at__gt=timezone.now())
    lines = OrderLine.objects.filter(paying | Q(order__paid_at__isnull=False), order__created_at__gte=month_begins())
    return lines.filter(kind=OrderLine.Kind.TICKET, charged=True, total_minor__gt=0).count()


meter("orders", orders)
meter("paid_tickets", paid_tickets)
meter("storage_bytes", stored)
counted_by("storage_bytes", stored_bytes)
counted_by("tickets_month", tickets_this_month)
