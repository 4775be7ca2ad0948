"""A tenant's data as files that come back in without a difference: CSV, XLSX and JSON, never in memory as a whole (B5).

A resource's file has the columns that its import declares. What somebody made by hand has no id of a maker's; it is
named by our own address for it, `foyer:gala-2031`, which the import knows.
"""

import csv
import json
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import openpyxl
from django.contrib.postgres.aggregates import StringAgg
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Count, F, Max, Min, OuterRef, Q, Subquery, Sum
from django.utils.translation import gettext_lazy as _
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

from shared_apps.core.errors import Forbidden, NotFound
from shared_apps.core.money import to_text
from shared_apps.core.resources import Exported, guarded
from tenant_apps.catalog.models import Product
from tenant_apps.catalog.resources import ProductResource
from tenant_apps.events.models import Event, EventTag, Venue
from tenant_apps.events.resources import VENUE_COLUMNS
from tenant_apps.orders.models import Order, OrderLine
from tenant_apps.promotions.models import Voucher
from tenant_apps.staff.permissions import permissions_of
from tenant_apps.ticketing.models import CheckIn, Quota, Ticket, TicketType
from tenant_apps.ticketing.resources import EventResource

FORMATS = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "json": "application/json",
}
CHUNK = 2_000
BLOCK = 256 * 1024


def export(resource: str, actor: Any) -> Exported:
    """Return the rows of a resource as the actor may see them. Raises NotFound, Forbidden."""
    if resource not in EXPORTS:
        raise NotFound
    permission, make = EXPORTS[resource]
    if permission and permission not in permissions_of(actor):
        raise Forbidden
    return make()


def body(found: Exported, kind: str) -> Iterator[bytes]:
    """Give the file piece by piece, in one of FORMATS."""
    return {"csv": _csv, "xlsx": _xlsx, "json": _json}[kind](found)


def allowed_exports(actor: Any) -> frozenset[str]:
    """Return which resources the actor may export, for the pages."""
    held = permissions_of(actor)
    if "export" not in held:
        return frozenset()
    return frozenset(name for name, (permission, _make) in EXPORTS.items() if not permission or permission in held)


# --- Formats --------------------------------------------------------------------------------------------------------


class _Lines(list[str]):
    """What `csv` writes to."""

    def write(self, line: str) -> None:
        self.append(line)


def _csv(found: Exported) -> Iterator[bytes]:
    lines = _Lines()
    writer = csv.writer(lines)
    writer.writerow(found.columns)
    for row in found.rows:
        writer.writerow([_cell(value) for value in row])
        if len(lines) >= 500:
            yield "".join(lines).encode()
            lines.clear()
    yield "".join(lines).encode()


def _json(found: Exported) -> Iterator[bytes]:
    first = True
    yield b"["
    for row in found.rows:
        values = {name: _plain(value) for name, value in zip(found.columns, row, strict=True)}
        yield (b"\n" if first else b",\n") + json.dumps(values, ensure_ascii=False).encode()
        first = False
    yield b"\n]\n"


def _xlsx(found: Exported) -> Iterator[bytes]:
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("Foyer")
    sheet.append(list(found.columns))
    for row in found.rows:
        sheet.append([ILLEGAL_CHARACTERS_RE.sub("", value) if isinstance(value, str) else value
                      for value in map(_cell, row)])  # fmt: skip
    with tempfile.TemporaryFile() as file:
        book.save(file)
        file.seek(0)
        while piece := file.read(BLOCK):
            yield piece


def _cell(value: Any) -> Any:
    """A value as a cell: texts are guarded, numbers are numbers, nothing is empty."""
    if isinstance(value, str):
        return guarded(value)
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return guarded(joined(value))
    if isinstance(value, Decimal):
        return f"{value:f}"
    return value


def _plain(value: Any) -> Any:
    return f"{value:f}" if isinstance(value, Decimal) else value


def joined(values: Sequence[str]) -> str:
    """Return several texts as one cell that the import parts again; a bar at the end saves a comma inside."""
    text = "|".join(values)
    return f"{text}|" if "," in text and "|" not in text else text


# --- Resources ------------------------------------------------------------------------------------------------------


def _local(moment: Any, zone: str) -> str | None:
    return None if moment is None else moment.astimezone(ZoneInfo(zone)).isoformat()


def own_id(external_id: str | None, slug: str) -> str:
    """Return what a row is known by in files."""
    return external_id or f"foyer:{slug}"


