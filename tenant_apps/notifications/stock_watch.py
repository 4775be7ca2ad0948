"""What is nearly sold out: told to staff when it comes to that, and again only after there was enough in between.

Only what is sold counts: a cart that holds the last places and lets them go again is no news.
"""

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from shared_apps.core.clock import day_bounds, local
from tenant_apps.activity.delivery import subscribe
from tenant_apps.activity.models import OutboxMessage
from tenant_apps.activity.services import record
from tenant_apps.catalog.models import Product, ProductVariant
from tenant_apps.events.models import Event
from tenant_apps.notifications.models import Noted
from tenant_apps.ticketing.models import Quota
from tenants import due
from tenants.context import current_tenant
from tenants.database import connection
from tenants.models import Tenant
from tenants.preferences import preference


def watch(now: datetime | None = None) -> int:
    """Record `stock.low` for what came to its level since it was last looked at, one record for an event or a product;
    returns how many. Two at once record it once: of each thing there is one note."""
    now = now or timezone.now()
    told = 0
    with transaction.atomic():
        quotas = _news("quota", set(_low_quotas(now).values_list("pk", flat=True)), now)
        variants = _news("variant", set(_low_variants().values_list("pk", flat=True)), now)
        by_event: dict[Any, list[Quota]] = defaultdict(list)
        for quota in Quota.objects.filter(pk__in=quotas).select_related("event").order_by("pk"):
            by_event[quota.event].append(quota)
        for event, rows in by_event.items():
            items = [{"name": f"{event.title}: {row.name}", "left": _left(row)} for row in rows]
            _record(event, items, event=event.pk)
            told += 1
        by_product: dict[Product, list[ProductVariant]] = defaultdict(list)
        for variant in ProductVariant.objects.filter(pk__in=variants).select_related("product").order_by("pk"):
            by_product[variant.product].append(variant)
        for product, few in by_product.items():
            items = [
                {"name": f"{product.name} ({row.name})" if row.name else product.name, "left": _left(row)}
                for row in few
            ]
            _record(product, items, product=product.pk)
            told += 1
    return told


def next_due(tenant: Tenant, now: datetime) -> datetime | None:
    """Return when to look without being asked: once a day, by the tenant's row alone; None where nobody is told."""
    if not (preference(tenant, "low_places_percent") or preference(tenant, "low_stock_level")):
        return None
    day = local(now, tenant.timezone).date() + timedelta(days=1)
    return day_bounds(day, tenant.timezone)[0]


@subscribe("order.paid")
def look_soon(message: OutboxMessage) -> None:
    """Something was sold: look at the next tick."""
    due.hint("notifications.watch_stock")


def _record(target: Event | Product, items: list[dict[str, Any]], **of: int) -> None:
    record("stock.low", target, details={"items": items}, payload={"items": items, **of})


def _left(row: Quota | ProductVariant) -> int:
    return max(0, (row.capacity or 0) - row.sold)


def _low_quotas(now: datetime) -> "QuerySet[Any]":
    """Quotas of events on sale of which no more places are unsold than the tenant's percentage says; 0: none are."""
    percent = preference(current_tenant(), "low_places_percent")
    if not percent:
        return Quota.objects.none()
    unsold = Quota.objects.filter(capacity__gt=0, event__in=Event.objects.on_sale(now))
    return unsold.annotate(hundredfold=(F("capacity") - F("sold")) * 100).filter(
        hundredfold__lte=F("capacity") * percent
    )


def _low_variants() -> "QuerySet[Any]":
    """Variants on sale with no more pieces unsold than their level says, or the tenant's for those without."""
    usual = preference(current_tenant(), "low_stock_level")
    low = Q(unsold__lte=F("low_stock_level"))
    if usual:
        low |= Q(low_stock_level__isnull=True, unsold__lte=usual)
    on_sale = ProductVariant.objects.filter(product__published=True, capacity__gt=0)
    return on_sale.annotate(unsold=F("capacity") - F("sold")).filter(low)


def _news(kind: str, low: Collection[int], now: datetime) -> list[int]:
    """Note what is low and forget what is not any more; return the ids that nobody had noted."""
    names = {f"{kind}:{pk}": pk for pk in low}
    noted = set(Noted.objects.filter(name__startswith=f"{kind}:").values_list("name", flat=True))
    if noted - names.keys():
        Noted.objects.filter(name__in=noted - names.keys()).delete()
    new = sorted(names.keys() - noted)
    if not new:
        return []
    with connection.cursor() as cursor:
        # Whoever comes second waits for the first, and finds the row there.
        cursor.execute(
            "INSERT INTO notifications_noted (name, at) SELECT unnest(%s), %s ON CONFLICT DO NOTHING RETURNING name",
            [new, now],
        )
        return [names[row[0]] for row in cursor.fetchall()]
