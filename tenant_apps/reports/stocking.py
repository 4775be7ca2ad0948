"""Goods: what is in stock and what of it went, and how far what was sold is on its way.

Stock is as it is now; what went in the days is in the narrow rows. Goods belong to no event, so both reports are for
the right in the whole tenant.
"""

from collections import defaultdict
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from shared_apps.core.clock import day_bounds
from tenant_apps.orders.models import OrderLine
from tenant_apps.reports import building, reading
from tenant_apps.reports.registry import (
    COUNT,
    DAY,
    MONEY,
    TEXT,
    Column,
    Report,
    ReportQuery,
    ReportResult,
    Row,
    add_up,
    register,
)  # fmt: skip
from tenants.context import current_tenant
from tenants.database import connection

_STOCK = """
    SELECT v.id, p.name, v.name, coalesce(v.sku, ''), coalesce(c.name, ''), p.currency, v.capacity,
           greatest(v.capacity - v.held - v.sold, 0), v.held,
           coalesce(v.capacity - v.held - v.sold <= v.low_stock_level, false)::int
    FROM catalog_variant v JOIN catalog_product p ON p.id = v.product_id
    LEFT JOIN catalog_category c ON c.id = p.category_id
    ORDER BY lower(p.name), p.id, v.position, v.id
"""
_WENT = """
    SELECT item_id, currency, sum(quantity)::bigint, sum(cancelled)::bigint, sum(gross_minor)::bigint
    FROM reports_day WHERE kind = 'product' AND day BETWEEN %(since)s AND %(until)s GROUP BY 1, 2
"""


def _stock(query: ReportQuery) -> ReportResult:
    """A row for each variant or category; one more for each other currency that it was sold in, which has no stock."""
    complete = building.take_along()
    with connection.cursor() as cursor:
        cursor.execute(_STOCK)
        variants = cursor.fetchall()
        cursor.execute(_WENT, {"since": query.from_, "until": query.to})
        went: dict[int, list[tuple[Any, ...]]] = defaultdict(list)
        for variant, *sums in cursor.fetchall():
            went[variant].append(tuple(sums))
    names = [name for name in ("product", "variant", "sku", "category") if name in _told_by(query)]
    rows: dict[tuple[Any, ...], Row] = {}

    def row_of(pk: int, told: Row, currency: str) -> Row:
        key = (None if names == ["category"] or not names else pk, *(told[name] for name in names), currency)
        figures = dict.fromkeys(("capacity", "free", "held", "low", "quantity", "cancelled", "gross"), 0)
        return rows.setdefault(key, {name: told[name] for name in names} | {"currency": currency, **figures})

    for pk, product, variant, sku, category, own, capacity, free, held, low in variants:
        told = {"product": product, "variant": variant, "sku": sku, "category": category}
        here = row_of(pk, told, own)
        # Without a limit there is no number of pieces; it adds nothing to that of its category.
        here["capacity"] += capacity or 0
        here["free"] += free or 0
        here["held"] += held
        here["low"] += low
        for currency, quantity, cancelled, gross in went[pk]:
            row = row_of(pk, told, currency)
            row["quantity"] += quantity
            row["cancelled"] += cancelled
            row["gross"] += gross
    figures = [
        Column("capacity", _("Pieces there were"), COUNT),
        Column("free", _("Free now"), COUNT),
        Column("held", _("Held now"), COUNT),
        Column("low", _("Running low"), COUNT),
        Column("quantity", _("Sold in these days"), COUNT),
        Column("cancelled", _("Of these cancelled"), COUNT),
        Column("gross", _("Came in"), MONEY),
    ]
    labels = {"product": _("Product"), "variant": _("Variant"), "sku": _("SKU"), "category": _("Category")}
    columns = [*[Column(name, labels[name], TEXT, dimension=True) for name in names], *figures]
    made = list(rows.values())
    return ReportResult(
        columns, made, add_up(made, figures), current_tenant().currency, query.from_, query.to,
        complete=complete,
        notes=[_("Stock is as it is at this moment; what was sold is of the days that were asked for.")],
    )  # fmt: skip


