"""Whom invoices are made out to, and what leads to their doors (P3). Numbers, lines, sums are the books: they stay."""

from shared_apps.core.personal import Person, Rows, harmless, hold
from tenant_apps.orders.invoice_models import Invoice
from tenant_apps.orders.parcel_models import Parcel
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


def _parcels(person: Person) -> Rows:
    mine = Parcel.objects.filter(order__in=own_orders(person).values("pk")).order_by("shipped_at")
    return mine.values("order__code", "carrier", "tracking_number", "shipped_at")


def _end_parcels(person: Person) -> int:
    """A carrier's number leads to a name and a door."""
    return Parcel.objects.filter(order__in=own_orders(person).values("pk")).update(tracking_number="")


hold("parcels", "orders.Parcel", {"tracking_number"}, export=_parcels, erase=_end_parcels, order=5)
harmless("orders.Parcel", {"carrier"}, "which company carried it")
