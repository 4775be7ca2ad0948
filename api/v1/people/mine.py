"""Orders, tickets and events of one person over all tenants.

The public copy (`shared_apps.people.footprints`) says what a page holds; each tenant on that page is then entered
once, one after the other, and asked for its own rows. Nothing joins two tenants.
"""

from collections.abc import Callable, Collection, Iterable
from typing import Any

from api.v1.events.presentation import events_json
from api.v1.orders.presentation import orders_json
from api.v1.ticketing.presentation import ticket_json
from shared_apps.people.models import BoughtOrder, BoughtPlace
from tenant_apps.events.models import Event
from tenant_apps.orders.models import Order
from tenant_apps.ticketing.models import Ticket
from tenant_apps.ticketing.querysets import with_ticket_types
from tenants.context import in_tenant
from tenants.links import url
from tenants.models import Tenant

# Asks one tenant for the rows of these keys, as JSON by key.
Ask = Callable[[list[Any]], dict[Any, dict[str, Any]]]


def orders(rows: Collection[BoughtOrder]) -> list[dict[str, Any]]:
    return gathered(((row.tenant, row.order_id) for row in rows), _orders)


def tickets(rows: Collection[BoughtPlace]) -> list[dict[str, Any]]:
    return gathered(((row.tenant, row.ticket_id) for row in rows), _tickets)


def events(rows: Collection[dict[str, Any]]) -> list[dict[str, Any]]:
    known = Tenant.objects.in_bulk({row["tenant_id"] for row in rows})
    return gathered(((known[row["tenant_id"]], row["event_id"]) for row in rows), _events)


def gathered(keys: Iterable[tuple[Tenant, Any]], ask: Ask) -> list[dict[str, Any]]:
    """Return the rows in the order of their keys; one that is gone in the meantime is left out."""
    listed = list(keys)
    tenants = {tenant.pk: tenant for tenant, _key in listed}
    found: dict[int, dict[Any, dict[str, Any]]] = {}
    for pk, tenant in tenants.items():
        with in_tenant(tenant):
            found[pk] = ask([key for owner, key in listed if owner.pk == pk])
    shown = {pk: tenant_json(tenant) for pk, tenant in tenants.items()}
    return [{**found[tenant.pk][key], "tenant": shown[tenant.pk]} for tenant, key in listed if key in found[tenant.pk]]


def tenant_json(tenant: Tenant) -> dict[str, str]:
    host = url(tenant, "/").partition("://")[2].rstrip("/")
    return {"slug": tenant.slug, "name": tenant.name, "host": host}


def _orders(keys: list[Any]) -> dict[Any, dict[str, Any]]:
    rows = list(Order.objects.for_list().filter(pk__in=keys))
    return dict(zip([row.pk for row in rows], orders_json(rows, as_buyer=True), strict=True))


def _tickets(keys: list[Any]) -> dict[Any, dict[str, Any]]:
    # What was passed on is its new holder's, also before the copy has heard of it.
    rows = Ticket.objects.filter(pk__in=keys, secret="").select_related("event", "ticket_type", "order_line__order")
    return {row.pk: ticket_json(row, row.order_line.order.code) for row in rows if hasattr(row, "order_line")}


def _events(keys: list[Any]) -> dict[Any, dict[str, Any]]:
    rows = list(with_ticket_types(Event.objects.for_show()).filter(pk__in=keys))
    return dict(zip([row.pk for row in rows], events_json(rows), strict=True))