def _events() -> Exported:
    columns = tuple(EventResource.fields)
    tags = EventTag.objects.filter(event_id=OuterRef("pk")).order_by("tag__name").values_list("tag__name")
    quotas = Quota.objects.filter(ticket_types=OuterRef("ticket_types__pk")).order_by().values("ticket_types__pk")
    # The set-up of a series is copied to its dates; it is nothing that people attend.
    events = Event.objects.filter(template_of=None).order_by("pk", "ticket_types__position", "ticket_types__pk")
    rows = events.values_list(
        "external_id", "slug", "title", "summary", "description", "category__name", ArraySubquery(tags), "level",
        "starts_at", "ends_at", "timezone", "venue__name", "venue__address", "venue__city", "venue__latitude",
        "venue__longitude", "status", "ticket_types__name", "ticket_types__price_minor", "currency",
        Subquery(quotas.annotate(n=Count("pk")).values("n")), Subquery(quotas.annotate(c=Min("capacity")).values("c")),
    )  # fmt: skip

    def give() -> Iterator[Sequence[Any]]:
        for (key, slug, title, summary, description, category, tag_names, level, starts, ends, zone, venue, address,
             city, latitude, longitude, status, kind, price, currency, count,
             capacity) in rows.iterator(CHUNK):  # fmt: skip
            yield (
                own_id(key, slug), title, summary, description, category or "", tag_names, level,
                _local(starts, zone), _local(ends, zone), zone, venue or "", address or "", city or "", latitude,
                longitude, status, kind or "", None if price is None else to_text(price, currency), currency,
                capacity if count == 1 else None,
            )  # fmt: skip

    return Exported(columns, give())


def _ticket_types() -> Exported:
    columns = (
        "id", "event", "event_title", "name", "description", "price", "currency", "tax_rate", "sale_starts_at",
        "sale_ends_at", "min_per_order", "max_per_order", "hidden", "capacity", "held", "sold",
    )  # fmt: skip
    rows = (
        TicketType.objects.order_by("event_id", "position", "pk")
        .annotate(least=Min("quotas__capacity"), most_held=Max("quotas__held"), most_sold=Max("quotas__sold"))
        .values_list(
            "pk", "event__slug", "event__title", "name", "description", "price_minor", "event__currency", "tax_rate",
            "sale_starts_at", "sale_ends_at", "min_per_order", "max_per_order", "hidden", "least", "most_held",
            "most_sold", "event__timezone",
        )
    )  # fmt: skip

    def give() -> Iterator[Sequence[Any]]:
        for row in rows.iterator(CHUNK):
            zone = row[-1]
            yield (*row[:5], to_text(row[5], row[6]), row[6], row[7], _local(row[8], zone), _local(row[9], zone),
                   *row[10:-1])  # fmt: skip

    return Exported(columns, give())


def _venues() -> Exported:
    rows = Venue.objects.order_by("pk").values_list(*VENUE_COLUMNS)
    return Exported(VENUE_COLUMNS, rows.iterator(CHUNK))


def _products() -> Exported:
    names = sorted(
        {name for row in Product.objects.values_list("parameters", flat=True).iterator(CHUNK) for name in row}
    )
    columns = (*ProductResource.fields, *(f"param.{name}" for name in names))
    rows = Product.objects.order_by("pk", "variants__position", "variants__pk").values_list(
        "external_id", "slug", "name", "description", "category__name", "category__external_id", "supplier", "model",
        "price_minor", "recommended_price_minor", "currency", "variants__capacity", "variants__sku",
        "variants__name", "weight_grams", "variants__price_minor", "parameters",
    )  # fmt: skip

    def give() -> Iterator[Sequence[Any]]:
        for row in rows.iterator(CHUNK):
            currency, parameters = row[10], row[16]
            price = row[8] if row[15] is None else row[15]
            recommended = None if row[9] is None else to_text(row[9], currency)
            yield (
                own_id(row[0], row[1]), *row[2:4], row[4] or "", row[5] or "", *row[6:8], to_text(price, currency),
                recommended, currency, row[11], row[12] or "", row[13] or "", row[14],
                *(_parameter(parameters.get(name)) for name in names),
            )  # fmt: skip

    return Exported(columns, give())


def _parameter(value: Any) -> Any:
    return value if isinstance(value, bool | int | float) else value or ""


def _orders() -> Exported:
    columns = (
        "code", "status", "email", "name", "channel", "created_at", "paid_at", "currency", "subtotal", "discount",
        "fees", "tax", "delivery", "total", "refunded", "tickets", "events",
    )  # fmt: skip
    amounts = ("subtotal", "discount", "fees", "tax", "delivery", "total", "refunded")
    rows = (
        Order.objects.order_by("pk")
        .annotate(
            places=Count("lines", filter=Q(lines__kind="ticket", lines__status="active")),
            titles=StringAgg("lines__event__title", "|", distinct=True, order_by="lines__event__title", default=""),
        )
        .values_list(
            "code", "status", "email", "name", "channel", "created_at", "paid_at", "currency",
            *(f"{name}_minor" for name in amounts), "places", "titles",
        )
    )  # fmt: skip

    def give() -> Iterator[Sequence[Any]]:
        for row in rows.iterator(CHUNK):
            currency = row[7]
            yield (*row[:5], row[5].isoformat(), row[6].isoformat() if row[6] else None, currency,
                   *(to_text(amount, currency) for amount in row[8:15]), *row[15:])  # fmt: skip

    return Exported(columns, give())


