"""Whom invoices are made out to (P3). The numbers, the lines and the sums stay: they are the tenant's books."""

from shared_apps.core.personal import Person, Rows, harmless, hold
from tenant_apps.orders.invoice_models import Invoice
from tenant_apps.orders.personal import own_orders


def _invoices(person: Person) -> Rows:
    for invoice in Invoice.objects.filter(order__in=own_orders(person).values("pk")).select_related("order"):
        yield {
            "number": invoice.number,
            "kind": invoice.kind,
            "issued_at": invoice.issued_at,
            "order": invoice.data["order"],
            "buyer": invoice.data["buyer"],
            "lines": invoice.data["lines"],
            "total_minor": invoice.total_minor,
            "tax_minor": invoice.tax_minor,
            "currency": invoice.currency,
        }


def _end_invoices(person: Person) -> int:
    """The one change that an issued document knows: its buyer is nobody any more."""
    mine = Invoice.objects.filter(order__in=own_orders(person).values("pk"))
    nobody = {"name": "", "email": person.alias, "address": [], "tax_id": ""}
    for invoice in mine:
        Invoice.objects.filter(pk=invoice.pk).update(data={**invoice.data, "buyer": nobody})
    return len(mine)


# Before the orders: they are found through them.
hold("invoices", "orders.Invoice", {"data"}, export=_invoices, erase=_end_invoices, order=5)
harmless("orders.Invoice", {"number", "cause"}, "what the document is called, and what it was issued for")
harmless("orders.DocumentCounter", {"name"}, "what is counted")
