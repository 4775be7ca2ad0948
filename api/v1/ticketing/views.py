"""Tickets of their holders, over HTTP. Private: nothing of it is kept by caches (T5)."""

from uuid import UUID

from django.http import HttpResponse
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api.permissions import OWN
from api.v1.ticketing.access import see_ticket, sight_of_ticket, touch_ticket
from api.v1.ticketing.life import SECRET, shown
from api.v1.ticketing.serializers import RenameInput, TicketSerializer
from api.views import APIView
from shared_apps.core.errors import FieldError, InvalidInput
from tenant_apps.orders import passing_on, ticket_files
from tenant_apps.ticketing import papers, qr
from tenant_apps.ticketing.codes import code_text

LAYOUT = OpenApiParameter("layout", str, enum=papers.LAYOUTS, description="For the printer, or as wide as a phone.")


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


def layout_of(request: Request) -> papers.Layout:
    """The layout that the query asks for. Raises InvalidInput for one that there is not."""
    given = request.query_params.get("layout", "a4")
    for each in papers.LAYOUTS:
        if each == given:
            return each
    raise InvalidInput(errors=[FieldError("layout", "invalid", _("One of a4, phone."))])


def file(content: bytes, name: str) -> HttpResponse:
    """A PDF that nobody keeps on the way. `name` is ours: ASCII."""
    return HttpResponse(
        content,
        content_type="application/pdf",
        headers={
            "Cache-Control": "no-store",
            "Content-Disposition": f'inline; filename="{name}"',
            "X-Content-Type-Options": "nosniff",
        },
    )


class TicketPdfView(APIView):
    """A ticket as a PDF, in the language that it was bought in. One that no longer admits has none: 409."""

    permissions = {"get": OWN}
    staff_too = {"get": ("view_orders", "check_in")}
    parameters = frozenset({"secret", "layout"})

    @extend_schema(
        operation_id="tickets_pdf",
        parameters=[*SECRET, LAYOUT],
        responses={(200, "application/pdf"): OpenApiTypes.BINARY},
    )
    def get(self, request: Request, pk: UUID) -> HttpResponse:
        ticket, _order_code = see_ticket(request, pk)
        layout = layout_of(request)
        ticket_files.count_asking(ticket)
        return file(ticket_files.ticket_file(ticket.pk, layout=layout), f"ticket-{ticket.short_code}.pdf")
