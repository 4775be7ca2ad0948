"""A report's rows as cells in words: what stands beside the plot, and what is compared."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tenant_apps.reports.charts import name_of, value_in_words
from tenant_apps.reports.queries import Change
from tenant_apps.reports.registry import COUNT, MONEY, Column, ReportResult, Row

# A page shows so many rows; the files have all.
MOST_ROWS = 500
# Of these more is better.
GOOD = frozenset({"orders", "quantity", "gross", "net", "tickets", "came", "customers", "buyers", "returning", "new"})


@dataclass(frozen=True, slots=True)
class Cell:
    """One value in words. `number`: it is set to the right."""

    text: str
    label: str
    number: bool = False
    head: bool = False


@dataclass(slots=True)
class Line:
    """A row of the table; with a comparison, what the compared figure was and how it changed."""

    cells: list[Cell]
    change: Change | None = None
    before: str = ""


@dataclass(slots=True)
class Table:
    """What the page shows. `totals` are lines of the same width."""

    heads: list[Cell]
    lines: list[Line]
    totals: list[Line]
    compared: str = ""
    hidden: int = 0


@dataclass(frozen=True, slots=True)
class Total:
    """A figure of the whole time, for the head of the page."""

    label: str
    text: str
    change: Change | None = None
    # More of it is neither good nor bad by itself: its change has no colour.
    plain: bool = False


@dataclass(slots=True)
class Head:
    """The totals of one currency."""

    currency: str
    totals: list[Total] = field(default_factory=list)


def table(result: ReportResult, compared: Column | None) -> Table:
    """Return the rows as a table; `compared` is the figure that stands beside the period before."""
    columns = [column for column in result.columns if column.name != "currency"]
    currencies = {str(row.get("currency")) for row in result.rows if row.get("currency")}
    earlier = _earlier(result, compared) if result.previous and compared else {}
    compared = compared if result.previous else None
    lines = []
    for row in list(result.rows)[:MOST_ROWS]:
        line = Line(_cells(row, columns, result))
        if compared is not None:
            was = earlier.get(_place(row, result))
            _compare(line, row, was, compared, result)
        lines.append(line)
    totals = [_total_line(row, columns, result, compared, len(currencies) > 1) for row in result.totals]
    return Table(
        heads=[Cell(str(column.label), "", number=not column.dimension) for column in columns],
        lines=lines,
        totals=totals if result.rows else [],
        compared=str(compared.label) if compared is not None else "",
        hidden=max(0, len(result.rows) - MOST_ROWS),
    )


def heads(result: ReportResult) -> list[Head]:
    """Return the totals for the head of the page, the tenant's own currency first."""
    earlier = {row.get("currency"): row for row in result.previous.totals} if result.previous else {}
    found = []
    for row in sorted(result.totals, key=lambda each: (each.get("currency") != result.currency, str(each))):
        head = Head(str(row.get("currency") or ""))
        for column in result.figures:
            if column.name not in row or column.kind not in (COUNT, MONEY):
                continue
            was = earlier.get(row.get("currency"), {}).get(column.name, 0) if result.previous else None
            text = value_in_words(row[column.name], column, str(row.get("currency") or result.currency))
            change = Change(int(row[column.name] or 0), int(was or 0)) if was is not None else None
            head.totals.append(Total(str(column.label), text, change, plain=column.name not in GOOD))
        found.append(head)
    return found


def _cells(row: Row, columns: Sequence[Column], result: ReportResult) -> list[Cell]:
    currency = str(row.get("currency") or result.currency)
    cells, headed = [], False
    for column in columns:
        if column.dimension:
            cells.append(Cell(name_of(row.get(column.name), column), str(column.label), head=not headed))
            headed = True
        else:
            cells.append(Cell(value_in_words(row.get(column.name), column, currency), str(column.label), number=True))
    return cells


def _place(row: Row, result: ReportResult) -> tuple[Any, ...]:
    """What a row is of; a day by its place in the stretch, so that it meets the day of the stretch before."""
    names = [
        (row[column.name] - result.from_).days
        if column.name == "day" and row.get(column.name)
        else row.get(column.name)
        for column in result.dimensions
    ]
    return (*names, row.get("currency"))


def _earlier(result: ReportResult, compared: Column) -> dict[tuple[Any, ...], Any]:
    previous = result.previous
    return {_place(row, previous): row.get(compared.name) for row in previous.rows} if previous else {}


def _compare(line: Line, row: Row, was: Any, compared: Column, result: ReportResult) -> None:
    currency = str(row.get("currency") or result.currency)
    line.before = value_in_words(was, compared, currency)
    if compared.kind in (COUNT, MONEY):
        line.change = Change(int(row.get(compared.name) or 0), int(was or 0))


def _total_line(
    row: Row, columns: Sequence[Column], result: ReportResult, compared: Column | None, several: bool
) -> Line:
    currency = str(row.get("currency") or result.currency)
    cells, said = [], False
    for column in columns:
        if column.dimension:
            cells.append(Cell("" if said else currency if several else "Σ", str(column.label), head=not said))
            said = True
        elif column.name in row:
            cells.append(Cell(value_in_words(row[column.name], column, currency), str(column.label), number=True))
        else:
            cells.append(Cell("", str(column.label), number=True))
    line = Line(cells)
    if compared is not None and result.previous is not None:
        was = next((each for each in result.previous.totals if each.get("currency") == row.get("currency")), {})
        if compared.name in row:
            _compare(line, row, was.get(compared.name, 0), compared, result)
    return line
