"""Invoices and credit notes as files: for the buyer by the order's secret (T5), for staff by their rights."""

import uuid

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.crypto import constant_time_compare
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from shared_apps.core.access import own, staff
from shared_apps.core.errors import DomainError
from tenant_apps.orders import invoices
from tenant_apps.orders.invoice_models import Invoice
from tenant_apps.orders.invoice_pdf import pdf
from tenant_apps.orders.models import Order
from tenant_apps.orders.views.dashboard import for_change, whole_for


def as_file(invoice: Invoice) -> HttpResponse:
    """The PDF as an answer that nobody keeps on the way."""
    response = HttpResponse(pdf(invoice), content_type="application/pdf")
    # Letters of any script are allowed in numbers: Django writes such a name as RFC 6266 has it.
    response.headers["Content-Disposition"] = _disposition(f"{invoice.number}.pdf".replace("/", "-"))
    response["Cache-Control"] = "no-store, private"
    response["X-Robots-Tag"] = "noindex"
    response["X-Content-Type-Options"] = "nosniff"
    return response


def _disposition(name: str) -> str:
    return content_disposition_header(False, name) or "inline"


def one_of(order: Order, number: str) -> Invoice | None:
    """The order's document with this number; its invoice where none is named."""
    if number:
        return order.invoices.filter(number=number[:40]).first()
    return order.invoices.filter(kind=Invoice.Kind.INVOICE).first()


@own
@never_cache
@require_safe
def mine(request: HttpRequest, code: str, secret: str) -> HttpResponse:
    """The buyer's invoice, or with `?number=` another document of the order."""
    invoice = one_of(opened(code, secret), request.GET.get("number", ""))
    if invoice is None:
        raise Http404
    return as_file(invoice)


@own
@never_cache
@require_POST
def ask(request: HttpRequest, code: str, secret: str) -> HttpResponse:
    """The buyer asks for an invoice, made out to whom they say."""
    order = opened(code, secret)
    address = [line.strip()[:100] for line in request.POST.get("address", "").splitlines()[:6] if line.strip()]
    buyer = invoices.Buyer(
        name=request.POST.get("name", "").strip()[:150],
        address=[_visible(line) for line in address],
        tax_id=_visible(request.POST.get("tax_id", "").strip()[:60]),
    )
    try:
        invoices.issue(order, buyer, actor=request.user if request.user.is_authenticated else None)
    except DomainError as refusal:
        messages.error(request, str(refusal))
    return redirect("storefront-order", code=order.code, secret=order.secret)


def _visible(text: str) -> str:
    return "".join(character for character in text if character.isprintable())


@staff("view_orders")
@never_cache
@require_safe
def for_staff(request: HttpRequest, code: str, pk: uuid.UUID) -> HttpResponse:
    """A document of an order that one may see the whole of."""
    order = whole_for(request.user, code)
    invoice = order.invoices.filter(pk=pk).first()
    if invoice is None:
        raise Http404
    return as_file(invoice)


@staff("change_orders")
@require_POST
def issue(request: HttpRequest, code: str) -> HttpResponse:
    """Issue the invoice of a paid order that has none."""
    order = for_change(request.user, code)
    try:
        invoice = invoices.issue(order, actor=request.user, by_staff=True)
        messages.success(request, _("Invoice %s is issued.") % invoice.number)
    except DomainError as refusal:
        messages.error(request, str(refusal))
    return redirect("dashboard-order", code=order.code)


def opened(code: str, secret: str) -> Order:
    """Return the order that the secret opens. Raises Http404."""
    found = Order.objects.filter(code=code.upper()).first()
    # Compared outside SQL in constant time; an unknown code and a wrong secret look alike (T5).
    if found is None or not constant_time_compare(secret, found.secret):
        raise Http404
    return found