def _tickets() -> Exported:
    columns = (
        "id", "short_code", "status", "event", "event_title", "starts_at", "ticket_type", "price", "currency", "seat",
        "order", "holder_name", "holder_email", "created_at",
    )  # fmt: skip
    rows = Ticket.objects.order_by("pk").values_list(
        "pk", "short_code", "status", "event__slug", "event__title", "event__starts_at", "ticket_type__name",
        "price_minor", "currency", "seat", "order_line__order__code", "holder_name", "holder_email", "created_at",
        "event__timezone",
    )  # fmt: skip

    def give() -> Iterator[Sequence[Any]]:
        for row in rows.iterator(CHUNK):
            yield (str(row[0]), *row[1:5], _local(row[5], row[14]), row[6], to_text(row[7], row[8]), row[8], row[9],
                   row[10] or "", row[11], row[12], row[13].isoformat())  # fmt: skip

    return Exported(columns, give())


def _customers() -> Exported:
    """Who bought here, an address a row; there is no table of customers, orders tell."""
    columns = ("email", "name", "orders", "currency", "spent", "first_order_at", "last_order_at")
    rows = (
        Order.objects.filter(status=Order.Status.PAID)
        .values("email", "currency")
        .annotate(
            called=Max("name"), count=Count("pk"), spent=Sum(F("total_minor") - F("refunded_minor")),
            first=Min("created_at"), last=Max("created_at"),
        )
        .order_by("email", "currency")
        .values_list("email", "called", "count", "currency", "spent", "first", "last")
    )  # fmt: skip

    def give() -> Iterator[Sequence[Any]]:
        for email, name, count, currency, spent, first, last in rows.iterator(CHUNK):
            yield email, name, count, currency, to_text(spent, currency), first.isoformat(), last.isoformat()

    return Exported(columns, give())


def _check_ins() -> Exported:
    columns = ("scan_id", "event", "list", "ticket", "result", "reason", "direction", "scanned_at", "undone_at")
    rows = CheckIn.objects.order_by("received_at", "pk").values_list(
        "scan_id", "check_in_list__event__slug", "check_in_list__name", "ticket__short_code", "result", "reason",
        "direction", "scanned_at", "undone_at",
    )  # fmt: skip

    def give() -> Iterator[Sequence[Any]]:
        for row in rows.iterator(CHUNK):
            yield (*row[:3], row[3] or "", *row[4:7], row[7].isoformat(), row[8].isoformat() if row[8] else None)

    return Exported(columns, give())


def _vouchers() -> Exported:
    columns = (
        "code", "kind", "percent", "amount", "currency", "max_uses", "used", "max_per_buyer", "most_items",
        "valid_from", "valid_until", "active", "tag",
    )  # fmt: skip

    def give() -> Iterator[Sequence[Any]]:
        for one in Voucher.objects.order_by("pk").iterator(CHUNK):
            yield (
                one.code, one.kind, str(one.percent), to_text(one.amount_minor, one.currency), one.currency,
                one.max_uses, one.used, one.max_per_buyer, one.most_items,
                one.valid_from.isoformat() if one.valid_from else None,
                one.valid_until.isoformat() if one.valid_until else None, one.active, one.tag,
            )  # fmt: skip

    return Exported(columns, give())


ATTENDEE_COLUMNS = (
    "external_id", "event", "ticket_type", "email", "name", "attendee_name", "attendee_email", "price", "currency",
    "ordered_at", "order", "status", "seat",
)  # fmt: skip


def _attendees() -> Exported:
    """A row for each admission of a paid order."""
    rows = (
        OrderLine.objects.filter(kind="ticket", status="active", order__status="paid")
        .order_by("order_id", "position")
        .values_list(
            "event__external_id", "event__slug", "ticket_type__name", "order__email", "order__name", "attendee_name",
            "attendee_email", "total_minor", "order__currency", "order__created_at", "order__code", "ticket__status",
            "ticket__seat", "ticket__short_code",
        )
    )  # fmt: skip

    def give() -> Iterator[Sequence[Any]]:
        for row in rows.iterator(CHUNK):
            yield (row[13] or "", own_id(row[0], row[1]), *row[2:7], to_text(row[7], row[8]), row[8],
                   row[9].isoformat(),
                   row[10], row[11] or "", row[12] or "")  # fmt: skip

    return Exported(ATTENDEE_COLUMNS, give())


# By name: the right that whoever exports needs beside `export`, and what gives the rows.
EXPORTS: dict[str, tuple[str, Callable[[], Exported]]] = {
    "events": ("", _events),
    "ticket_types": ("", _ticket_types),
    "venues": ("", _venues),
    "products": ("change_catalog", _products),
    "orders": ("view_orders", _orders),
    "tickets": ("view_orders", _tickets),
    "attendees": ("view_orders", _attendees),
    "customers": ("view_orders", _customers),
    "check_ins": ("view_orders", _check_ins),
    "vouchers": ("change_promotions", _vouchers),
}
LABELS = {
    "events": _("Events"), "ticket_types": _("Ticket types"), "venues": _("Venues"), "products": _("Products"),
    "orders": _("Orders"), "tickets": _("Tickets"), "attendees": _("Attendees"), "customers": _("Customers"),
    "check_ins": _("Check-ins"), "vouchers": _("Vouchers"),
}  # fmt: skip


def rows_of(found: Exported) -> Iterable[Sequence[Any]]:
    return found.rows
