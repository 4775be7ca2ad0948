"""Categories of goods over HTTP, and who may change what is in them."""

from typing import Any

from django.db import transaction
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.request import Request
from rest_framework.response import Response

from api.conditional import etagged
from api.filters import modified_since, ordered
from api.kept import kept
from api.pagination import Pages
from api.permissions import ANYONE, require
from api.v1.catalog.presentation import category_json
from api.v1.catalog.serializers import AcceptingInput, CategoryGrantInput, CategorySerializer
from api.v1.catalog.views import Catalog
from api.v1.staff.serializers import GrantSerializer
from api.views import APIView
from shared_apps.accounts.models import User
from shared_apps.core.errors import FieldError, Forbidden, InvalidInput, NotFound
from tenant_apps.catalog import categories
from tenant_apps.catalog.models import ProductCategory
from tenant_apps.catalog.rights import may_change_in
from tenant_apps.catalog.selling import set_accepting


class _Category(APIView):
    parameters = frozenset()

    @cached_property
    def category(self) -> ProductCategory:
        found = ProductCategory.objects.called(str(self.kwargs["slug"])).first()
        if found is None:
            raise NotFound
        return found

    def wanted(self, request: Request, *, partial: bool = False) -> dict[str, Any]:
        shape = CategorySerializer(data=request.data, partial=partial)
        shape.is_valid(raise_exception=True)
        return dict(shape.validated_data)


class CategoriesView(_Category):
    """The tree of categories, flat: each names its parent. The tree itself is the whole tenant's to change."""

    permissions = {"get": ANYONE, "post": "change_catalog"}

    @extend_schema(operation_id="product_categories_list", responses=CategorySerializer(many=True))
    @kept
    @etagged()
    def get(self, request: Request) -> Response:
        pages = Pages()
        rows = ordered(
            request,
            modified_since(request, ProductCategory.objects.all()),
            {"name": "name", "position": "position", "created_at": "created_at"},
            default="position,name",
        )
        page: list[Any] = pages.paginate_queryset(rows, request, view=self) or []
        return pages.get_paginated_response([category_json(row) for row in page])

    @extend_schema(
        operation_id="product_categories_create", request=CategorySerializer, responses={201: CategorySerializer}
    )
    def post(self, request: Request) -> Response:
        made = categories.create_category(actor=request.user, **self.wanted(request))
        return Response(category_json(made), status=201)


class CategoryView(_Category):
    permissions = {"get": ANYONE, "put": "change_catalog", "patch": "change_catalog", "delete": "change_catalog"}

    @extend_schema(operation_id="product_categories_retrieve", responses=CategorySerializer)
    @kept
    @etagged()
    def get(self, request: Request, slug: str) -> Response:
        return Response(category_json(self.category))

    @extend_schema(operation_id="product_categories_replace", request=CategorySerializer, responses=CategorySerializer)
    def put(self, request: Request, slug: str) -> Response:
        return self._change(request, partial=False)

    @extend_schema(
        operation_id="product_categories_update",
        request=CategorySerializer(partial=True),
        responses=CategorySerializer,
    )
    def patch(self, request: Request, slug: str) -> Response:
        return self._change(request, partial=True)

    @extend_schema(operation_id="product_categories_delete", responses={204: None})
    def delete(self, request: Request, slug: str) -> Response:
        categories.delete_category(self.category, actor=request.user)
        return Response(status=204)

    def _change(self, request: Request, *, partial: bool) -> Response:
        fields = self.wanted(request, partial=partial)
        return Response(category_json(categories.change_category(self.category, actor=request.user, **fields)))


class AcceptingView(Catalog):
    """The switch of a partner: whether goods of the category and below it can be ordered for now."""

    permissions = {"put": "change_catalog"}

    @extend_schema(operation_id="product_categories_accepting", request=AcceptingInput, responses=CategorySerializer)
    def put(self, request: Request, slug: str) -> Response:
        found = ProductCategory.objects.called(slug).first()
        if found is None:
            raise NotFound
        wanted = AcceptingInput(data=request.data)
        if not may_change_in(request.user, found):
            raise Forbidden
        wanted.is_valid(raise_exception=True)
        changed = set_accepting(found, wanted.validated_data["accepting_orders"], actor=request.user)
        return Response(category_json(changed))


def _person(email: str) -> User:
    """The person with this mail address, whatever its case. Raises InvalidInput."""
    found = User.objects.filter(email__iexact=email).first()
    if found is None:
        message = _("Nobody with this address has an account.")
        raise InvalidInput(errors=[FieldError("email", "does_not_exist", message)])
    return found


class _Grants(APIView):
    """Rights on one category of goods and what is below it. Only who manages staff gives them (I4)."""

    parameters = frozenset()

    @cached_property
    def category(self) -> ProductCategory:
        require(self.request, ("manage_staff",))
        found = ProductCategory.objects.called(str(self.kwargs["slug"])).first()
        if found is None:
            raise NotFound
        return found

    def grants(self) -> list[dict[str, Any]]:
        held = categories.grants_by_person(self.category)
        people = User.objects.filter(pk__in=held).order_by("email")
        return [{"id": one.pk, "email": one.email, "name": one.name, "permissions": held[one.pk]} for one in people]


class GrantsView(_Grants):
    permissions = {"get": "manage_staff", "post": "manage_staff"}

    @extend_schema(operation_id="category_grants_list", responses=GrantSerializer(many=True))
    def get(self, request: Request, slug: str) -> Response:
        pages = Pages()
        return pages.get_paginated_response(pages.paginate_queryset(self.grants(), request, view=self) or [])

    @extend_schema(operation_id="category_grants_create", request=CategoryGrantInput, responses={201: GrantSerializer})
    def post(self, request: Request, slug: str) -> Response:
        wanted = CategoryGrantInput(data=request.data)
        wanted.is_valid(raise_exception=True)
        category = self.category
        somebody = _person(wanted.validated_data["email"])
        with transaction.atomic():
            for permission in wanted.validated_data["permissions"]:
                categories.grant(category, somebody, permission, actor=request.user)
        return Response(next(row for row in self.grants() if row["id"] == somebody.pk), status=201)


class GrantView(_Grants):
    """Everything that one person was granted on the category; `pk` is the person's."""

    permissions = {"delete": "manage_staff"}

    @extend_schema(operation_id="category_grants_delete", responses={204: None})
    def delete(self, request: Request, slug: str, pk: int) -> Response:
        held = categories.grants_by_person(self.category).get(pk)
        if held is None:
            raise NotFound
        somebody = User.objects.get(pk=pk)
        with transaction.atomic():
            for permission in held:
                categories.revoke(self.category, somebody, permission, actor=request.user)
        return Response(status=204)


@extend_schema_view(
    get=extend_schema(operation_id="product_category_grants_list"),
    post=extend_schema(operation_id="product_category_grants_create"),
)
class GrantsBesideView(GrantsView):
    """The same list at the category's own address, under names of its own in the documentation."""


@extend_schema_view(delete=extend_schema(operation_id="product_category_grants_delete"))
class GrantBesideView(GrantView):
    """Everything that one person was granted on the category; `pk` is the person's."""
