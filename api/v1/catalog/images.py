"""Pictures of products over HTTP."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api.conditional import etagged
from api.pagination import Pages
from api.parsers import StrictJSONParser, StrictMultiPartParser
from api.permissions import ANYONE
from api.pictures import PictureChanges, PictureInput, PictureSerializer
from api.v1.catalog.views import ProductScoped
from shared_apps.core.errors import NotFound
from shared_apps.core.pictures import picture_json
from tenant_apps.catalog import images
from tenant_apps.catalog.models import ProductImage


class ImagesView(ProductScoped):
    """The pictures of a product in their order. A new one comes as `multipart/form-data`: `image` and `alt`."""

    permissions = {"get": ANYONE, "post": "change_catalog"}
    parser_classes = [StrictMultiPartParser]

    @extend_schema(operation_id="product_images_list", responses=PictureSerializer(many=True))
    @etagged()
    def get(self, request: Request, slug: str) -> Response:
        pages = Pages()
        rows = ProductImage.objects.filter(product=self.product).order_by("position", "pk")
        page: list[Any] = pages.paginate_queryset(rows, request, view=self) or []
        return pages.get_paginated_response([picture_json("products", row.shown) for row in page])

    @extend_schema(
        operation_id="product_images_create",
        request={"multipart/form-data": PictureInput},
        responses={201: PictureSerializer},
    )
    def post(self, request: Request, slug: str) -> Response:
        product = self.product
        wanted = PictureInput(data=request.data)
        wanted.is_valid(raise_exception=True)
        sent = wanted.validated_data
        made = images.add_image(product, sent["image"], alt=sent["alt"], actor=request.user)
        return Response(picture_json("products", made.shown), status=201)


class ImageView(ProductScoped):
    """One picture: what it shows, its place, whether it leads."""

    permissions = {"get": ANYONE, "patch": "change_catalog", "delete": "change_catalog"}
    parser_classes = [StrictJSONParser]

    def row(self, pk: int) -> ProductImage:
        found = ProductImage.objects.filter(product=self.product, pk=pk).first()
        if found is None:
            raise NotFound
        return found

    @extend_schema(operation_id="product_images_retrieve", responses=PictureSerializer)
    @etagged()
    def get(self, request: Request, slug: str, pk: int) -> Response:
        return Response(picture_json("products", self.row(pk).shown))

    @extend_schema(operation_id="product_images_update", request=PictureChanges, responses=PictureSerializer)
    def patch(self, request: Request, slug: str, pk: int) -> Response:
        row = self.row(pk)
        wanted = PictureChanges(data=request.data, partial=True)
        wanted.is_valid(raise_exception=True)
        changed = images.change_image(row, actor=request.user, **wanted.validated_data)
        return Response(picture_json("products", changed.shown))

    @extend_schema(operation_id="product_images_delete", responses={204: None})
    def delete(self, request: Request, slug: str, pk: int) -> Response:
        images.delete_image(self.row(pk), actor=request.user)
        return Response(status=204)