def _told_by(query: ReportQuery) -> tuple[str, ...]:
    if query.group_by == ("total",):
        return ()
    return ("category",) if query.group_by == ("category",) else ("product", "variant", "sku", "category")


# Their parts in the statement, from this closed list.
_GROUPS = {
    "fulfilment": "l.fulfilment",
    "method": "coalesce(o.delivery ->> 'method', '')",
    "product": "l.variant_id",
    "day": "(o.paid_at AT TIME ZONE %(zone)s)::date",
    "week": "date_trunc('week', o.paid_at AT TIME ZONE %(zone)s)::date",
    "month": "date_trunc('month', o.paid_at AT TIME ZONE %(zone)s)::date",
}


def _fulfilment(query: ReportQuery) -> ReportResult:
    zone = current_tenant().timezone
    names = [name for name in query.group_by if name in _GROUPS]
    selected = [f"{_GROUPS[name]} AS by_{name}" for name in names]
    statement = (
        f"SELECT {', '.join([*selected, 'o.currency'])}, count(DISTINCT o.id), sum(l.quantity)::bigint,"  # noqa: S608  (from the closed list above)
        " sum(l.total_minor)::bigint FROM orders_orderline l JOIN orders_order o ON o.id = l.order_id"
        " WHERE l.variant_id IS NOT NULL AND l.status = 'active' AND o.status = 'paid'"
        " AND o.paid_at >= %(start)s AND o.paid_at < %(end)s"
        f" GROUP BY {', '.join(str(place) for place in range(1, len(names) + 2))}"
    )
    with connection.cursor() as cursor:
        cursor.execute(
            statement,
            {"zone": zone, "start": day_bounds(query.from_, zone)[0], "end": day_bounds(query.to, zone)[1]},
        )
        found = [dict(zip([*names, "currency", "orders", "quantity", "gross"], row, strict=True)) for row in cursor]
    if "product" in names:
        goods = reading.goods_names({row["product"] for row in found})
        for row in found:
            row["product"] = goods.get(row["product"], "")
    made = {
        "fulfilment": Column(
            "fulfilment", _("Stage"), TEXT, dimension=True,
            words={str(each): each.label for each in OrderLine.Fulfilment},
        ),
        "method": Column("method", _("Delivery"), TEXT, dimension=True),
        "product": Column("product", _("Goods"), TEXT, dimension=True),
        "day": Column("day", _("Day"), DAY, dimension=True),
        "week": Column("week", _("Week from"), DAY, dimension=True),
        "month": Column("month", _("Month"), DAY, dimension=True),
    }  # fmt: skip
    figures = [
        Column("orders", _("Orders"), COUNT),
        Column("quantity", _("Pieces"), COUNT),
        Column("gross", _("Worth"), MONEY),
    ]
    columns = [*[made[name] for name in names], *figures]
    stages = {str(stage): place for place, stage in enumerate(OrderLine.Fulfilment)}
    rows = reading.in_order(found, columns)
    if names[:1] == ["fulfilment"]:
        rows.sort(key=lambda row: stages.get(row["fulfilment"], len(stages)))
    return ReportResult(
        columns, rows, add_up(rows, figures), current_tenant().currency, query.from_, query.to,
        notes=[_("Goods of orders that were paid in these days, and how far they are now.")],
    )  # fmt: skip


STOCK = register(
    Report(
        slug="stock",
        label=gettext_lazy("Stock"),
        about=gettext_lazy("What goods there are now, and what of them was sold in the days."),
        dimensions={"product": gettext_lazy("Goods"), "category": gettext_lazy("Category")},
        run=_stock,
        usual=("product",),
    )
)
FULFILMENT = register(
    Report(
        slug="fulfilment",
        label=gettext_lazy("Fulfilment"),
        about=gettext_lazy("How far goods that were sold are on their way."),
        dimensions={
            "fulfilment": gettext_lazy("Stage"),
            "method": gettext_lazy("Delivery"),
            "product": gettext_lazy("Goods"),
            "day": gettext_lazy("Day"),
            "week": gettext_lazy("Week"),
            "month": gettext_lazy("Month"),
        },
        run=_fulfilment,
        usual=("fulfilment", "method"),
    )
)
