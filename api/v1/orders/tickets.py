"""An order's tickets in one file, over HTTP."""

from django.http import HttpResponse
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request

from api.permissions import OWN
from api.v1.orders.visibility import see
from api.v1.ticketing.views import LAYOUT, file, layout_of
from api.views import APIView
from shared_apps.core.errors import FieldError, InvalidInput
from tenant_apps.orders import ticket_files


class OrderTicketsView(APIView):
    """The order's tickets as a PDF, a page each; for staff with grants on single events, those of these events.

    A file holds at most 100 tickets; `part` asks for the next ones. Those that no longer admit are left out, and 409
    says that none is left.
    """

    permissions = {"get": OWN}
    staff_too = {"get": "view_orders"}
    scope = "object"
    parameters = frozenset({"secret", "layout", "part"})

    @extend_schema(
        operation_id="orders_tickets_pdf",
        parameters=[
            OpenApiParameter("secret", str, description="The order's secret, for a guest."),
            LAYOUT,
            OpenApiParameter("part", int, description="Which hundred of the tickets; 1 by default."),
        ],
        responses={(200, "application/pdf"): OpenApiTypes.BINARY},
    )
    def get(self, request: Request, code: str) -> HttpResponse:
        sight = see(request, code)
        layout, part = layout_of(request), _part(request)
        ticket_files.count_asking(sight.order)
        content = ticket_files.order_file(
            sight.order, layout=layout, part=part, events=sight.events, by_staff=not sight.as_buyer
        )
        return file(content, f"tickets-{sight.order.code}.pdf")


def _part(request: Request) -> int:
    given = request.query_params.get("part", "1")
    if given.isascii() and given.isdigit() and 0 < len(given) < 5 and int(given):
        return int(given)
    raise InvalidInput(errors=[FieldError("part", "invalid", _("A whole number from 1."))])
