"""Issuing invoices and credit notes: each number once, none left out, nothing changed afterwards.

The counter's row is locked last of all (M2) and in the transaction of what the document is about: a payment that is
rolled back takes its number with it, and nobody waits for more than the few statements that are left.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import override

from shared_apps.core.clock import local
from shared_apps.core.money import tax_included
from tenant_apps.activity.services import made, record
from tenant_apps.orders import invoice_data
from tenant_apps.orders.errors import NothingToInvoice
from tenant_apps.orders.invoice_models import DocumentCounter, Invoice
from tenant_apps.orders.models import Order, OrderLine
from tenants.context import current_tenant
from tenants.database import connection
from tenants.models import Tenant
from tenants.preferences import preference

COUNTER = "documents"
AUTOMATIC, ON_REQUEST = "paid", "on_request"


@dataclass(frozen=True, slots=True)
class Buyer:
    """Who an invoice is made out to, where that is not just the order's buyer."""

    name: str = ""
    address: Sequence[str] = ()
    tax_id: str = ""


def issue_if_due(order: Order) -> Invoice | None:
    """Issue a paid order's invoice, if the tenant has that done by itself and money was owed.

    Runs in the transaction of the payment, as its last act; the order is locked already.
    """
    if not order.total_minor or preference(current_tenant(), "invoices") != AUTOMATIC:
        return None
    return order.invoices.filter(kind=Invoice.Kind.INVOICE).first() or _issue(order, Buyer(), None)


@transaction.atomic
def issue(order: Order, buyer: Buyer | None = None, *, actor: Any = None, by_staff: bool = False) -> Invoice:
    """Issue the invoice of a paid order, or return the one that there is.

    Buyers may ask where the tenant lets them. Raises NothingToInvoice.
    """
    order = Order.objects.select_for_update(no_key=True).get(pk=order.pk)
    found: Invoice | None = order.invoices.filter(kind=Invoice.Kind.INVOICE).first()
    if found is not None:
        return found
    if not may_ask(order, by_staff=by_staff):
        raise NothingToInvoice
    invoice = _issue(order, buyer or Buyer(), actor)
    if order.refunded_minor:
        credit(order, order.refunded_minor, cause=f"before:{order.pk}", actor=actor)
    return invoice


def may_ask(order: Order, *, by_staff: bool = False) -> bool:
    """Whether an invoice can be asked for: money came in for the order, and the tenant gives invoices."""
    if order.paid_at is None or not order.total_minor:
        return False
    return by_staff or preference(current_tenant(), "invoices") in (AUTOMATIC, ON_REQUEST)


def credit(order: Order, amount_minor: int, *, cause: str, actor: Any = None) -> Invoice | None:
    """Take an amount of the order's invoice back by a credit note, once for each cause; None without an invoice.

    Runs in the transaction in which the money went back, with the order locked. What was cancelled is taken back
    before what was not.
    """
    invoice = order.invoices.filter(kind=Invoice.Kind.INVOICE).first()
    if invoice is None or Invoice.objects.filter(cause=cause).exists():
        return None
    gone = order.lines.filter(status=OrderLine.Status.CANCELLED)
    promised = {str(line.pk): line.total_minor if line.returned_minor is None else line.returned_minor for line in gone}
    lines = _left_of(invoice, amount_minor, promised)
    if not lines:
        return None
    facts = {"buyer": invoice.data["buyer"], "corrects": invoice.number, "lines": lines}
    return _write(order, Invoice.Kind.CREDIT_NOTE, facts, cause=cause, corrects=invoice, actor=actor)


def _left_of(invoice: Invoice, amount_minor: int, promised: Mapping[str, int]) -> list[invoice_data.Line]:
    notes = list(invoice.credit_notes.values_list("data", flat=True))
    return invoice_data.take_back(invoice_data.credited(invoice.data["lines"], notes), amount_minor, promised)


def _issue(order: Order, buyer: Buyer, actor: Any) -> Invoice:
    tenant = current_tenant()
    with override(_language(order, tenant)):
        lines = lines_of(order)
    paid = local(order.paid_at or timezone.now(), tenant.timezone).date()
    facts = {"buyer": _buyer(order, buyer), "lines": lines, "paid_on": paid}
    return _write(order, Invoice.Kind.INVOICE, facts, cause=f"order:{order.pk}", corrects=None, actor=actor)


