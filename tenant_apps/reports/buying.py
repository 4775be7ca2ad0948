"""Customers: how many bought, how many of them for the first time, and how many come again.

Who they are stays in the orders: a table of people beside them would be one more to erase (decision 0042). A customer
is an address of mail, without regard to case. Sales at the counter without one have no customer, and are not counted.
"""

from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from shared_apps.core.clock import day_bounds
from tenant_apps.orders.listing import CHANNELS
from tenant_apps.reports import reading
from tenant_apps.reports.registry import (
    COUNT,
    DAY,
    MONEY,
    PERCENT,
    TEXT,
    Column,
    Report,
    ReportQuery,
    ReportResult,
    Row,
    register,
)  # fmt: skip
from tenants.context import current_tenant
from tenants.database import connection

_TIMES = {
    "day": "(paid_at AT TIME ZONE %(zone)s)::date",
    "week": "date_trunc('week', paid_at AT TIME ZONE %(zone)s)::date",
    "month": "date_trunc('month', paid_at AT TIME ZONE %(zone)s)::date",
    "channel": "channel",
}
_LINES = """
    SELECT o.id, upper(o.email) AS who, o.paid_at, o.channel, o.currency, {amount} AS total
    FROM orders_order o {lines}
    WHERE o.paid_at < %(end)s AND o.email <> '' {only}
"""


def _statement(names: Sequence[str], by_event: bool) -> str:
    """The sums of the groups, with those of the whole (`GROUPING SETS`): customers cannot be added up."""
    if by_event:
        orders = _LINES.format(
            amount="sum(l.total_minor)", lines="JOIN orders_orderline l ON l.order_id = o.id AND l.charged",
            only="AND l.event_id = ANY (%(events)s) GROUP BY o.id",
        )  # fmt: skip
    else:
        orders = _LINES.format(amount="o.total_minor", lines="", only="")
    groups = ", ".join([*(f"by_{name}" for name in names), "currency"])
    selected = "".join(f"{_TIMES[name]} AS by_{name}, " for name in names)
    return (
        f"WITH bought AS ({orders}), counted AS ("  # noqa: S608  (from the closed lists above)
        "SELECT *, min(paid_at) OVER (PARTITION BY who) AS first_at, count(*) OVER (PARTITION BY who) AS times"
        f" FROM bought), told AS (SELECT {selected}* FROM counted WHERE paid_at >= %(start)s)"
        f" SELECT grouping({groups}), {groups}, count(DISTINCT who),"
        " count(DISTINCT who) FILTER (WHERE first_at >= %(start)s),"
        " count(DISTINCT who) FILTER (WHERE first_at < %(start)s), count(DISTINCT who) FILTER (WHERE times > 1),"
        " count(*), coalesce(sum(total), 0)::bigint FROM told"
        f" GROUP BY GROUPING SETS (({groups}), (currency))"
    )


NAMES = ("customers", "new", "returning", "repeat", "orders", "gross")


def _answer(query: ReportQuery) -> ReportResult:
    zone = reading.zone_of(query)
    names = [name for name in query.group_by if name in _TIMES]
    asked: dict[str, Any] = {
        "zone": zone, "start": day_bounds(query.from_, zone)[0], "end": day_bounds(query.to, zone)[1],
    }  # fmt: skip
    if query.counted is not None:
        asked["events"] = sorted(query.counted)
    with connection.cursor() as cursor:
        cursor.execute(_statement(names, query.counted is not None), asked)
        found = cursor.fetchall()
    rows, totals = [], []
    for level, *values in found:
        row: Row = dict(zip([*names, "currency", *NAMES], values, strict=True))
        row["rate"] = round(row["repeat"] * 100 / row["customers"]) if row["customers"] else None
        if names and level:
            totals.append({name: row[name] for name in ("currency", *NAMES, "rate")})
        else:
            rows.append(row)
    if not names:
        # The two sets are the same one.
        rows = list({row["currency"]: row for row in rows}.values())
        totals = [dict(row) for row in rows]
    columns = [*_dimensions(names), *_figures()]
    rows.sort(key=lambda row: (*(row[name] for name in names), row["currency"]))
    totals.sort(key=lambda row: str(row["currency"]))
    return ReportResult(
        columns, rows, totals, current_tenant().currency, query.from_, query.to,
        notes=[_("A customer is one address of mail. Who bought more than once counts as one who came again.")],
    )  # fmt: skip


def _dimensions(names: Sequence[str]) -> list[Column]:
    made = {
        "day": Column("day", _("Day"), DAY, dimension=True),
        "week": Column("week", _("Week from"), DAY, dimension=True),
        "month": Column("month", _("Month"), DAY, dimension=True),
        "channel": Column("channel", _("Channel"), TEXT, dimension=True, words=CHANNELS),
    }
    return [made[name] for name in names]


def _figures() -> list[Column]:
    return [
        Column("customers", _("Customers"), COUNT),
        Column("new", _("For the first time"), COUNT),
        Column("returning", _("Had bought before"), COUNT),
        Column("repeat", _("Bought more than once"), COUNT),
        Column("rate", _("Repeat rate"), PERCENT),
        Column("orders", _("Orders"), COUNT),
        Column("gross", _("Ordered for"), MONEY),
    ]


CUSTOMERS = register(
    Report(
        slug="customers",
        label=gettext_lazy("Customers"),
        about=gettext_lazy("How many bought, how many for the first time, and how many come again."),
        dimensions={
            "month": gettext_lazy("Month"),
            "week": gettext_lazy("Week"),
            "day": gettext_lazy("Day"),
            "channel": gettext_lazy("Channel"),
        },
        run=_answer,
        usual=("month",),
        by_event=True,
    )
)
