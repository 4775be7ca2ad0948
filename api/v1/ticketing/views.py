"""Tickets of their holders, over HTTP. Private: nothing of it is kept by caches (T5)."""

from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api.permissions import OWN
from api.v1.ticketing.access import see_ticket, sight_of_ticket, touch_ticket
from api.v1.ticketing.life import SECRET, shown
from api.v1.ticketing.serializers import RenameInput, TicketSerializer
from api.views import APIView
from tenant_apps.orders import passing_on
from tenant_apps.ticketing import qr
from tenant_apps.ticketing.codes import code_text


class TicketView(APIView):
    """One ticket: for its holder, its buyer, whoever holds the order's secret, and staff of the event. PATCH changes
    the name on it."""

    permissions = {"get": OWN, "patch": OWN}
    staff_too = {"get": ("view_orders", "check_in"), "patch": "change_orders"}
    scope = "object"
    parameters = frozenset({"secret"})

    @extend_schema(operation_id="tickets_retrieve", parameters=SECRET, responses=TicketSerializer)
    def get(self, request: Request, pk: UUID) -> Response:
        return Response(shown(sight_of_ticket(request, pk)))

    @extend_schema(operation_id="tickets_rename", parameters=SECRET, request=RenameInput, responses=TicketSerializer)
    def patch(self, request: Request, pk: UUID) -> Response:
        wanted = RenameInput(data=request.data)
        wanted.is_valid(raise_exception=True)
        sight = touch_ticket(request, pk)
        ticket = passing_on.rename(
            sight.ticket, name=wanted.validated_data["holder"]["name"], actor=request.user, by_staff=sight.as_staff
        )
        return Response(shown(sight, ticket))


class TicketQrView(APIView):
    """The QR code of a ticket as a PNG."""

    permissions = {"get": OWN}
    staff_too = {"get": ("view_orders", "check_in")}
    parameters = frozenset({"secret"})

    @extend_schema(operation_id="tickets_qr", parameters=SECRET, responses={(200, "image/png"): OpenApiTypes.BINARY})
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
