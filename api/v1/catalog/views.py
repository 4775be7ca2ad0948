"""Goods over HTTP: what anyone sees, and what staff do."""

from typing import Any

from django.db import transaction
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api.conditional import etagged
from api.kept import kept
from api.pagination import Pages
from api.permissions import ANYONE
from api.v1.catalog.filters import narrowed
from api.v1.catalog.presentation import product_json
from api.v1.catalog.serializers import BulkInput, BulkResult, FacetSerializer, ProductInput, ProductSerializer
from api.views import APIView
from shared_apps.core.errors import FieldError, Forbidden, InvalidInput, NotFound
from shared_apps.core.money import CURRENCIES
from tenant_apps.catalog import services
from tenant_apps.catalog.bulk import change_products
from tenant_apps.catalog.models import Parameter, Product
from tenant_apps.catalog.rights import granted_somewhere, may_change_all, may_change_in, products_seen
from tenants.context import current_tenant

_PARAMETERS = [
    OpenApiParameter("search", str, description="Words of name, model or description, in any form; typos are found."),
    OpenApiParameter("category", str, description="Slugs with commas; what is below them counts too."),
    OpenApiParameter("price_min", str),
    OpenApiParameter("price_max", str),
    OpenApiParameter("in_stock", bool),
    OpenApiParameter("param.<name>", str, description="A parameter's value; several by repeating it."),
    OpenApiParameter("ordering", str, description="name, price or created_at; with - for descending."),
    OpenApiParameter("modified_since", str),
    OpenApiParameter("page", int),
    OpenApiParameter("page_size", int),
]


def _currency(request: Request, usual: str) -> str:
    """The currency in which the body's amounts are meant; one that does not exist is refused at its field."""
    given = request.data.get("currency") if isinstance(request.data, dict) else None
    return given if isinstance(given, str) and given in CURRENCIES else usual


class Catalog(APIView):
    """A view of staff's work on goods: a role's right holds everywhere, a grant on a category below that."""

    # The view asks on the category of the product that it finds, where a grant may suffice.
    scope = "category"

    def require_somewhere(self) -> None:
        """Raise Forbidden for whoever may change no goods at all, before anything is looked for."""
        if not may_change_all(self.request.user) and "change_catalog" not in granted_somewhere(self.request.user):
            raise Forbidden


class ProductsView(Catalog):
    """What is on offer, for anyone; what is not published, for staff who may change it."""

    permissions = {"get": ANYONE, "post": "change_catalog"}

    @extend_schema(operation_id="products_list", parameters=_PARAMETERS, responses=ProductSerializer(many=True))
    @kept
    @etagged()
    def get(self, request: Request) -> Response:
        pages = Pages()
        products = narrowed(request, products_seen(request.user)).for_show()
        page: list[Any] = pages.paginate_queryset(products, request, view=self) or []
        return pages.get_paginated_response([product_json(one) for one in page])

    @extend_schema(operation_id="products_create", request=ProductInput, responses={201: ProductSerializer})
    def post(self, request: Request) -> Response:
        self.require_somewhere()
        context = {"currency": _currency(request, current_tenant().currency)}
        wanted = ProductInput(data=request.data, context=context)
        wanted.is_valid(raise_exception=True)
        fields, variants, single = wanted.split()
        made = services.create_product(actor=request.user, variants=variants or [single], **fields)
        shown = product_json(Product.objects.for_show().get(pk=made.pk))
        return Response(shown, status=201, headers={"Location": f"/api/v1/products/{made.slug}/"})


class ProductScoped(Catalog):
    """A view below /products/{slug}/: 404 for what the caller may not see, 403 for what they may not change."""

    parameters = frozenset()

    @cached_property
    def product(self) -> Product:
        found = products_seen(self.request.user).called(str(self.kwargs["slug"])).for_show().first()
        if found is None:
            raise NotFound
        if self.request.method not in ("GET", "HEAD") and not may_change_in(self.request.user, found.category):
            raise Forbidden
        return found


class ProductView(ProductScoped):
    """One product, by its slug or id."""

    permissions = {"get": ANYONE, "put": "change_catalog", "patch": "change_catalog", "delete": "change_catalog"}

    @extend_schema(operation_id="products_retrieve", responses=ProductSerializer)
    @kept
    @etagged()
    def get(self, request: Request, slug: str) -> Response:
        return Response(product_json(self.product))

    @extend_schema(operation_id="products_replace", request=ProductInput, responses=ProductSerializer)
    def put(self, request: Request, slug: str) -> Response:
        return self._change(request, partial=False)

    @extend_schema(operation_id="products_update", request=ProductInput(partial=True), responses=ProductSerializer)
    def patch(self, request: Request, slug: str) -> Response:
        return self._change(request, partial=True)

    @extend_schema(operation_id="products_delete", responses={204: None})
    def delete(self, request: Request, slug: str) -> Response:
        services.delete_product(self.product, actor=request.user)
        return Response(status=204)

    def _change(self, request: Request, *, partial: bool) -> Response:
        product = self.product
        context = {"currency": _currency(request, product.currency)}
        wanted = ProductInput(data=request.data, partial=partial, context=context)
        wanted.is_valid(raise_exception=True)
        fields, variants, single = wanted.split()
        if variants:
            message = _("Variants are changed at their own address.")
            raise InvalidInput(errors=[FieldError("variants", "use_variants", message)])
        with transaction.atomic():
            services.update_product(product, actor=request.user, **fields)
            if single:
                rows = list(product.variants.all())
                if len(rows) > 1:
                    message = _("This has several variants; change them at their own address.")
                    raise InvalidInput(errors=[FieldError(sorted(single)[0], "use_variants", message)])
                services.change_variant(rows[0], actor=request.user, **single)
        return Response(product_json(Product.objects.for_show().get(pk=product.pk)))


class BulkView(Catalog):
    """One change to many products, all of it or nothing; each product's change is in the audit trail."""

    permissions = {"post": "change_catalog"}

    @extend_schema(operation_id="products_bulk", request=BulkInput, responses=BulkResult)
    def post(self, request: Request) -> Response:
        self.require_somewhere()
        wanted = BulkInput(data=request.data)
        wanted.is_valid(raise_exception=True)
        fields = dict(wanted.validated_data)
        return Response({"changed": change_products(fields.pop("products"), actor=request.user, **fields)})


class FacetsView(APIView):
    """What values the parameters of the goods have, and how many goods each: for filters beside a list."""

    permissions = {"get": ANYONE}

    @extend_schema(operation_id="product_facets", parameters=_PARAMETERS[:7], responses=FacetSerializer(many=True))
    @kept
    @etagged()
    def get(self, request: Request) -> Response:
        names = set(Parameter.objects.filter(filterable=True).values_list("name", flat=True))
        facets = narrowed(request, products_seen(request.user), ordered=False).facets(names)
        results = [
            {"name": one.name, "values": [{"value": value, "count": count} for value, count in one.values]}
            for one in facets
        ]
        return Response({"count": len(results), "next": None, "previous": None, "results": results})
