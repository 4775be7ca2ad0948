"""One line of an order: cancelled by itself, or for somebody else to come with; and the staff's notes on an order."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api.permissions import OWN
from api.v1.orders import presentation
from api.v1.orders.serializers import LineChangeInput, NoteInput, NoteSerializer, OrderSerializer, ReasonInput
from api.v1.orders.visibility import Sight, see, touch, whole
from api.views import APIView
from shared_apps.core.errors import FieldError, Forbidden, InvalidInput, NotFound
from tenant_apps.orders import attendees, notes
from tenant_apps.orders.models import OrderNote
from tenant_apps.payments.line_refunds import cancel_lines
from tenant_apps.staff.permissions import allowed

MOST_LINES = 500


def wanted_lines(request: Request) -> list[UUID] | None:
    """The lines that `?lines=` names, None for all. Raises InvalidInput."""
    given = request.query_params.get("lines")
    if given is None:
        return None
    try:
        found = [UUID(each.strip()) for each in given.split(",")]
    except ValueError:
        found = []
    if not 0 < len(found) <= MOST_LINES:
        raise InvalidInput(errors=[FieldError("lines", "invalid", "Ids of lines, with commas between them.")])
    return found


def _line_to_change(request: Request, code: str, pk: UUID) -> Sight:
    """How the caller sees an order of which they may change this line: a buyer any, staff by role, or by a grant on the
    line's event. Raises NotFound, and Forbidden for what they may see but not change."""
    sight = see(request, code)
    line = next((each for each in sight.lines() if each.pk == pk), None)
    if line is None:
        raise NotFound
    if not sight.as_buyer and not allowed(request.user, "change_orders", line.event):
        raise Forbidden
    return sight


class LineView(APIView):
    """Who comes with a ticket."""

    permissions = {"patch": OWN}
    staff_too = {"patch": "change_orders"}
    scope = "object"

    @extend_schema(operation_id="orders_lines_update", request=LineChangeInput, responses=OrderSerializer)
    def patch(self, request: Request, code: str, pk: UUID) -> Response:
        sight = _line_to_change(request, code, pk)
        wanted = LineChangeInput(data=request.data)
        wanted.is_valid(raise_exception=True)
        attendees.change_attendee(
            sight.order, pk, actor=request.user, by_staff=not sight.as_buyer, **wanted.validated_data["attendee"]
        )
        return Response(whole(see(request, code)))


class LineCancelView(APIView):
    """Cancel one line; what that comes to, `GET orders/{code}/cancel/?lines=` tells first."""

    permissions = {"post": OWN}
    staff_too = {"post": "change_orders"}
    scope = "object"

    @extend_schema(operation_id="orders_lines_cancel", request=ReasonInput, responses=OrderSerializer)
    def post(self, request: Request, code: str, pk: UUID) -> Response:
        wanted = ReasonInput(data=request.data)
        wanted.is_valid(raise_exception=True)
        sight = _line_to_change(request, code, pk)
        cancel_lines(
            sight.order,
            [pk],
            actor=request.user,
            by_staff=not sight.as_buyer,
            reason=wanted.validated_data["reason"],
        )
        return Response(whole(see(request, code)))


class _Notes(APIView):
    scope = "object"


class NotesView(_Notes):
    """What staff wrote down about an order; its buyer never sees it."""

    permissions = {"get": "view_orders", "post": "change_orders"}

    @extend_schema(operation_id="orders_notes_list", responses=NoteSerializer(many=True))
    def get(self, request: Request, code: str) -> Response:
        order = touch(request, code, "view_orders")
        return Response([presentation.note_json(note) for note in order.notes.all()])

    @extend_schema(operation_id="orders_notes_create", request=NoteInput, responses={201: NoteSerializer})
    def post(self, request: Request, code: str) -> Response:
        order = touch(request, code, "change_orders")
        wanted = NoteInput(data=request.data)
        wanted.is_valid(raise_exception=True)
        note = notes.write_note(order, wanted.validated_data["text"], actor=request.user)
        return Response(presentation.note_json(note), status=201)


class NoteView(_Notes):
    permissions = {"delete": "change_orders"}

    @extend_schema(operation_id="orders_notes_delete", responses={204: None})
    def delete(self, request: Request, code: str, pk: int) -> Response:
        order = touch(request, code, "change_orders")
        found: Any = OrderNote.objects.select_related("order").filter(order=order, pk=pk).first()
        if found is None:
            raise NotFound
        notes.delete_note(found, actor=request.user)
        return Response(status=204)
