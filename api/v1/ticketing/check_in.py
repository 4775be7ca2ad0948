"""The door, over HTTP: check-in lists below their event, and what is scanned at them."""

from typing import Any

from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api.pagination import Pages
from api.scoping import EventScoped
from api.v1.ticketing.presentation import answer_json, list_json, numbers_json
from api.v1.ticketing.serializers import (
    CheckInListSerializer,
    ListNumbersSerializer,
    ScanSerializer,
)
from api.views import APIView
from shared_apps.core.errors import FieldError, InvalidInput, NotFound
from tenant_apps.staff.permissions import allowed
from tenant_apps.ticketing import live, scanning, services
from tenant_apps.ticketing.models import CheckInList
from tenant_apps.ticketing.scanning import ScanAnswer


class _Lists(EventScoped, APIView):
    parameters = frozenset()

    def lists(self) -> Any:
        return CheckInList.objects.filter(event=self.event).select_related("event").prefetch_related("ticket_types")

    def one(self, pk: int) -> CheckInList:
        found: CheckInList | None = self.lists().filter(pk=pk).first()
        if found is None:
            raise NotFound
        return found

    def wanted(self, request: Request, *, partial: bool) -> dict[str, Any]:
        shape = CheckInListSerializer(data=request.data, partial=partial)
        shape.is_valid(raise_exception=True)
        fields = dict(shape.validated_data)
        if "ticket_types" in fields:
            ids = fields["ticket_types"]
            types = {row.pk: row for row in self.event.ticket_types.filter(pk__in=ids)}
            if errors := [
                FieldError(f"ticket_types.{place}", "does_not_exist", _("This does not exist."))
                for place, pk in enumerate(ids)
                if pk not in types
            ]:
                raise InvalidInput(errors=errors)
            fields["ticket_types"] = list(types.values())
        if fields.get("zone") is not None:
            zone = self.event.check_in_zones.filter(pk=fields["zone"]).first()
            if zone is None:
                raise InvalidInput(errors=[FieldError("zone", "does_not_exist", _("This does not exist."))])
            fields["zone"] = zone
        return fields


class CheckInListsView(_Lists):
    """The entrances of an event."""

    permissions = {"get": "check_in", "post": "check_in"}

    @extend_schema(operation_id="check_in_lists_list", responses=CheckInListSerializer(many=True))
    def get(self, request: Request, event: str) -> Response:
        pages = Pages()
        page: list[Any] = pages.paginate_queryset(self.lists().order_by("pk"), request, view=self) or []
        return pages.get_paginated_response([list_json(row) for row in page])

    @extend_schema(
        operation_id="check_in_lists_create", request=CheckInListSerializer, responses={201: CheckInListSerializer}
    )
    def post(self, request: Request, event: str) -> Response:
        fields = self.wanted(request, partial=False)
        made = services.create_check_in_list(self.event, actor=request.user, **fields)
        return Response(list_json(self.one(made.pk)), status=201)


class CheckInListView(_Lists):
    permissions = {"get": "check_in", "put": "check_in", "patch": "check_in", "delete": "check_in"}

    @extend_schema(operation_id="check_in_lists_retrieve", responses=CheckInListSerializer)
    def get(self, request: Request, event: str, pk: int) -> Response:
        return Response(list_json(self.one(pk)))

    @extend_schema(
        operation_id="check_in_lists_replace", request=CheckInListSerializer, responses=CheckInListSerializer
    )
    def put(self, request: Request, event: str, pk: int) -> Response:
        return self._change(request, pk, partial=False)

    @extend_schema(
        operation_id="check_in_lists_update",
        request=CheckInListSerializer(partial=True),
        responses=CheckInListSerializer,
    )
    def patch(self, request: Request, event: str, pk: int) -> Response:
        return self._change(request, pk, partial=True)

    @extend_schema(operation_id="check_in_lists_delete", responses={204: None})
    def delete(self, request: Request, event: str, pk: int) -> Response:
        services.delete_check_in_list(self.one(pk), actor=request.user)
        return Response(status=204)

    def _change(self, request: Request, pk: int, *, partial: bool) -> Response:
        found = self.one(pk)
        services.change_check_in_list(found, actor=request.user, **self.wanted(request, partial=partial))
        return Response(list_json(self.one(pk)))


class AtList(APIView):
    """A view below /check-in-lists/{id}/: whoever may not check in at its event does not see the list."""

    scope = "object"
    parameters = frozenset()

    @cached_property
    def entrance(self) -> CheckInList:
        found = CheckInList.objects.select_related("event").filter(pk=self.kwargs["pk"]).first()
        if found is None or not allowed(self.request.user, "check_in", found.event):
            raise NotFound
        return found


class ListStatusView(AtList):
    permissions = {"get": "check_in"}

    @extend_schema(operation_id="check_in_lists_status", responses=ListNumbersSerializer)
    def get(self, request: Request, pk: int) -> Response:
        entrance = self.entrance
        named = {"id": entrance.pk, "event": entrance.event.slug, "name": entrance.name}
        return Response({**named, **numbers_json(live.numbers(entrance))})


class UndoView(AtList):
    """Take an admission back; repeating it changes nothing."""

    permissions = {"post": "check_in"}

    @extend_schema(operation_id="check_in_lists_undo", request=None, responses=ScanSerializer)
    def post(self, request: Request, pk: int, scan_id: str) -> Response:
        check_in = scanning.undo(self.entrance, scan_id, by=request.user)
        return Response(answer_json(ScanAnswer(check_in, check_in.ticket)))
