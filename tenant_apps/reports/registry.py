"""What a report is: what may be asked of it, what it answers, and the list of all there are.

A report is told by its slug, whatever shows it: page, API, file, schedule. Amounts are whole minor units of the row's
own `currency`, which every row has (M6); what turns them into text is who shows them.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

from django.utils.translation import gettext_lazy as _

from shared_apps.core.errors import DomainError, NotFound

# What a column holds: a day (`date`; of a week or month its first), words, whole numbers, minor units of the row's
# currency, a share in per cent (0 to 100) or a tax rate in per cent. Both per cents are numbers or None.
DAY, TEXT, COUNT, MONEY, PERCENT, RATE = "day", "text", "count", "money", "percent", "rate"

Row = dict[str, Any]
# What a page or an answer of the API shows; what has more is made in the background.
MOST_ROWS = 5_000


class ReportTooLarge(DomainError):
    code, status = "report_too_large", 409
    message = _(
        "This report has {rows} rows. Group by less, ask for fewer days, or have a file made in the background."
    )


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a report. `dimension`: it says what the row is of; the others are its figures. `words` are what
    people call the stable words that the column holds."""

    name: str
    label: Any
    kind: str = COUNT
    dimension: bool = False
    words: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class ReportQuery:
    """What is asked: the days `from_` to `to`, both included, grouped by some of the report's dimensions.

    `events` are the ids of the events that may count: None is all of the tenant and what belongs to no event. `event`
    is the id of the one event that is asked for; then days are those of its own zone, else the tenant's (B3).
    """

    from_: date
    to: date
    group_by: tuple[str, ...] = ()
    events: frozenset[int] | None = None
    event: int | None = None
    compare: bool = False
    mode: str = "all"

    @property
    def days(self) -> int:
        return (self.to - self.from_).days + 1

    def before(self) -> "ReportQuery":
        """The same of as many days just before."""
        return replace(
            self, from_=self.from_ - timedelta(days=self.days), to=self.from_ - timedelta(days=1), compare=False
        )

    @property
    def counted(self) -> frozenset[int] | None:
        """The events that count: the one asked for, if it may be seen."""
        if self.event is None:
            return self.events
        return frozenset({self.event}) if self.events is None or self.event in self.events else frozenset()


@dataclass(frozen=True, slots=True)
class ReportResult:
    """The answer. `rows` have a value for each column's name, and `currency` where they have money.

    `totals` has a row of figures for each currency (one for reports without money); `currency` is the tenant's own.
    `previous` is the same report of the days before, where that was asked. `complete` is False while the figures of
    orders that were there before are still being built. `notes` are sentences about how to read it.
    """

    columns: Sequence[Column]
    rows: Sequence[Row]
    totals: Sequence[Row]
    currency: str
    from_: date
    to: date
    previous: "ReportResult | None" = None
    complete: bool = True
    notes: Sequence[str] = ()

    @property
    def dimensions(self) -> list[Column]:
        return [column for column in self.columns if column.dimension]

    @property
    def figures(self) -> list[Column]:
        return [column for column in self.columns if not column.dimension]

    @property
    def change(self) -> dict[str, int | None]:
        """Each figure of the totals in the tenant's currency against the days before, in whole per cent; None where
        there was nothing before, or nothing is compared."""
        now, before = self.total(), self.previous.total() if self.previous else {}
        return {
            column.name: round((now[column.name] - before[column.name]) * 100 / abs(before[column.name]))
            if before.get(column.name)
            else None
            for column in self.figures
            if column.kind in (COUNT, MONEY) and column.name in now
        }

    def total(self) -> Row:
        """The totals in the tenant's own currency; zeros if there are none."""
        for row in self.totals:
            if row.get("currency") in (self.currency, None):
                return row
        return {"currency": self.currency, **{column.name: 0 for column in self.figures}}


Run = Callable[[ReportQuery], ReportResult]


@dataclass(frozen=True, slots=True)
class Report:
    """One report. `dimensions` are what it can be grouped by, with their names for people; `usual` is how it is if
    nothing is said. `by_event`: who has the right on single events sees these events' figures; else it is for the
    right in the whole tenant only (I2)."""

    slug: str
    label: Any
    about: Any
    dimensions: Mapping[str, Any]
    run: Run
    usual: tuple[str, ...]
    by_event: bool = False
    modes: tuple[str, ...] = field(default=())

    def shown(self, query: ReportQuery) -> ReportResult:
        """Return the figures for a page or an answer at once. Raises ReportTooLarge."""
        found = self.answer(query)
        if len(found.rows) > MOST_ROWS:
            raise ReportTooLarge(rows=len(found.rows))
        return found

    def answer(self, query: ReportQuery) -> ReportResult:
        """Return the figures, with those of the days before if that is asked."""
        found = self.run(query if query.group_by else replace(query, group_by=self.usual))
        if not query.compare:
            return found
        earlier = query.before()
        return replace(found, previous=self.run(earlier if earlier.group_by else replace(earlier, group_by=self.usual)))


_reports: dict[str, Report] = {}
# In the order in which people see them.
SLUGS = ("sales", "attendance", "promotions", "stock", "fulfilment", "taxes", "settlement", "customers")


def register(report: Report) -> Report:
    """Add a report. Modules of reports do so as they are imported, which the app's `ready()` sees to."""
    if report.slug not in SLUGS:
        raise ValueError(f"{report.slug!r} is no report; see SLUGS.")
    _reports[report.slug] = report
    return report


def reports() -> list[Report]:
    return [_reports[slug] for slug in SLUGS if slug in _reports]


def by_slug(slug: str) -> Report:
    """Return the report. Raises NotFound."""
    try:
        return _reports[slug]
    except KeyError:
        raise NotFound from None


def add_up(rows: Iterable[Row], figures: Sequence[Column]) -> list[Row]:
    """Return the sums of each currency, in the currencies' order; figures that cannot be added up are left out."""
    names = [column.name for column in figures if column.kind in (COUNT, MONEY)]
    sums: dict[Any, Row] = {}
    for row in rows:
        total = sums.setdefault(row.get("currency"), {"currency": row.get("currency"), **dict.fromkeys(names, 0)})
        for name in names:
            total[name] += row[name] or 0
    return [sums[key] for key in sorted(sums, key=str)]
