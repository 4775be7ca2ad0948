"""Tickets of their holders, over HTTP. Private: nothing of it is kept by caches (T5)."""

from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api.permissions import OWN
from api.v1.ticketing.access import see_ticket
from api.v1.ticketing.presentation import ticket_json
from api.v1.ticketing.serializers import TicketSerializer
from api.views import APIView
from tenant_apps.ticketing import qr
from tenant_apps.ticketing.codes import code_text

_SECRET = [
    OpenApiParameter("secret", str, description="The order's secret, for a guest; or the header X-Order-Secret.")
]


class TicketView(APIView):
    """One ticket: for its buyer, for whoever holds the order's secret, for staff of the event."""

    permissions = {"get": OWN}
    staff_too = {"get": ("view_orders", "check_in")}
    parameters = frozenset({"secret"})

    @extend_schema(operation_id="tickets_retrieve", parameters=_SECRET, responses=TicketSerializer)
    def get(self, request: Request, pk: UUID) -> Response:
        return Response(ticket_json(*see_ticket(request, pk)))


class TicketQrView(APIView):
    """The QR code of a ticket as a PNG."""

    permissions = {"get": OWN}
    staff_too = {"get": ("view_orders", "check_in")}
    parameters = frozenset({"secret"})

    @extend_schema(operation_id="tickets_qr", parameters=_SECRET, responses={(200, "image/png"): OpenApiTypes.BINARY})
    def get(self, request: Request, pk: UUID) -> HttpResponse:
        ticket, _order_code = see_ticket(request, pk)
        return HttpResponse(
            qr.png(code_text(ticket)),
            content_type="image/png",
            headers={
                "Cache-Control": "no-store",
                "Content-Disposition": f'inline; filename="ticket-{ticket.short_code}.png"',
                "X-Content-Type-Options": "nosniff",
            },
        )
