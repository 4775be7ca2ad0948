"""What becomes of a ticket, over HTTP: passed on, renamed, given another code, withdrawn; and an event's keys."""

from typing import Any
from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.idempotency import idempotent
from api.permissions import OWN
from api.scoping import EventScoped
from api.v1.ticketing.access import TicketSight, ticket_for_staff, touch_ticket
from api.v1.ticketing.presentation import history_json, key_json, revocations_json, ticket_json
from api.v1.ticketing.serializers import (
    EventKeySerializer,
    RevocationsSerializer,
    RevokeInput,
    TicketHistorySerializer,
    TicketSerializer,
    TransferInput,
)
from api.views import APIView
from tenant_apps.activity.models import AuditEntry
from tenant_apps.orders import passing_on
from tenant_apps.ticketing import key_life, lifecycle
from tenant_apps.ticketing.models import CheckIn, EventKey, Ticket

SECRET = [
    OpenApiParameter(
        "secret",
        str,
        description="For a guest: the order's secret, or of a ticket that was passed on its own; or X-Order-Secret.",
    )
]


def shown(sight: TicketSight, ticket: Ticket | None = None) -> dict[str, Any]:
    """The ticket with its code, if that is the caller's to show at the door."""
    return ticket_json(ticket or sight.ticket, sight.order_code, with_code=sight.as_holder or sight.as_staff)


def _wanted(shape: type[serializers.Serializer[Any]], request: Request) -> dict[str, Any]:
    given = shape(data=request.data)
    given.is_valid(raise_exception=True)
    return dict(given.validated_data)


class _OnTicket(APIView):
    scope = "object"
    parameters = frozenset({"secret"})


class TransferView(_OnTicket):
    """Pass a ticket on: the old code is dead at once, the new holder gets theirs by mail, and nobody else."""

    permissions = {"post": OWN}
    staff_too = {"post": "change_orders"}

    @extend_schema(
        operation_id="tickets_transfer", parameters=SECRET, request=TransferInput, responses={201: TicketSerializer}
    )
    @idempotent(required=True)
    def post(self, request: Request, pk: UUID) -> Response:
        wanted = _wanted(TransferInput, request)
        sight = touch_ticket(request, pk)
        new = passing_on.pass_on(sight.ticket, actor=request.user, by_staff=sight.as_staff, **wanted)
        # To whoever passed it on it is a ticket like any other of somebody else's.
        return Response(ticket_json(new, sight.order_code, with_code=False), status=201)


class ReissueView(_OnTicket):
    """Another code for a ticket whose code was lost or seen by others; the one it had is dead at once."""

    permissions = {"post": OWN}
    staff_too = {"post": "change_orders"}

    @extend_schema(operation_id="tickets_reissue", parameters=SECRET, request=None, responses=TicketSerializer)
    @idempotent(required=False)
    def post(self, request: Request, pk: UUID) -> Response:
        sight = touch_ticket(request, pk)
        ticket = lifecycle.reissue(sight.ticket, actor=request.user, by_staff=sight.as_staff)
        return Response(shown(sight, ticket))


class TicketResendView(_OnTicket):
    """Mail a ticket to its holder again."""

    permissions = {"post": "change_orders"}

    @extend_schema(operation_id="tickets_resend", request=None, responses={202: TicketSerializer})
    @idempotent(required=False)
    def post(self, request: Request, pk: UUID) -> Response:
        sight = ticket_for_staff(request, pk, "change_orders")
        return Response(shown(sight, lifecycle.resend(sight.ticket, actor=request.user)), status=202)


class RevokeView(_OnTicket):
    """Withdraw a ticket: nobody is admitted with it. Its order and its money stay as they are."""

    permissions = {"post": "change_orders"}

    @extend_schema(operation_id="tickets_revoke", request=RevokeInput, responses=TicketSerializer)
    def post(self, request: Request, pk: UUID) -> Response:
        wanted = _wanted(RevokeInput, request)
        sight = ticket_for_staff(request, pk, "change_orders")
        return Response(shown(sight, lifecycle.revoke(sight.ticket, actor=request.user, **wanted)))


class ReinstateView(_OnTicket):
    """Make a withdrawn ticket good again."""

    permissions = {"post": "change_orders"}

    @extend_schema(operation_id="tickets_reinstate", request=None, responses=TicketSerializer)
    def post(self, request: Request, pk: UUID) -> Response:
        sight = ticket_for_staff(request, pk, "change_orders")
        return Response(shown(sight, lifecycle.reinstate(sight.ticket, actor=request.user)))


class TicketHistoryView(_OnTicket):
    """Through whose hands a ticket went, what was done to it, and where it was scanned; for staff."""

    permissions = {"get": "view_orders"}
    parameters = frozenset()

    @extend_schema(operation_id="tickets_history", responses=TicketHistorySerializer)
    def get(self, request: Request, pk: UUID) -> Response:
        sight = ticket_for_staff(request, pk, "view_orders")
        chain = passing_on.chain_of(sight.ticket)
        entries = AuditEntry.objects.filter(target__in=[f"ticketing.ticket:{each.pk}" for each in chain])
        scans = CheckIn.objects.filter(ticket__in=chain).select_related("check_in_list")
        return Response(history_json(chain, entries.order_by("at", "pk")[:500], scans.order_by("received_at")[:500]))


class EventKeysView(EventScoped, APIView):
    """The keys that sign an event's codes; the newest signs."""

    permissions = {"get": "change_event", "post": "change_event"}
    parameters = frozenset()

    @extend_schema(operation_id="event_keys_list", responses=EventKeySerializer(many=True))
    def get(self, request: Request, event: str) -> Response:
        return Response([key_json(key) for key in key_life.keys_of_event(self.event)])

    @extend_schema(
        operation_id="event_keys_rotate",
        request=None,
        responses={201: EventKeySerializer},
        description="Have a new key sign from now on. Codes that are out stay good.",
    )
    @idempotent(required=False)
    def post(self, request: Request, event: str) -> Response:
        key = key_life.rotate(self.event, actor=request.user)
        return Response(key_json(_counted(self.event, key)), status=201)


class EventKeyRevokeView(EventScoped, APIView):
    """Disown a key that others may have: all its codes are refused at once, and holders get new ones by mail."""

    permissions = {"post": "change_event"}

    @extend_schema(operation_id="event_keys_revoke", request=RevokeInput, responses=EventKeySerializer)
    def post(self, request: Request, event: str, key_id: str) -> Response:
        wanted = _wanted(RevokeInput, request)
        key = key_life.revoke_key(self.event, key_id, actor=request.user, **wanted)
        return Response(key_json(_counted(self.event, key)))


def _counted(event: Any, key: EventKey) -> Any:
    return next(each for each in key_life.keys_of_event(event) if each.pk == key.pk)


class RevocationsView(EventScoped, APIView):
    """What a scanner without network must refuse although its signature is good. Ask again with `since=` the `until`
    of the last answer; the first time without."""

    permissions = {"get": "check_in"}
    parameters = frozenset({"since"})

    @extend_schema(
        operation_id="event_revocations",
        parameters=[OpenApiParameter("since", OpenApiTypes.DATETIME, description="`until` of the last answer.")],
        responses=RevocationsSerializer,
    )
    def get(self, request: Request, event: str) -> Response:
        since = None
        if "since" in request.query_params:
            since = serializers.DateTimeField().run_validation(request.query_params["since"])
        return Response(revocations_json(key_life.revocations(self.event, since)))
