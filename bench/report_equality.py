"""Every report of the present tenant beside what `report_truth` finds: each difference is a sentence."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

from bench import report_truth as truth
from tenant_apps.reports.models import DayFigure
from tenant_apps.reports.registry import ReportQuery, ReportResult, by_slug
from tenants.context import current_tenant
from tenants.database import connection

MONEY = (*truth.MONEY, "net")
Answer = Callable[[str, tuple[str, ...]], ReportResult]


def differences(answer: Answer | None = None) -> list[str]:
    """Return what a report says otherwise than the ledger and the orders do, all of the tenant's days together."""
    zone = current_tenant().timezone
    with connection.cursor() as cursor:
        days = truth.span(cursor)
        if days is None:
            return []
        first, last = days

        def from_registry(slug: str, group_by: tuple[str, ...]) -> ReportResult:
            return by_slug(slug).answer(ReportQuery(first, last, group_by))

        ask = answer or from_registry
        # Asked for first: reading brings the narrow rows up to date.
        sales = ask("sales", ("day",))
        found = [
            *_money("sales by day", sales, truth.by_day(cursor, zone), "day"),
            *_money("sales by month", ask("sales", ("month",)), truth.by_month(cursor, zone), "month"),
            *_money("sales by channel", ask("sales", ("channel",)), truth.by_channel(cursor, zone), "channel"),
            *_settlement(ask("settlement", ("total",)), truth.by_provider(cursor, zone)),
            *_settlement_days(ask("settlement", ("day",)), truth.by_day(cursor, zone)),
        ]
        told = truth.told(cursor, zone)
        sold = truth.sold(cursor)
        found += _narrow_rows(told)
        found += _pieces(ask, told, sold)
        found += _taxes(ask("taxes", ("tax_rate",)), told)
        found += _promotions(ask("promotions", ("promotion",)), truth.cheaper(cursor))
        found += _goods(ask, sold)
        found += _people(ask, truth.customers(cursor), truth.attendance(cursor))
    return found


def _compared(what: str, is_: dict[Any, Any], should: dict[Any, Any]) -> Iterator[str]:
    for key in sorted(is_.keys() | should.keys(), key=str):
        if is_.get(key) != should.get(key):
            yield f"{what}: {key}: the report says {is_.get(key)}, the ledger and the orders {should.get(key)}"


def _money(what: str, result: ReportResult, should: dict[Any, dict[str, int]], by: str) -> Iterator[str]:
    rows = {(row[by], row["currency"]): {name: row[name] for name in MONEY} for row in result.rows}
    nothing = dict.fromkeys(MONEY, 0)
    yield from _compared(
        what, {key: row for key, row in rows.items() if row != nothing},
        {key: row for key, row in should.items() if row != nothing},
    )  # fmt: skip
    totals = {row["currency"]: row["net"] for row in result.totals if row["net"]}
    sums: dict[str, int] = defaultdict(int)
    for (_group, currency), row in should.items():
        sums[currency] += row["net"]
    yield from _compared(f"{what}, totals", totals, {key: value for key, value in sums.items() if value})


def _settlement(result: ReportResult, should: dict[Any, dict[str, int]]) -> Iterator[str]:
    rows = {(f"{row['provider']} {row['account']}", row["currency"]): _of(row) for row in result.rows}
    yield from _compared("settlement", rows, should)


def _settlement_days(result: ReportResult, should: dict[Any, dict[str, int]]) -> Iterator[str]:
    rows: dict[Any, dict[str, int]] = defaultdict(lambda: dict.fromkeys(MONEY, 0))
    for row in result.rows:
        for name in MONEY:
            rows[row["day"], row["currency"]][name] += row[name]
    yield from _compared("settlement by day", dict(rows), should)


def _of(row: dict[str, Any]) -> dict[str, int]:
    return {name: row[name] for name in MONEY}


def _narrow_rows(told: dict[Any, list[int]]) -> Iterator[str]:
    """The narrow rows themselves, by all that they are of."""
    names = ("gross_minor", "refunded_minor", "fees_minor", "adjustments_minor", "tax_minor", "tax_back_minor")
    keys = ("day", "event_day", "kind", "event_id", "item_id", "channel", "currency", "tax_rate")
    rows: dict[Any, list[int]] = {}
    money = ("ticket", "product", "fee", "delivery", "other")
    for *key, rate, first, second, third, fourth, fifth, sixth in DayFigure.objects.filter(kind__in=money).values_list(
        *keys, *names
    ):
        rows[*key, float(rate)] = [first, second, third, fourth, fifth, sixth]
    yield from _compared("narrow rows", {key: row for key, row in rows.items() if any(row)}, told)


