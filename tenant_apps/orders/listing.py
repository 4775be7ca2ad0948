"""The staff's list of orders: every filter is in the address, a file holds what the page shows."""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from shared_apps.core.clock import day_bounds
from shared_apps.core.money import to_text
from shared_apps.core.resources import guarded
from tenant_apps.orders.invoices import address_lines
from tenant_apps.orders.models import Order, OrderLine, Parcel
from tenants.context import current_tenant

CHANNELS = {"web": _("Web"), "box_office": _("Box office"), "import": _("From a file")}
PROVIDERS = {
    "manual": _("By hand"),
    "bank_transfer": _("Bank transfer"),
    "cash": _("Cash"),
    "stripe": "Stripe",
    "paypal": "PayPal",
    "freedompay": "FreedomPay",
    "test": _("Test payment"),
}
NAMES = ("status", "event", "product", "fulfilment", "from", "to", "channel", "provider", "search")
COLUMNS = (
    "code", "status", "created_at", "paid_at", "name", "email", "channel", "currency", "subtotal", "discount", "fees",
    "tax", "delivery_total", "total", "refunded", "delivery_method", "delivery_address", "lines", "fulfilment",
    "carrier", "tracking_number",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Filters:
    """What of the orders is wanted. What was no choice, no date and no name was left out when it was read."""

    status: str = ""
    event: str = ""
    product: str = ""
    fulfilment: str = ""
    since: date | None = None
    until: date | None = None
    channel: str = ""
    provider: str = ""
    search: str = ""

    @property
    def as_query(self) -> dict[str, str]:
        """The same as it stands in the address."""
        return {
            "status": self.status,
            "event": self.event,
            "product": self.product,
            "fulfilment": self.fulfilment,
            "from": self.since.isoformat() if self.since else "",
            "to": self.until.isoformat() if self.until else "",
            "channel": self.channel,
            "provider": self.provider,
            "search": self.search,
        }


def read(query: Mapping[str, str]) -> Filters:
    """Read the filters of an address. What does not fit is left out: a page is shown whatever somebody typed."""

    def one_of(name: str, choices: Any) -> str:
        value = query.get(name, "")
        return value if value in choices else ""

    return Filters(
        status=one_of("status", Order.Status.values),
        event=_text(query, "event"),
        product=_text(query, "product"),
        fulfilment=one_of("fulfilment", OrderLine.Fulfilment.values),
        since=_day(query.get("from", "")),
        until=_day(query.get("to", "")),
        channel=one_of("channel", CHANNELS),
        provider=one_of("provider", PROVIDERS),
        search=_text(query, "search"),
    )


def _text(query: Mapping[str, str], name: str) -> str:
    text = query.get(name, "").strip()[:100]
    return text if text.isprintable() else ""


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if 2000 <= day.year <= 2100 else None


def filtered(orders: Any, filters: Filters, *, lines: Any = None) -> Any:
    """Return the orders that fit. `lines` are those that the reader may see: nothing is found by others (I2).

    Days begin and end where the tenant is. Goods are to be packed once they are paid for.
    """
    seen = OrderLine.objects.all() if lines is None else lines
    own = seen.filter(order=OuterRef("pk"))
    if filters.status:
        orders = orders.filter(status=filters.status)
    if filters.search:
        found = Q(code__iexact=filters.search) | Q(email__icontains=filters.search) | Q(name__icontains=filters.search)
        orders = orders.filter(found)
    if filters.event:
        orders = orders.filter(Exists(own.filter(event__slug=filters.event)))
    if filters.product:
        orders = orders.filter(Exists(own.filter(variant__product__slug=filters.product)))
    if filters.fulfilment:
        active = own.filter(fulfilment=filters.fulfilment, status=OrderLine.Status.ACTIVE)
        orders = orders.filter(Exists(active), status=Order.Status.PAID)
    zone = current_tenant().timezone
    if filters.since:
        orders = orders.filter(created_at__gte=_start(filters.since, zone))
    if filters.until:
        orders = orders.filter(created_at__lt=day_bounds(filters.until, zone)[1])
    if filters.channel:
        orders = orders.filter(channel=filters.channel)
    if filters.provider:
        # Payments stand above orders, so only their name is known here.
        tried = Order.objects.filter(pk=OuterRef("pk"), payments__provider=filters.provider)
        orders = orders.filter(Exists(tried))
    return orders


def _start(day: date, zone: str) -> datetime:
    return day_bounds(day, zone)[0]


def csv_lines(orders: Any, lines: Any) -> Iterator[str]:
    """Give the orders line by line, a thousand read at a time (B5). `lines` are those that the reader may see."""
    writer = csv.writer(_Echo())
    yield writer.writerow(COLUMNS)
    page: list[Order] = []
    for order in orders.iterator(chunk_size=1000):
        page.append(order)
        if len(page) == 1000:
            yield from _rows(writer, page, lines)
            page = []
    yield from _rows(writer, page, lines)


def _rows(writer: Any, orders: list[Order], lines: Any) -> Iterator[str]:
    ids = [order.pk for order in orders]
    of_order: dict[Any, list[OrderLine]] = {}
    for line in lines.filter(order__in=ids).order_by("position"):
        of_order.setdefault(line.order_id, []).append(line)
    parcels: dict[Any, list[Any]] = {}
    for parcel in Parcel.objects.filter(order__in=ids):
        parcels.setdefault(parcel.order_id, []).append(parcel)
    for order in orders:
        own = of_order.get(order.pk, [])
        # Who sees none of the goods has no use for where they go.
        goods = any(line.variant_id for line in own)
        delivery, sent = (order.delivery, parcels.get(order.pk, [])) if goods else ({}, [])
        currency = order.currency
        money = (
            to_text(getattr(order, f"{name}_minor"), currency)
            for name in ("subtotal", "discount", "fees", "tax", "delivery", "total", "refunded")
        )
        row = (
            order.code, order.status, order.created_at.isoformat(), order.paid_at.isoformat() if order.paid_at else "",
            order.name, order.email, order.channel, currency, *money, delivery.get("method", ""),
            ", ".join([delivery.get("name", ""), *address_lines(delivery)]).strip(", "),
            "; ".join(f"{line.quantity} × {line.title}" for line in own if line.status == OrderLine.Status.ACTIVE),
            ", ".join(sorted({str(line.fulfilment) for line in own if line.fulfilment})),
            ", ".join(parcel.carrier for parcel in sent if parcel.carrier),
            ", ".join(parcel.tracking_number for parcel in sent if parcel.tracking_number),
        )  # fmt: skip
        yield writer.writerow([guarded(str(each)) for each in row])


class _Echo:
    """What `csv` writes to: gives each line back."""

    def write(self, line: str) -> str:
        return line
