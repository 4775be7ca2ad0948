"""Categories, tags and venues over HTTP: read by anyone, written by staff who may change events everywhere."""

from typing import Any, ClassVar

from django.db.models import Model
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer

from api.conditional import etagged
from api.filters import modified_since, ordered
from api.kept import kept
from api.pagination import Pages
from api.permissions import ANYONE
from api.scoping import by_slug_or_id
from api.v1.events.presentation import named_json, venue_json
from api.v1.events.serializers import NamedSerializer, TagSerializer, VenueSerializer
from api.views import APIView
from shared_apps.core.errors import NotFound
from tenant_apps.events import taxonomy
from tenant_apps.events.models import Category, Tag, Venue


class _Rows(APIView):
    model: ClassVar[type[Model]]
    shape: ClassVar[type[Serializer[Any]]]
    parameters = frozenset()

    def json(self, row: Any) -> dict[str, Any]:
        return venue_json(row) if isinstance(row, Venue) else named_json(row)

    def wanted(self, request: Request, *, partial: bool = False) -> dict[str, Any]:
        shape = self.shape(data=request.data, partial=partial)
        shape.is_valid(raise_exception=True)
        return dict(shape.validated_data)


class _List(_Rows):
    permissions = {"get": ANYONE, "post": "change_event"}

    @kept
    @etagged()
    def get(self, request: Request) -> Response:
        rows = modified_since(request, self.model._default_manager.all())
        pages = Pages()
        keys = {"name": "name", "created_at": "created_at"}
        page: list[Any] = (
            pages.paginate_queryset(ordered(request, rows, keys, default="name"), request, view=self) or []
        )
        return pages.get_paginated_response([self.json(row) for row in page])

    def post(self, request: Request) -> Response:
        row = taxonomy.make(self.model, actor=request.user, **self.wanted(request))
        return Response(self.json(row), status=201)


class _Detail(_Rows):
    permissions = {"get": ANYONE, "put": "change_event", "patch": "change_event", "delete": "change_event"}

    def row(self, slug: str) -> Any:
        row = self.model._default_manager.filter(by_slug_or_id(slug)).first()
        if row is None:
            raise NotFound
        return row

    @kept
    @etagged()
    def get(self, request: Request, slug: str) -> Response:
        return Response(self.json(self.row(slug)))

    def put(self, request: Request, slug: str) -> Response:
        return Response(self.json(taxonomy.change(self.row(slug), actor=request.user, **self.wanted(request))))

    def patch(self, request: Request, slug: str) -> Response:
        changes = self.wanted(request, partial=True)
        return Response(self.json(taxonomy.change(self.row(slug), actor=request.user, **changes)))

    def delete(self, request: Request, slug: str) -> Response:
        taxonomy.delete(self.row(slug), actor=request.user)
        return Response(status=204)


def _documented(name: str, shape: type[Serializer[Any]], *, many: bool) -> Any:
    if many:
        return extend_schema_view(
            get=extend_schema(operation_id=f"{name}_list", responses=shape(many=True)),
            post=extend_schema(operation_id=f"{name}_create", request=shape, responses={201: shape}),
        )
    return extend_schema_view(
        get=extend_schema(operation_id=f"{name}_retrieve", responses=shape),
        put=extend_schema(operation_id=f"{name}_replace", request=shape, responses=shape),
        patch=extend_schema(operation_id=f"{name}_update", request=shape(partial=True), responses=shape),
        delete=extend_schema(operation_id=f"{name}_delete", responses={204: None}),
    )


@_documented("categories", NamedSerializer, many=True)
class CategoriesView(_List):
    model, shape = Category, NamedSerializer


@_documented("categories", NamedSerializer, many=False)
class CategoryView(_Detail):
    model, shape = Category, NamedSerializer


@_documented("tags", TagSerializer, many=True)
class TagsView(_List):
    model, shape = Tag, TagSerializer


@_documented("tags", TagSerializer, many=False)
class TagView(_Detail):
    model, shape = Tag, TagSerializer


@_documented("venues", VenueSerializer, many=True)
class VenuesView(_List):
    model, shape = Venue, VenueSerializer


@_documented("venues", VenueSerializer, many=False)
class VenueView(_Detail):
    model, shape = Venue, VenueSerializer
