"""The variants of a product over HTTP."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api.conditional import etagged
from api.pagination import Pages
from api.permissions import ANYONE
from api.v1.catalog.presentation import variant_json
from api.v1.catalog.serializers import VariantInput, VariantSerializer, minor
from api.v1.catalog.views import ProductScoped
from shared_apps.core.errors import NotFound
from tenant_apps.catalog import services
from tenant_apps.catalog.models import ProductVariant


class _Variants(ProductScoped):
    def variant(self, pk: int) -> ProductVariant:
        found = next((one for one in self.product.variants.all() if one.pk == pk), None)
        if found is None:
            raise NotFound
        return found

    def wanted(self, request: Request, *, partial: bool) -> dict[str, Any]:
        shape = VariantInput(data=request.data, partial=partial, context={"currency": self.product.currency})
        shape.is_valid(raise_exception=True)
        return minor(dict(shape.validated_data), "price")


class VariantsView(_Variants):
    """The variants of a product with their stock."""

    permissions = {"get": ANYONE, "post": "change_catalog"}

    @extend_schema(operation_id="product_variants_list", responses=VariantSerializer(many=True))
    @etagged()
    def get(self, request: Request, slug: str) -> Response:
        pages = Pages()
        page: list[Any] = pages.paginate_queryset(list(self.product.variants.all()), request, view=self) or []
        return pages.get_paginated_response([variant_json(one, self.product) for one in page])

    @extend_schema(operation_id="product_variants_create", request=VariantInput, responses={201: VariantSerializer})
    def post(self, request: Request, slug: str) -> Response:
        made = services.create_variant(self.product, actor=request.user, **self.wanted(request, partial=False))
        return Response(variant_json(made, self.product), status=201)


class VariantView(_Variants):
    permissions = {"get": ANYONE, "put": "change_catalog", "patch": "change_catalog", "delete": "change_catalog"}

    @extend_schema(operation_id="product_variants_retrieve", responses=VariantSerializer)
    @etagged()
    def get(self, request: Request, slug: str, pk: int) -> Response:
        return Response(variant_json(self.variant(pk), self.product))

    @extend_schema(operation_id="product_variants_replace", request=VariantInput, responses=VariantSerializer)
    def put(self, request: Request, slug: str, pk: int) -> Response:
        return self._change(request, pk, partial=False)

    @extend_schema(
        operation_id="product_variants_update", request=VariantInput(partial=True), responses=VariantSerializer
    )
    def patch(self, request: Request, slug: str, pk: int) -> Response:
        return self._change(request, pk, partial=True)

    @extend_schema(operation_id="product_variants_delete", responses={204: None})
    def delete(self, request: Request, slug: str, pk: int) -> Response:
        services.delete_variant(self.variant(pk), actor=request.user)
        return Response(status=204)

    def _change(self, request: Request, pk: int, *, partial: bool) -> Response:
        found = self.variant(pk)
        changed = services.change_variant(found, actor=request.user, **self.wanted(request, partial=partial))
        return Response(variant_json(changed, self.product))
