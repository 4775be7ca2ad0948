"""A report as a file: CSV for programs, XLSX for reckoning on, PDF for paper (B5, B8).

CSV has the columns' stable names, days as 2026-05-31 and amounts in major units with a point. XLSX and PDF speak the
language that is asked for and have the totals, beside those of the days before where that is compared.
"""

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from typing import Any, Literal

import openpyxl
from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.translation import get_language, gettext_lazy, override
from django.utils.translation import gettext as _
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Font

from shared_apps.core import documents
from shared_apps.core.errors import DomainError
from shared_apps.core.money import exponent, to_decimal, to_text
from shared_apps.core.resources import guarded
from tenant_apps.reports.models import ReportRun
from tenant_apps.reports.registry import COUNT, DAY, MONEY, PERCENT, RATE, TEXT, Column, Report, ReportResult, Row
from tenants.context import current_tenant

CONTENT_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pdf": "application/pdf",
}
# Pages of paper that somebody still leafs through.
MOST_ON_PAPER = 2_000
# Tells how much of the file is written, from 0 to 1.
Progress = Callable[[float], None]


class TooLongForPaper(DomainError):
    code, status = "report_too_large", 409
    message = gettext_lazy(
        "A PDF has at most {most} rows, and this report has {rows}. Group by less, or take CSV or XLSX."
    )


def content_type(kind: str) -> str:
    return CONTENT_TYPES[kind]


def name_of(run: ReportRun) -> str:
    """What a run's file is called."""
    return _name(run.report, run.params.get("from", ""), run.params.get("to", ""), run.format)


def _name(slug: str, since: Any, until: Any, kind: str) -> str:
    return f"{slug}-{since}-{until}.{kind}"


def written(
    report: Report, result: ReportResult, kind: str, *, language: str = "", progress: Progress | None = None
) -> tuple[str, str, bytes]:
    """Return the file's name, its content type and its bytes. Raises TooLongForPaper."""
    write = {"csv": _csv, "xlsx": _xlsx, "pdf": _pdf}[kind]
    with override(language or current_tenant().language):
        content = write(report, result, progress or (lambda share: None))
    return _name(report.slug, result.from_, result.to, kind), CONTENT_TYPES[kind], content


def shown_columns(result: ReportResult) -> list[Column]:
    """The columns with the currency before the figures: every row of a file shows it (M6)."""
    currency = Column("currency", _("Currency"), TEXT, dimension=True)
    return [*result.dimensions, currency, *result.figures]


def in_words(column: Column, value: Any) -> str:
    """A dimension's value as people read it."""
    if value is None:
        return ""
    if column.kind == DAY and isinstance(value, date):
        return date_format(value, "YEAR_MONTH_FORMAT" if column.name == "month" else "SHORT_DATE_FORMAT")
    if column.words is not None:
        return str(column.words.get(value, value))
    if column.kind in (RATE, PERCENT):
        return f"{number_format(value)}%"
    return str(value)


def _told(progress: Progress, rows: Sequence[Row]) -> Iterable[Row]:
    for number, row in enumerate(rows):
        if number % 1000 == 0:
            progress(number / len(rows))
        yield row


# --- CSV ---------------------------------------------------------------------------------------------------------


def _csv(report: Report, result: ReportResult, progress: Progress) -> bytes:
    columns = shown_columns(result)
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([column.name for column in columns])
    for row in _told(progress, result.rows):
        writer.writerow([_plain(column, row) for column in columns])
    return out.getvalue().encode()


def _plain(column: Column, row: Row) -> str:
    value = row.get(column.name)
    if value is None:
        return ""
    if column.kind == MONEY:
        return to_text(value, row["currency"])
    if column.kind == DAY:
        return str(value.isoformat())
    return guarded(value) if isinstance(value, str) else str(value)


# --- XLSX --------------------------------------------------------------------------------------------------------


def _xlsx(report: Report, result: ReportResult, progress: Progress) -> bytes:
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet(_sheet_name(report.label))
    columns = shown_columns(result)
    sheet.freeze_panes = "A2"
    _heading(sheet, columns)
    for row in _told(progress, result.rows):
        sheet.append([_cell(sheet, column, row) for column in columns])
    totals = book.create_sheet(_sheet_name(_("Totals")))
    first = Column("period", _("Days"), TEXT, dimension=True)
    shown = [first, *[column for column in columns if column.name == "currency" or column in result.figures]]
    _heading(totals, shown)
    for found in (result, result.previous):
        for row in found.totals if found else ():
            days = f"{found.from_.isoformat()} \N{EN DASH} {found.to.isoformat()}" if found else ""
            totals.append([_cell(totals, column, {"period": days, **row}) for column in shown])
    for note in result.notes:
        totals.append([_text(note)])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _sheet_name(label: Any) -> str:
    return str(label)[:31]


