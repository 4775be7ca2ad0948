"""What came in, went back and was kept, per provider's account, currency and day: sums of the ledger and nothing else.

So it is equal to the ledger by construction (M8); days are those of the tenant's time zone (B3).
"""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from shared_apps.core.clock import day_bounds, local
from shared_apps.core.errors import FieldError, InvalidInput
from shared_apps.core.money import to_text
from shared_apps.core.resources import guarded
from tenant_apps.reports.registry import COUNT, DAY, MONEY, TEXT, Column, Report, ReportQuery, ReportResult, register
from tenants.context import current_tenant
from tenants.database import connection

MOST_DAYS = 732
USUAL_DAYS = 30
GROUPS = ("day", "month", "total")
# What the report is about: real money, test money, or both. What people move by hand is real.
MODES = ("all", "live", "test")


@dataclass(frozen=True, slots=True)
class Row:
    """Sums of one group, in minor units of `currency`. `refunded` and `fees` are what went out, as positive numbers;
    net = gross - refunded - fees + adjustments (disputes: money out is negative). `day` is the first of the group."""

    day: date | None
    provider: str
    account: UUID | None
    live: bool | None
    currency: str
    quantity: int
    gross_minor: int
    refunded_minor: int
    fees_minor: int
    adjustments_minor: int

    @property
    def net_minor(self) -> int:
        return self.gross_minor - self.refunded_minor - self.fees_minor + self.adjustments_minor

    def amounts(self) -> dict[str, int]:
        """The row's amounts by their names, in minor units."""
        return {
            "gross": self.gross_minor,
            "refunded": self.refunded_minor,
            "fees": self.fees_minor,
            "adjustments": self.adjustments_minor,
            "net": self.net_minor,
        }


@dataclass(frozen=True, slots=True)
class Settlement:
    """The report of the days `since` to `until`, both included."""

    since: date
    until: date
    group_by: str
    rows: Sequence[Row]

    def totals(self) -> list[Row]:
        """The sums of each currency; real money and test money are never added up."""
        sums: dict[tuple[str, bool], Row] = {}
        for row in self.rows:
            key = (row.currency, row.live is not False)
            had = sums.get(key) or Row(None, "", None, key[1], row.currency, 0, 0, 0, 0, 0)
            sums[key] = Row(
                None, "", None, key[1], row.currency, had.quantity + row.quantity,
                had.gross_minor + row.gross_minor, had.refunded_minor + row.refunded_minor,
                had.fees_minor + row.fees_minor, had.adjustments_minor + row.adjustments_minor,
            )  # fmt: skip
        return [sums[key] for key in sorted(sums, key=lambda key: (not key[1], key[0]))]


def asked(given: Any) -> dict[str, Any]:
    """Read `from`, `to`, `group_by` and `mode` of a query; the last 30 days by default. Raises InvalidInput."""
    today = local(timezone.now(), current_tenant().timezone).date()
    errors: list[FieldError] = []

    def day(name: str, usual: date) -> date:
        text = given.get(name) or ""
        if not text:
            return usual
        try:
            found = date.fromisoformat(text) if len(text) == 10 else None
        except ValueError:
            found = None
        if found is None or not 2000 <= found.year <= 2100:
            errors.append(FieldError(name, "invalid_date", _("Write the date as 2026-05-31.")))
            return usual
        return found

    def choice(name: str, choices: Sequence[str]) -> str:
        found = given.get(name) or choices[0]
        if found not in choices:
            errors.append(FieldError(name, "invalid_choice", _("Choose one of %s.") % ", ".join(choices)))
        return found

    until = day("to", today)
    since = day("from", until - timedelta(days=USUAL_DAYS - 1) if until.year > 2000 else until)
    if not errors and not timedelta(0) <= until - since < timedelta(days=MOST_DAYS):
        errors.append(FieldError("to", "invalid_range", _("From the earlier to the later day, at most two years.")))
    wanted = {"since": since, "until": until, "group_by": choice("group_by", GROUPS), "mode": choice("mode", MODES)}
    if errors:
        raise InvalidInput(errors=errors)
    return wanted


