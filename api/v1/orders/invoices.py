"""An order's invoices and credit notes over HTTP."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.permissions import OWN
from api.v1.orders.visibility import Sight, see, touch
from api.views import APIView
from shared_apps.core.errors import NotFound
from shared_apps.core.money import to_text
from tenant_apps.orders import invoices
from tenant_apps.orders.invoice_models import Invoice
from tenant_apps.orders.views.invoices import as_file, one_of


class InvoiceSerializer(serializers.Serializer[Any]):
    number = serializers.CharField()
    kind = serializers.ChoiceField(Invoice.Kind.choices)
    corrects = serializers.CharField(allow_null=True, help_text="The invoice that a credit note takes back a part of.")
    issued_at = serializers.DateTimeField()
    total = serializers.CharField()
    tax = serializers.CharField()
    currency = serializers.CharField()


class BuyerInput(serializers.Serializer[Any]):
    """Whom the invoice is made out to; what is left out comes from the order."""

    name = serializers.CharField(max_length=150, required=False, allow_blank=True, default="")
    address = serializers.ListField(
        child=serializers.CharField(max_length=100), max_length=6, required=False, default=list
    )
    tax_id = serializers.CharField(max_length=60, required=False, allow_blank=True, default="")


def invoice_json(invoice: Invoice) -> dict[str, Any]:
    return {
        "number": invoice.number,
        "kind": invoice.kind,
        "corrects": invoice.data["corrects"] or None,
        "issued_at": invoice.issued_at,
        "total": to_text(invoice.total_minor, invoice.currency),
        "tax": to_text(invoice.tax_minor, invoice.currency),
        "currency": invoice.currency,
    }


def _whole(request: Request, code: str) -> Sight:
    """The order, for who may see all of it: a document shows all its lines. Raises NotFound."""
    sight = see(request, code)
    if sight.events is not None and sight.order.lines.exclude(event__in=sight.events).exists():
        raise NotFound
    return sight


class InvoicesView(APIView):
    """The documents of an order; asking for its invoice. It is issued once: asking again answers with the same."""

    permissions = {"get": OWN, "post": OWN}
    staff_too = {"get": "view_orders", "post": "change_orders"}
    scope = "object"
    parameters = frozenset({"secret"})

    @extend_schema(operation_id="orders_invoices_list", responses=InvoiceSerializer(many=True))
    def get(self, request: Request, code: str) -> Response:
        return Response([invoice_json(each) for each in _whole(request, code).order.invoices.all()])

    @extend_schema(operation_id="orders_invoices_create", request=BuyerInput, responses={201: InvoiceSerializer})
    def post(self, request: Request, code: str) -> Response:
        wanted = BuyerInput(data=request.data)
        wanted.is_valid(raise_exception=True)
        sight = _whole(request, code)
        if not sight.as_buyer:
            touch(request, code, "change_orders")
        buyer = invoices.Buyer(**wanted.validated_data)
        issued = invoices.issue(sight.order, buyer, actor=request.user, by_staff=not sight.as_buyer)
        return Response(invoice_json(issued), status=201)


class InvoicePdfView(APIView):
    """The invoice as a PDF, or with `number` another document of the order. Never kept on the way."""

    permissions = {"get": OWN}
    staff_too = {"get": "view_orders"}
    scope = "object"
    parameters = frozenset({"secret", "number"})

    @extend_schema(
        operation_id="orders_invoice_pdf",
        parameters=[OpenApiParameter("number", str, description="A credit note's or the invoice's number.")],
        responses={(200, "application/pdf"): OpenApiTypes.BINARY},
    )
    def get(self, request: Request, code: str) -> Any:
        invoice = one_of(_whole(request, code).order, request.query_params.get("number", ""))
        if invoice is None:
            raise NotFound
        return as_file(invoice)