def lines_of(order: Order) -> list[invoice_data.Line]:
    """What an order is paid for: its lines, its fees, its delivery, in the words of the active language."""
    lines = [
        invoice_data.line(
            str(line.pk),
            line.title,
            total=line.total_minor,
            tax=line.tax_minor,
            rate=line.tax_rate,
            quantity=line.quantity,
            unit=line.unit_price_minor,
            discount=line.discount_minor,
        )
        for line in order.lines.filter(charged=True).order_by("position")
    ]
    for number, fee in enumerate(order.fees):
        title, total = fee.get("name") or _("Fee"), fee["amount_minor"]
        lines.append(_extra(f"fee:{number}", title, total, fee.get("tax_minor", 0), lines))
    if order.delivery_minor:
        # What tax is left is that of delivery: the order's is the sum of all.
        tax = order.tax_minor - sum(each["tax"] for each in lines)
        title = str(order.delivery.get("method") or _("Delivery"))
        lines.append(_extra("delivery", title, order.delivery_minor, max(0, tax), lines))
    return [each for each in lines if each["total"]]


def _extra(key: str, title: str, total: int, tax: int, lines: Sequence[invoice_data.Line]) -> invoice_data.Line:
    """What is no line of the order. Its rate was not kept: it is the tenant's or a line's, whichever makes this tax;
    from a few cents of tax alone no rate can be told."""
    known = [Decimal(preference(current_tenant(), "tax_rate")), *(Decimal(each["rate"]) for each in lines)]
    rate = next((each for each in known if tax_included(total, each) == tax), None) if tax else Decimal(0)
    return invoice_data.line(key, title, total=total, tax=tax, rate=rate)


def _write(
    order: Order, kind: Invoice.Kind, facts: dict[str, Any], *, cause: str, corrects: Invoice | None, actor: Any
) -> Invoice:
    tenant = current_tenant()
    prefix = preference(tenant, "invoice_prefix" if kind == Invoice.Kind.INVOICE else "credit_note_prefix")
    at = timezone.now()
    seller = _seller(tenant)
    sequence = _next_number(preference(tenant, "invoice_start"))
    data = invoice_data.document(
        kind=kind,
        number=f"{prefix}{sequence}",
        issued_on=local(at, tenant.timezone).date(),
        currency=order.currency,
        language=_language(order, tenant),
        order=order.code,
        seller=seller,
        **facts,
    )
    issued = Invoice.objects.create(
        kind=kind,
        order=order,
        corrects=corrects,
        cause=cause,
        sequence=sequence,
        number=data["number"],
        currency=order.currency,
        total_minor=data["total"],
        tax_minor=data["tax"],
        data=data,
        issued_at=at,
    )
    told = made(number=issued.number, total_minor=issued.total_minor, currency=issued.currency)
    record(f"order.{kind}_issued", order, actor=actor, details={"number": issued.number, **told}, deliver=False)
    return issued


def _next_number(start: int) -> int:
    """Take the next number, and the counter's lock until the commit. A start that is lower changes nothing."""
    table = connection.ops.quote_name(DocumentCounter._meta.db_table)
    statement = (
        f"INSERT INTO {table} AS counter (name, last) VALUES (%s, %s)"  # noqa: S608  (our own table)
        " ON CONFLICT (name) DO UPDATE SET last = GREATEST(counter.last + 1, EXCLUDED.last) RETURNING last"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, [COUNTER, start])
        return int(cursor.fetchone()[0])


def _seller(tenant: Tenant) -> dict[str, Any]:
    return {
        "name": preference(tenant, "seller_name") or tenant.name,
        "address": preference(tenant, "seller_address"),
        "tax_id": preference(tenant, "seller_tax_id"),
        "colour": tenant.colour,
        "logo": tenant.logo,
        "footer": preference(tenant, "invoice_footer"),
    }


def _buyer(order: Order, asked: Buyer) -> dict[str, Any]:
    return {
        "name": asked.name or order.name or order.delivery.get("name", ""),
        "email": order.email,
        "address": list(asked.address) or address_lines(order.delivery),
        "tax_id": asked.tax_id,
    }


def address_lines(delivery: dict[str, Any]) -> list[str]:
    """An address as it is written on paper; empty without one."""
    street = " ".join(str(delivery.get(part) or "") for part in ("street", "house")).strip()
    if flat := str(delivery.get("apartment") or delivery.get("flat") or "").strip():
        street = f"{street}, {flat}"
    town = " ".join(str(delivery.get(part) or "") for part in ("postcode", "city")).strip()
    country = str(delivery.get("country") or "").strip()
    return [each for each in (street, town, country) if each]


def _language(order: Order, tenant: Tenant) -> str:
    return order.language or tenant.language or "en"
