"""Pictures of events over HTTP."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api.conditional import etagged
from api.pagination import Pages
from api.parsers import StrictJSONParser, StrictMultiPartParser
from api.permissions import ANYONE
from api.pictures import PictureChanges, PictureInput, PictureSerializer
from api.scoping import EventScoped
from api.views import APIView
from shared_apps.core.errors import NotFound
from shared_apps.core.pictures import picture_json
from tenant_apps.events import media
from tenant_apps.events.models import EventMedia


class MediaListView(EventScoped, APIView):
    """The pictures of an event in their order. A new one comes as `multipart/form-data`: `image` and `alt`."""

    permissions = {"get": ANYONE, "post": "change_event"}
    parser_classes = [StrictMultiPartParser]
    parameters = frozenset()

    @extend_schema(operation_id="event_media_list", responses=PictureSerializer(many=True))
    @etagged()
    def get(self, request: Request, event: str) -> Response:
        pages = Pages()
        rows = EventMedia.objects.filter(event=self.event).order_by("position", "pk")
        page: list[Any] = pages.paginate_queryset(rows, request, view=self) or []
        return pages.get_paginated_response([picture_json("events", row.shown) for row in page])

    @extend_schema(
        operation_id="event_media_create",
        request={"multipart/form-data": PictureInput},
        responses={201: PictureSerializer},
    )
    def post(self, request: Request, event: str) -> Response:
        found = self.event
        wanted = PictureInput(data=request.data)
        wanted.is_valid(raise_exception=True)
        sent = wanted.validated_data
        made = media.add_media(found, sent["image"], alt=sent["alt"], actor=request.user)
        return Response(picture_json("events", made.shown), status=201)


class MediaView(EventScoped, APIView):
    """One picture: what it shows, its place, whether it leads."""

    permissions = {"get": ANYONE, "patch": "change_event", "delete": "change_event"}
    parser_classes = [StrictJSONParser]
    parameters = frozenset()

    def row(self, pk: int) -> EventMedia:
        found = EventMedia.objects.filter(event=self.event, pk=pk).first()
        if found is None:
            raise NotFound
        return found

    @extend_schema(operation_id="event_media_retrieve", responses=PictureSerializer)
    @etagged()
    def get(self, request: Request, event: str, pk: int) -> Response:
        return Response(picture_json("events", self.row(pk).shown))

    @extend_schema(operation_id="event_media_update", request=PictureChanges, responses=PictureSerializer)
    def patch(self, request: Request, event: str, pk: int) -> Response:
        row = self.row(pk)
        wanted = PictureChanges(data=request.data, partial=True)
        wanted.is_valid(raise_exception=True)
        changed = media.change_media(row, actor=request.user, **wanted.validated_data)
        return Response(picture_json("events", changed.shown))

    @extend_schema(operation_id="event_media_delete", responses={204: None})
    def delete(self, request: Request, event: str, pk: int) -> Response:
        media.delete_media(self.row(pk), actor=request.user)
        return Response(status=204)
