"""Asking the narrow rows: sums by some dimensions, each with the names that people know."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _

from tenant_apps.catalog.models import ProductVariant
from tenant_apps.events.models import Event
from tenant_apps.orders.listing import CHANNELS
from tenant_apps.reports.models import DayFigure
from tenant_apps.reports.registry import DAY, RATE, TEXT, Column, ReportQuery, Row
from tenant_apps.ticketing.models import TicketType
from tenants.context import current_tenant
from tenants.database import connection

Kind = DayFigure.Kind
# What money was for; the others tell of the same lines once more.
MONEY_KINDS = (Kind.TICKET, Kind.PRODUCT, Kind.FEE, Kind.DELIVERY, Kind.OTHER)
PRICE_KINDS = (Kind.DISCOUNT, Kind.VOUCHER, Kind.COMPLIMENTARY)

# What a dimension is in the table, below the name of the day's column.
_EXPRESSIONS: Mapping[str, tuple[str, ...]] = {
    "day": ("{day}",),
    "week": ("date_trunc('week', {day})::date",),
    "month": ("date_trunc('month', {day})::date",),
    "event": ("event_id",),
    "ticket_type": ("kind", "event_id", "item_id"),
    "kind": ("kind",),
    "channel": ("channel",),
    "tax_rate": ("tax_rate",),
    "promotion": ("kind", "name"),
}
TIMES = ("day", "week", "month")


def sums(query: ReportQuery, measures: Mapping[str, str], kinds: Sequence[str]) -> list[Row]:
    """Return the sums (name: SQL expression) of the days by what the query groups by and by currency; one statement.

    Rows hold the raw columns of their dimensions; groups that come to nothing are left out.
    """
    day = "event_day" if query.event is not None else "day"
    columns = list(dict.fromkeys(column for name in query.group_by for column in _EXPRESSIONS.get(name, ())))
    named = [column.format(day=day) for column in columns]
    names = [_raw(column) for column in columns]
    where = [f"{day} BETWEEN %(since)s AND %(until)s", "kind = ANY (%(kinds)s)"]
    if query.counted is not None:
        where.append("event_id = ANY (%(events)s)")
    totals = [f"coalesce({expression}, 0)::bigint AS {name}" for name, expression in measures.items()]
    something = " OR ".join(f"{expression} <> 0" for expression in measures.values())
    selected = [f"{expression} AS {name}" for expression, name in zip(named, names, strict=True)]
    groups = ", ".join(str(place) for place in range(1, len(named) + 2))
    statement = (
        f"SELECT {', '.join([*selected, 'currency', *totals])} FROM reports_day WHERE {' AND '.join(where)}"  # noqa: S608  (from the closed lists above)
        f" GROUP BY {groups} HAVING {something}"
    )
    events = sorted(query.counted) if query.counted is not None else None
    with connection.cursor() as cursor:
        cursor.execute(
            statement,
            {"since": query.from_, "until": query.to, "kinds": [str(kind) for kind in kinds], "events": events},
        )
        return [dict(zip([*names, "currency", *measures], row, strict=True)) for row in cursor.fetchall()]


def _raw(column: str) -> str:
    return "time" if "{day}" in column else column


def dimensions(query: ReportQuery) -> list[Column]:
    """The columns that say what a row is of."""
    made: dict[str, Callable[[], list[Column]]] = {
        "day": lambda: [Column("day", _("Day"), DAY, dimension=True)],
        "week": lambda: [Column("week", _("Week from"), DAY, dimension=True)],
        "month": lambda: [Column("month", _("Month"), DAY, dimension=True)],
        "event": lambda: [Column("event", _("Event"), TEXT, dimension=True)],
        "ticket_type": lambda: [
            _kind(),
            *([] if "event" in query.group_by else [Column("event", _("Event"), TEXT, dimension=True)]),
            Column("ticket_type", _("Ticket type or goods"), TEXT, dimension=True),
        ],
        "kind": lambda: [_kind()],
        "channel": lambda: [Column("channel", _("Channel"), TEXT, dimension=True, words=CHANNELS)],
        "tax_rate": lambda: [Column("tax_rate", _("Tax rate"), RATE, dimension=True)],
        "promotion": lambda: [
            _kind(),
            Column("name", _("Discount or code"), TEXT, dimension=True),
        ],
    }
    found = [column for name in query.group_by if name in made for column in made[name]()]
    return list({column.name: column for column in found}.values())


def _kind() -> Column:
    return Column("kind", _("Kind"), TEXT, dimension=True, words={str(each): each.label for each in Kind})


def name_rows(rows: list[Row], query: ReportQuery) -> list[Row]:
    """Put names beside the raw ids: at most a statement for events, one for ticket types and one for goods.

    `kind` and `channel` stay the stable words that they are; their columns have labels for them.
    """
    events = event_names({row.get("event_id") for row in rows})
    items = [row for row in rows if "item_id" in row]
    types = _names(TicketType.objects, {row["item_id"] for row in items if row["kind"] == Kind.TICKET})
    goods = goods_names({row["item_id"] for row in items if row["kind"] == Kind.PRODUCT})
    for row in rows:
        if "time" in row:
            row[next(name for name in TIMES if name in query.group_by)] = row.pop("time")
        if "event_id" in row:
            row["event"], row["event_slug"] = events.get(row.pop("event_id"), ("", ""))
        if "item_id" in row:
            row["ticket_type"] = (types if row["kind"] == Kind.TICKET else goods).get(row.pop("item_id"), "")
    return rows


def zone_of(query: ReportQuery) -> str:
    """The zone that days are of: that of the one event that is asked for, else the tenant's (B3)."""
    own = Event.objects.filter(pk=query.event).values_list("timezone", flat=True).first() if query.event else None
    return own or current_tenant().timezone


def event_names(ids: Iterable[int | None]) -> dict[int, tuple[str, str]]:
    """Title and slug of each event; one statement, none for no events."""
    wanted = {pk for pk in ids if pk}
    found = Event.objects.filter(pk__in=wanted).values_list("pk", "title", "slug") if wanted else ()
    return {pk: (title, slug) for pk, title, slug in found}


def goods_names(ids: Iterable[int]) -> dict[int, str]:
    """What each variant of goods is called, with its product; one statement, none for no goods."""
    wanted = set(ids)
    found = ProductVariant.objects.filter(pk__in=wanted).select_related("product") if wanted else ()
    return {variant.pk: " ".join(filter(None, (variant.product.name, variant.name))) for variant in found}


def _names(manager: Any, ids: Iterable[int]) -> dict[int, str]:
    wanted = set(ids)
    return dict(manager.filter(pk__in=wanted).values_list("pk", "name")) if wanted else {}


def in_order(rows: list[Row], columns: Sequence[Column]) -> list[Row]:
    """Sort by the dimensions as they stand in the columns, then by currency."""
    names = [column.name for column in columns if column.dimension]
    return sorted(rows, key=lambda row: (*(_rank(row[name]) for name in names), row["currency"]))


def _rank(value: Any) -> tuple[bool, Any]:
    """Nothing comes last; words without regard to case."""
    return (value in ("", None), value.casefold() if isinstance(value, str) else value)
