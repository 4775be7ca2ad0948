"""What is to be taken from the shelves: the goods of paid orders that are still to be packed."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.dateformat import format as format_date
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from shared_apps.core.clock import local
from shared_apps.core.documents import Column, Document
from shared_apps.core.resources import guarded
from tenant_apps.orders.invoices import address_lines
from tenant_apps.orders.models import Order, OrderLine
from tenants.models import Tenant

# More than a warehouse packs in one go; the oldest orders first.
MOST_LINES = 2000


@dataclass(frozen=True, slots=True)
class Shelf:
    """So many pieces of one variant, for these orders."""

    title: str
    sku: str
    quantity: int
    orders: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PickList:
    """The shelves to go to, and the boxes to fill."""

    shelves: tuple[Shelf, ...]
    boxes: tuple[tuple[Order, tuple[OrderLine, ...]], ...]

    @property
    def pieces(self) -> int:
        return sum(shelf.quantity for shelf in self.shelves)


def pick_list(lines: Any, *, codes: Sequence[str] = ()) -> PickList:
    """Make the list of those of these lines that are to be packed; with `codes` only of these orders."""
    waiting = lines.filter(
        fulfilment=OrderLine.Fulfilment.UNPACKED, status=OrderLine.Status.ACTIVE, order__status=Order.Status.PAID
    )
    if codes:
        waiting = waiting.filter(order__code__in=codes)
    rows = list(
        waiting.select_related("order", "variant").order_by("order__paid_at", "order_id", "position")[:MOST_LINES]
    )
    shelves: dict[Any, list[OrderLine]] = {}
    boxes: dict[Any, list[OrderLine]] = {}
    for line in rows:
        shelves.setdefault((line.title, line.variant_id), []).append(line)
        boxes.setdefault(line.order_id, []).append(line)
    return PickList(
        shelves=tuple(_shelf(shelves[key]) for key in sorted(shelves)),
        boxes=tuple((own[0].order, tuple(own)) for own in boxes.values()),
    )


def _shelf(lines: Sequence[OrderLine]) -> Shelf:
    sku = (lines[0].variant.sku if lines[0].variant else None) or ""
    return Shelf(lines[0].title, sku, sum(line.quantity for line in lines), tuple(line.order.code for line in lines))


def as_csv(picked: PickList) -> str:
    """A line for each kind of goods in each order."""
    sink = io.StringIO()
    writer = csv.writer(sink)
    writer.writerow(("order", "paid_at", "sku", "item", "quantity", "delivery_method", "name", "address", "comment"))
    for order, lines in picked.boxes:
        for line in lines:
            sku = line.variant.sku if line.variant else ""
            row = (
                order.code, order.paid_at.isoformat() if order.paid_at else "", sku, line.title,
                line.quantity, order.delivery.get("method", ""), order.delivery.get("name", order.name),
                ", ".join(address_lines(order.delivery)), order.delivery.get("comment", ""),
            )  # fmt: skip
            writer.writerow([guarded(str(each or "")) for each in row])
    return sink.getvalue()


def as_pdf(picked: PickList, tenant: Tenant, *, now: datetime | None = None) -> bytes:
    """A paper for the warehouse, with boxes to tick."""
    at = now or timezone.now()
    title = _("Pick list")
    paper = Document(title=title, colour=tenant.colour, made_at=at, language=get_language() or "en")
    paper.ink(19, paper.brand, bold=True)
    paper.cell(0, 10, paper.drawable(title), new_x="LMARGIN", new_y="NEXT")
    paper.block([f"{tenant.name}, {format_date(local(at, tenant.timezone), 'j E Y, H:i')}"])
    paper.ln(3)
    paper.rows(
        [
            Column("", 8, "CENTER"),
            Column(_("Item"), 84),
            Column(_("SKU"), 32),
            Column(_("Qty"), 16, "RIGHT"),
            Column(_("Orders"), 34),
        ],
        [["□", each.title, each.sku, str(each.quantity), ", ".join(each.orders)] for each in picked.shelves],
    )
    paper.ln(6)
    for order, lines in picked.boxes:
        # A box's head does not stand alone at the foot of a page.
        if paper.will_page_break(32):
            paper.add_page()
        paper.ink(11, bold=True)
        paper.cell(0, 7, paper.drawable(order.code), new_x="LMARGIN", new_y="NEXT")
        place = [order.delivery.get("name") or order.name or order.email, *address_lines(order.delivery)]
        paper.block([each for each in (order.delivery.get("method", ""), ", ".join(place)) if each], size=8.5)
        paper.block([f"□ {line.quantity} × {line.title}" for line in lines])
        if comment := order.delivery.get("comment"):
            paper.block([str(comment)], size=8.5)
        paper.ln(4)
    return paper.finished()