def _heading(sheet: Any, columns: Sequence[Column]) -> None:
    cells = []
    for column in columns:
        cell = WriteOnlyCell(sheet, value=_text(str(column.label)))
        cell.font = Font(bold=True)
        cells.append(cell)
    sheet.append(cells)


def _cell(sheet: Any, column: Column, row: Row) -> Any:
    value = row.get(column.name)
    if value is None:
        return None
    if column.kind == MONEY:
        amount: Any = to_decimal(value, row["currency"])  # the stubs do not know that it takes Decimals
        cell = WriteOnlyCell(sheet, value=amount)
        digits = exponent(row["currency"])
        cell.number_format = "#,##0." + "0" * digits if digits else "#,##0"
        return cell
    if column.kind == DAY:
        cell = WriteOnlyCell(sheet, value=value)
        cell.number_format = "yyyy-mm-dd"
        return cell
    if column.kind in (COUNT, PERCENT, RATE) and not isinstance(value, str):
        return value
    return _text(in_words(column, value))


def _text(text: str) -> str:
    """A cell of text: no formula, nothing that XML cannot hold."""
    return ILLEGAL_CHARACTERS_RE.sub("", guarded(text))[:32_000]


# --- PDF ---------------------------------------------------------------------------------------------------------


def _pdf(report: Report, result: ReportResult, progress: Progress) -> bytes:
    if len(result.rows) > MOST_ON_PAPER:
        raise TooLongForPaper(most=MOST_ON_PAPER, rows=len(result.rows))
    tenant = current_tenant()
    columns = shown_columns(result)
    wide = len(columns) > 6
    paper = documents.Document(
        title=str(report.label),
        colour=tenant.colour,
        made_at=timezone.now(),
        language=get_language() or tenant.language,
        footer_lines=[tenant.name],
        size=(297.0, 210.0) if wide else None,
    )
    paper.ink(18, paper.brand, bold=True)
    paper.multi_cell(0, 10, paper.drawable(str(report.label)), new_x="LMARGIN", new_y="NEXT")
    paper.block([f"{_date(result.from_)} \N{EN DASH} {_date(result.to)}", str(report.about)])
    paper.ln(4)
    _totals(paper, result)
    paper.ln(4)
    if result.rows:
        heads = [documents.Column(str(column.label), *_room(column)) for column in columns]
        rows = [[_on_paper(paper, column, row) for column in columns] for row in _told(progress, result.rows)]
        paper.rows(heads, rows, size=7.5 if wide else 8.5)
    else:
        paper.block([_("Nothing in these days.")])
    for note in result.notes:
        paper.ln(2)
        paper.block([str(note)], size=8)
    return paper.finished()


def _room(column: Column) -> tuple[float, Literal["LEFT", "RIGHT"]]:
    """A column's part of the width, and where its text stands."""
    if not column.dimension:
        return 1.4, "RIGHT"
    return (2.0 if column.kind == TEXT and column.name != "currency" else 1.2), "LEFT"


def _totals(paper: documents.Document, result: ReportResult) -> None:
    for row in result.totals:
        for column in result.figures:
            if column.name not in row:
                continue
            told = _on_paper(paper, column, row)
            change = result.change.get(column.name) if row.get("currency") in (result.currency, None) else None
            if change is not None:
                told = f"{told}  ({change:+d}%)"
            paper.sum_line(" ".join(filter(None, (str(column.label), row.get("currency") or ""))), told)
        paper.ln(1)
    if result.previous is not None:
        days = f"{_date(result.previous.from_)} \N{EN DASH} {_date(result.previous.to)}"
        paper.block([_("Change against %s.") % days], size=8)


def _date(day: date) -> str:
    return date_format(day, "SHORT_DATE_FORMAT")


def _on_paper(paper: documents.Document, column: Column, row: Row) -> str:
    value = row.get(column.name)
    if column.kind == MONEY and value is not None:
        return paper.amount(value, row["currency"])
    if column.kind == COUNT and value is not None:
        return number_format(value, force_grouping=True)
    return in_words(column, value)
