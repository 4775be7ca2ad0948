"""What mails about orders and events have in common: who reads them, and what stands in them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.utils import translation
from django.utils.formats import date_format

from shared_apps.core.clock import local
from shared_apps.core.templatetags.money import written
from tenant_apps.activity.models import OutboxMessage
from tenant_apps.events.models import Event
from tenant_apps.notifications.topics import Recipient
from tenant_apps.notifications.wording import known_language
from tenant_apps.orders.models import Order
from tenants import links
from tenants.context import current_tenant
from tenants.models import Tenant


def order_of(message: OutboxMessage) -> Order:
    """Return the order that a message is about."""
    return Order.objects.get(pk=message.aggregate.partition(":")[2])


def buyer_of(order: Order) -> Recipient:
    """Return the order's buyer, who reads the language that they ordered in."""
    return Recipient(
        user_id=order.user_id,
        email=order.email,
        phone=str(order.delivery.get("phone") or ""),
        name=order.name,
        language=order.language,
    )


@contextmanager
def in_language_of(recipient: Recipient) -> Iterator[None]:
    """The reader's language, or the tenant's."""
    with translation.override(known_language(recipient.language, current_tenant().language)):
        yield


def order_path(order: Order) -> str:
    """Return the path of the order's own page."""
    return f"/orders/{order.code}/{order.secret}/"


def about_order(order: Order, tenant: Tenant) -> dict[str, Any]:
    """Return what a mail about an order shows, in the language that is active."""
    lines = list(order.lines.select_related("event__venue", "ticket_type"))
    page = order_path(order)
    return {
        "order": order,
        "lines": [{"line": line, "price": written(line.total_minor, order.currency)} for line in lines],
        "events": list({line.event_id: line.event for line in lines if line.event}.values()),
        "is_free": order.total_minor == 0,
        "total": written(order.total_minor, order.currency),
        "order_url": links.url(tenant, page),
        "invoice_url": links.url(tenant, f"{page}invoice.pdf") if order.invoices.exists() else "",
        "home_url": links.url(tenant, "/"),
    }


def order_values(order: Order, tenant: Tenant) -> dict[str, str]:
    """Return what the words about an order may name, in the language that is active."""
    titles = list(dict.fromkeys(order.lines.exclude(event=None).values_list("event__title", flat=True)))
    return {
        "code": order.code,
        "total": written(order.total_minor, order.currency),
        "event": titles[0] if len(titles) == 1 else tenant.name,
        "until": day_and_time(order.expires_at, tenant.timezone) if order.expires_at else "",
    }


def event_values(event: Event) -> dict[str, str]:
    """Return what the words about an event may name, in the language that is active and the event's zone (B3)."""
    place = event.venue
    return {
        "event": event.title,
        "starts": f"{day_and_time(event.starts_at, event.timezone)} ({event.timezone})",
        "venue": ", ".join(filter(None, (place.name, place.address, place.city))) if place else "",
    }


def day_and_time(at: Any, zone: str) -> str:
    """Return a moment as people of that zone write it, in the language that is active."""
    return date_format(local(at, zone), "l, j E Y, H:i")