def settlement(*, since: date, until: date, group_by: str = "day", mode: str = "all") -> Settlement:
    """Return the sums of the ledger from the beginning of `since` to the end of `until`; one statement."""
    zone = current_tenant().timezone
    start, end = day_bounds(since, zone)[0], day_bounds(until, zone)[1]
    day = "NULL::date" if group_by == "total" else f"date_trunc('{group_by}', l.at AT TIME ZONE %(zone)s)::date"
    only = {"all": "", "live": "AND a.live IS NOT FALSE", "test": "AND a.live IS FALSE"}[mode]
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT {day} AS day, l.provider, l.account_id, a.live, l.currency,
                   count(*) FILTER (WHERE l.kind = 'payment'),
                   coalesce(sum(l.amount_minor) FILTER (WHERE l.kind = 'payment'), 0),
                   -coalesce(sum(l.amount_minor) FILTER (WHERE l.kind = 'refund'), 0),
                   -coalesce(sum(l.amount_minor) FILTER (WHERE l.kind = 'fee'), 0),
                   coalesce(sum(l.amount_minor) FILTER (WHERE l.kind = 'adjustment'), 0)
            FROM payments_ledgerentry l LEFT JOIN payments_provideraccount a ON a.id = l.account_id
            WHERE l.at >= %(start)s AND l.at < %(end)s {only}
            GROUP BY 1, 2, 3, 4, 5 ORDER BY 1 DESC, 2, 4 DESC, 5, 3
            """,  # noqa: S608  (the parts are from the closed lists above; values are parameters)
            {"zone": zone, "start": start, "end": end},
        )
        rows = [Row(*row[:5], *map(int, row[5:])) for row in cursor.fetchall()]
    return Settlement(since, until, group_by, rows)


def as_csv(report: Settlement) -> Iterator[str]:
    """The report's rows as lines of a file; amounts in major units with a point."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["day", "provider", "account", "mode", "currency", "quantity", *Row.amounts(_NOTHING)])
    for row in report.rows:
        mode = "" if row.live is None else "live" if row.live else "test"
        amounts = [to_text(minor, row.currency) for minor in row.amounts().values()]
        day = row.day.isoformat() if row.day else ""
        writer.writerow([day, guarded(row.provider), row.account or "", mode, row.currency, row.quantity, *amounts])
        yield out.getvalue()
        out.seek(0)
        out.truncate()
    if not report.rows:
        yield out.getvalue()


_NOTHING = Row(None, "", None, None, "EUR", 0, 0, 0, 0, 0)


# --- As one of the reports ---------------------------------------------------------------------------------------


def _answer(query: ReportQuery) -> ReportResult:
    by = next((name for name in ("day", "month") if name in query.group_by), "total")
    found = settlement(since=query.from_, until=query.to, group_by=by, mode=query.mode)
    dimensions = [
        *([Column("day", _("Month") if by == "month" else _("Day"), DAY, dimension=True)] if by != "total" else []),
        Column("provider", _("Provider"), TEXT, dimension=True),
        Column("mode", _("Money"), TEXT, dimension=True),
        Column("account", _("Account"), TEXT, dimension=True),
    ]
    rows = [
        {
            "day": row.day, "provider": row.provider, "account": str(row.account or ""),
            "mode": "" if row.live is None else "live" if row.live else "test",
            "currency": row.currency, "quantity": row.quantity, **row.amounts(),
        }
        for row in found.rows
    ]  # fmt: skip
    # Real money and test money are never added up: two rows of totals where there are both.
    totals = [
        {"currency": row.currency, "mode": "live" if row.live else "test", "quantity": row.quantity, **row.amounts()}
        for row in found.totals()
    ]
    return ReportResult([*dimensions, *_figures()], rows, totals, current_tenant().currency, query.from_, query.to)


def _figures() -> list[Column]:
    return [
        Column("quantity", _("Payments"), COUNT),
        Column("gross", _("Came in"), MONEY),
        Column("refunded", _("Given back"), MONEY),
        Column("fees", _("Fees"), MONEY),
        Column("adjustments", _("Disputes"), MONEY),
        Column("net", _("Kept"), MONEY),
    ]


SETTLEMENT = register(
    Report(
        slug="settlement",
        label=gettext_lazy("Settlement"),
        about=gettext_lazy("What came in, went back and was kept, for each provider."),
        dimensions={"day": gettext_lazy("Day"), "month": gettext_lazy("Month")},
        run=_answer,
        usual=("day",),
        modes=MODES,
    )
)
