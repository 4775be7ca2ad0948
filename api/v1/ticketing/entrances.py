"""An event's zones, and what staff do at an entrance besides scanning: look up, check in by hand, read back."""

from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api.pagination import Cursor, Pages
from api.scoping import EventScoped
from api.v1.ticketing.check_in import AtList
from api.v1.ticketing.presentation import answer_json, check_in_json, found_json, zone_json
from api.v1.ticketing.serializers import (
    ByHandInput,
    CheckInSerializer,
    EmptiedSerializer,
    FoundTicketsSerializer,
    ScanSerializer,
    ZoneSerializer,
)
from api.views import APIView
from shared_apps.core.errors import FieldError, InvalidInput, NotFound
from tenant_apps.ticketing import by_hand, entrances, history
from tenant_apps.ticketing.models import CheckInZone


class _Zones(EventScoped, APIView):
    parameters = frozenset()

    def zones(self) -> Any:
        return self.event.check_in_zones.select_related("event").prefetch_related("lists")

    def one(self, pk: int) -> CheckInZone:
        found: CheckInZone | None = self.zones().filter(pk=pk).first()
        if found is None:
            raise NotFound
        return found

    def wanted(self, request: Request, *, partial: bool) -> dict[str, Any]:
        shape = ZoneSerializer(data=request.data, partial=partial)
        shape.is_valid(raise_exception=True)
        return dict(shape.validated_data)


class ZonesView(_Zones):
    """The zones of an event."""

    permissions = {"get": "check_in", "post": "check_in"}

    @extend_schema(operation_id="check_in_zones_list", responses=ZoneSerializer(many=True))
    def get(self, request: Request, event: str) -> Response:
        pages = Pages()
        page: list[Any] = pages.paginate_queryset(self.zones().order_by("pk"), request, view=self) or []
        return pages.get_paginated_response([zone_json(row) for row in page])

    @extend_schema(operation_id="check_in_zones_create", request=ZoneSerializer, responses={201: ZoneSerializer})
    def post(self, request: Request, event: str) -> Response:
        made = entrances.create_zone(self.event, actor=request.user, **self.wanted(request, partial=False))
        return Response(zone_json(self.one(made.pk)), status=201)


class ZoneView(_Zones):
    permissions = {"get": "check_in", "put": "check_in", "patch": "check_in", "delete": "check_in"}

    @extend_schema(operation_id="check_in_zones_retrieve", responses=ZoneSerializer)
    def get(self, request: Request, event: str, pk: int) -> Response:
        return Response(zone_json(self.one(pk)))

    @extend_schema(operation_id="check_in_zones_replace", request=ZoneSerializer, responses=ZoneSerializer)
    def put(self, request: Request, event: str, pk: int) -> Response:
        fields = self.wanted(request, partial=False)
        return self._change(request, pk, {"capacity": None, **fields})

    @extend_schema(operation_id="check_in_zones_update", request=ZoneSerializer(partial=True), responses=ZoneSerializer)
    def patch(self, request: Request, event: str, pk: int) -> Response:
        return self._change(request, pk, self.wanted(request, partial=True))

    @extend_schema(operation_id="check_in_zones_delete", responses={204: None})
    def delete(self, request: Request, event: str, pk: int) -> Response:
        entrances.delete_zone(self.one(pk), actor=request.user)
        return Response(status=204)

    def _change(self, request: Request, pk: int, fields: dict[str, Any]) -> Response:
        entrances.change_zone(self.one(pk), actor=request.user, **fields)
        return Response(zone_json(self.one(pk)))


class ZoneEmptyView(_Zones):
    """Count everybody in the zone as gone."""

    permissions = {"post": "check_in"}

    @extend_schema(operation_id="check_in_zones_empty", request=None, responses=EmptiedSerializer)
    def post(self, request: Request, event: str, pk: int) -> Response:
        people = entrances.empty_zone(self.one(pk), actor=request.user)
        return Response({**zone_json(self.one(pk)), "gone": people})


class SearchView(AtList):
    """Tickets of the list's event by their holder's name, address, seat or short code; two letters at least."""

    permissions = {"get": "check_in"}
    parameters = frozenset({"search"})

    @extend_schema(
        operation_id="check_in_lists_search",
        parameters=[OpenApiParameter("search", str, required=True)],
        responses=FoundTicketsSerializer,
    )
    def get(self, request: Request, pk: int) -> Response:
        found = by_hand.look_up(self.entrance, request.query_params.get("search", ""))
        return Response({"results": [found_json(ticket) for ticket in found]})


class ByHandView(AtList):
    """Check a ticket in without its code, with the reason why. All rules of the list hold."""

    permissions = {"post": "check_in"}

    @extend_schema(
        operation_id="check_in_lists_by_hand", request=ByHandInput, responses={200: ScanSerializer, 201: ScanSerializer}
    )
    def post(self, request: Request, pk: int) -> Response:
        entrance = self.entrance
        wanted = ByHandInput(data=request.data)
        wanted.is_valid(raise_exception=True)
        fields = dict(wanted.validated_data)
        answer = by_hand.check_in_by_hand(entrance, fields.pop("ticket"), by=request.user, **fields)
        return Response(answer_json(answer), status=200 if answer.repeated else 201)


class CheckInsView(AtList):
    """What the list has answered, newest first."""

    permissions = {"get": "check_in"}
    parameters = frozenset({"outcome", "reason", "direction", "from", "to", "search"})

    @extend_schema(
        operation_id="check_in_lists_check_ins",
        parameters=[
            OpenApiParameter("outcome", str, enum=list(history.OUTCOMES)),
            OpenApiParameter("reason", str),
            OpenApiParameter("direction", str, enum=["in", "out"]),
            OpenApiParameter("from", str, description="The first day, as the event's clock shows it."),
            OpenApiParameter("to", str, description="The last day."),
            OpenApiParameter("search", str, description="Part of the holder's name, or the short code."),
        ],
        responses=CheckInSerializer(many=True),
    )
    def get(self, request: Request, pk: int) -> Response:
        entrance = self.entrance
        given = request.query_params.dict()
        wanted = history.read({**given, "list": str(entrance.pk)})
        kept = wanted.as_query
        if errors := [
            FieldError(name, "invalid", _("There is no such choice."))
            for name in ("outcome", "reason", "direction", "from", "to")
            if given.get(name, "") != kept[name]
        ]:
            raise InvalidInput(errors=errors)
        pages = Cursor()
        pages.ordering = ("-received_at", "-id")
        found = history.answers(entrance.event, wanted)
        page: list[Any] = pages.paginate_queryset(found, request, view=self) or []
        return pages.get_paginated_response([check_in_json(row) for row in history.with_people(page)])