def _pieces(ask: Answer, told: dict[Any, list[int]], sold: dict[Any, tuple[int, ...]]) -> Iterator[str]:
    """Sales by event and by what was sold."""
    money: dict[Any, list[int]] = defaultdict(lambda: [0] * 4)
    for (_day, _there, _kind, event, _item, _channel, currency, _rate), sums in told.items():
        for place in range(4):
            money[event, currency][place] += sums[place]
    pieces: dict[Any, list[int]] = defaultdict(lambda: [0, 0])
    for (_kind, event, _item, currency), counts in sold.items():
        for place in range(2):
            pieces[event, currency][place] += counts[place]
    slugs = _slugs()
    should = {
        (slugs.get(event, ""), currency): (*money[event, currency], *pieces[event, currency])
        for event, currency in money.keys() | pieces.keys()
    }
    rows = {
        (row["event_slug"], row["currency"]): tuple(row[name] for name in (*truth.MONEY, "quantity", "cancelled"))
        for row in ask("sales", ("event",)).rows
    }
    yield from _compared("sales by event", rows, {key: row for key, row in should.items() if any(row)})
    kinds: dict[Any, int] = defaultdict(int)
    for (_day, _there, kind, event, _item, _channel, currency, _rate), sums in told.items():
        kinds[kind, slugs.get(event, ""), currency] += sums[0] - sums[1] - sums[2] + sums[3]
    net: dict[Any, int] = defaultdict(int)
    for row in ask("sales", ("ticket_type", "event")).rows:
        net[row["kind"], row["event_slug"], row["currency"]] += row["net"]
    yield from _compared(
        "sales by kind and event", {key: value for key, value in net.items() if value},
        {key: value for key, value in kinds.items() if value},
    )  # fmt: skip


def _slugs() -> dict[int, str]:
    from tenant_apps.events.models import Event

    return dict(Event.objects.values_list("pk", "slug"))


def _taxes(result: ReportResult, told: dict[Any, list[int]]) -> Iterator[str]:
    should: dict[Any, list[int]] = defaultdict(lambda: [0] * 4)
    for (*_rest, currency, rate), sums in told.items():
        for place, index in enumerate((0, 1, 4, 5)):
            should[rate, currency][place] += sums[index]
    rows = {
        (float(row["tax_rate"]), row["currency"]): [row[name] for name in ("gross", "refunded", "tax_in", "tax_back")]
        for row in result.rows
    }
    yield from _compared(
        "taxes", {key: row for key, row in rows.items() if any(row)},
        {key: row for key, row in should.items() if any(row)},
    )  # fmt: skip


def _promotions(result: ReportResult, should: dict[Any, tuple[int, ...]]) -> Iterator[str]:
    names = ("orders", "quantity", "gross", "discount", "net")
    rows = {(row["kind"], row["name"], row["currency"]): tuple(row[name] for name in names) for row in result.rows}
    yield from _compared("promotions", rows, should)


def _goods(ask: Answer, sold: dict[Any, tuple[int, ...]]) -> Iterator[str]:
    should: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for (kind, _event, _item, currency), counts in sold.items():
        if kind == "product":
            should[currency][0] += counts[0]
            should[currency][1] += counts[1]
    stock = {row["currency"]: [row["quantity"], row["cancelled"]] for row in ask("stock", ("product",)).totals}
    yield from _compared("stock", {key: row for key, row in stock.items() if any(row)}, dict(should))
    away = {row["currency"]: row["quantity"] for row in ask("fulfilment", ("fulfilment", "method")).totals}
    left = {currency: counts[0] - counts[1] for currency, counts in should.items()}
    yield from _compared("fulfilment", away, {key: value for key, value in left.items() if value})


def _people(
    ask: Answer, customers: dict[str, tuple[int, int, int]], attendance: dict[int, tuple[int, int]]
) -> Iterator[str]:
    names = ("customers", "orders", "gross")
    rows = {row["currency"]: tuple(row[name] for name in names) for row in ask("customers", ("month",)).totals}
    yield from _compared("customers", rows, customers)
    slugs = _slugs()
    came = {row["event_slug"]: (row["quantity"], row["admitted"]) for row in ask("attendance", ("event",)).rows}
    # Only events that start in these days are in the report.
    should = {slugs[event]: counts for event, counts in attendance.items() if slugs[event] in came}
    yield from _compared("attendance", {key: row for key, row in came.items() if any(row)}, should)
    if attendance and not came:
        yield "attendance: nothing, though there are tickets"
