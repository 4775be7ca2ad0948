"""An invoice or a credit note as a PDF, drawn from its `data` alone: the same document gives the same bytes."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from django.utils.dateformat import format as format_date
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import override

from shared_apps.core.documents import Column, Document
from tenant_apps.orders.invoice_models import Invoice
from tenants.logos import logo_content

# Millimetres: the two halves of the head.
LEFT, RIGHT = 98.0, 76.0


def pdf(invoice: Invoice) -> bytes:
    """Return the document."""
    with override(invoice.data["language"]):
        return _draw(invoice.data, invoice.issued_at).finished()


def _draw(data: Mapping[str, Any], issued_at: datetime) -> Document:
    seller, currency = data["seller"], data["currency"]
    is_invoice = data["kind"] == Invoice.Kind.INVOICE
    name = _("Invoice") if is_invoice else _("Credit note")
    paper = Document(
        title=f"{name} {data['number']}",
        colour=seller["colour"],
        made_at=issued_at,
        language=data["language"],
        footer_lines=seller["footer"],
    )
    _seller(paper, seller)
    top = paper.get_y() + 6
    paper.set_y(top)
    paper.label(_("Bill to"), width=LEFT)
    paper.block(_buyer(data["buyer"]), width=LEFT)
    below = paper.get_y()
    paper.set_xy(paper.l_margin + LEFT, top)
    _facts(paper, data)
    paper.set_xy(paper.l_margin, max(below, paper.get_y()) + 8)
    paper.ink(19, paper.brand, bold=True)
    paper.multi_cell(0, 10, paper.drawable(f"{name} {data['number']}"), new_x="LMARGIN", new_y="NEXT")
    paper.ln(2)
    _lines(paper, data)
    paper.ln(3)
    for row in data["taxes"]:
        if row["tax"]:
            paper.sum_line(_("Net, taxed at %s%%") % _rate(row["rate"]), paper.amount(row["net"], currency))
            paper.sum_line(_("Tax %s%%") % _rate(row["rate"]), paper.amount(row["tax"], currency))
        else:
            paper.sum_line(_("Without tax"), paper.amount(row["net"], currency))
    paper.sum_line(_("Total") if is_invoice else _("Credited"), paper.amount(data["total"], currency), strong=True)
    paper.ln(4)
    if data["paid_on"]:
        paper.block([_("Paid on %s. Nothing is left to pay.") % _day(data["paid_on"])])
    if data["corrects"]:
        paper.block([_("This takes back what it lists of invoice %s.") % data["corrects"]])
    return paper


def _seller(paper: Document, seller: Mapping[str, Any]) -> None:
    content = logo_content(seller["logo"])
    if content:
        paper.picture(content, height=16, most=60)
        paper.set_xy(paper.l_margin, paper.get_y() + 3)
    paper.ink(13, paper.brand, bold=True)
    paper.multi_cell(0, 7, paper.drawable(seller["name"]), new_x="LMARGIN", new_y="NEXT")
    tax_id = [_("Tax number: %s") % seller["tax_id"]] if seller["tax_id"] else []
    paper.block([*seller["address"], *tax_id], size=8.5)


def _buyer(buyer: Mapping[str, Any]) -> list[str]:
    tax_id = [_("Tax number: %s") % buyer["tax_id"]] if buyer.get("tax_id") else []
    return [each for each in (buyer["name"], *buyer["address"], *tax_id, buyer["email"]) if each]


def _facts(paper: Document, data: Mapping[str, Any]) -> None:
    facts = [(_("Document number"), data["number"]), (_("Date"), _day(data["issued_on"])), (_("Order"), data["order"])]
    if data["corrects"]:
        facts.append((_("For invoice"), data["corrects"]))
    for name, value in facts:
        left = paper.get_x()
        paper.label(name, width=26)
        paper.set_xy(left + 26, paper.get_y() - 5)
        paper.ink(9.5, bold=True)
        paper.multi_cell(RIGHT - 26, 5, paper.drawable(value), align="R", new_x="LMARGIN", new_y="NEXT")
        paper.set_x(left)


def _lines(paper: Document, data: Mapping[str, Any]) -> None:
    currency = data["currency"]
    discounted = any(each["discount"] for each in data["lines"])
    columns = [Column(_("Item"), 72), Column(_("Qty"), 16, "RIGHT"), Column(_("Price"), 28, "RIGHT")]
    if discounted:
        columns.append(Column(_("Discount"), 26, "RIGHT"))
    columns += [Column(_("Tax"), 16, "RIGHT"), Column(_("Total"), 30, "RIGHT")]
    rows = []
    for each in grouped(data["lines"]):
        row = [each["title"], str(each["quantity"]), paper.amount(each["unit"], currency)]
        if discounted:
            row.append(paper.amount(-each["discount"], currency) if each["discount"] else "")
        rows.append([*row, f"{_rate(each['rate'])}%", paper.amount(each["total"], currency)])
    paper.rows(columns, rows)


def grouped(lines: Any) -> list[dict[str, Any]]:
    """The lines as they are read: admissions of one kind at one price are one row with their number."""
    rows: dict[tuple[Any, ...], dict[str, Any]] = {}
    for each in lines:
        alike = (each["title"], each["unit"], each["rate"], each["discount"], each["total"], each["tax"])
        if each["quantity"] != 1 or alike not in rows:
            rows[alike if each["quantity"] == 1 else (*alike, each["key"])] = dict(each)
            continue
        row = rows[alike]
        for name in ("quantity", "discount", "total", "tax"):
            row[name] += each[name]
    return list(rows.values())


def _rate(rate: str) -> str:
    return number_format(rate, use_l10n=True)


def _day(iso: str) -> str:
    return format_date(date.fromisoformat(iso), "j E Y")
