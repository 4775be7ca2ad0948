"""Ways of delivery over HTTP."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api.conditional import etagged
from api.pagination import Pages
from api.permissions import ANYONE
from api.v1.catalog.presentation import method_json
from api.v1.catalog.serializers import MethodInput, MethodSerializer
from api.views import APIView
from shared_apps.core.errors import NotFound
from tenant_apps.catalog import delivery
from tenant_apps.catalog.models import DeliveryMethod
from tenant_apps.catalog.rights import may_change_all
from tenants.context import current_tenant


class _Methods(APIView):
    parameters = frozenset()

    def methods(self) -> Any:
        """What the caller sees: all for staff who may change them, else what is offered."""
        methods = DeliveryMethod.objects.prefetch_related("rates")
        user = self.request.user
        return methods if user.is_authenticated and may_change_all(user) else methods.filter(active=True)

    def method_named(self, pk: int) -> DeliveryMethod:
        found: DeliveryMethod | None = self.methods().filter(pk=pk).first()
        if found is None:
            raise NotFound
        return found

    def wanted(self, request: Request, currency: str, *, partial: bool = False) -> dict[str, Any]:
        shape = MethodInput(data=request.data, partial=partial, context={"currency": currency})
        shape.is_valid(raise_exception=True)
        return shape.fields_for_service()


class MethodsView(_Methods):
    """How goods reach the buyer, and what that costs."""

    permissions = {"get": ANYONE, "post": "change_catalog"}

    @extend_schema(operation_id="delivery_methods_list", responses=MethodSerializer(many=True))
    @etagged()
    def get(self, request: Request) -> Response:
        pages = Pages()
        page: list[Any] = pages.paginate_queryset(self.methods(), request, view=self) or []
        return pages.get_paginated_response([method_json(row) for row in page])

    @extend_schema(operation_id="delivery_methods_create", request=MethodInput, responses={201: MethodSerializer})
    def post(self, request: Request) -> Response:
        made = delivery.create_method(actor=request.user, **self.wanted(request, current_tenant().currency))
        return Response(method_json(made), status=201)


class MethodView(_Methods):
    permissions = {"get": ANYONE, "put": "change_catalog", "patch": "change_catalog", "delete": "change_catalog"}

    @extend_schema(operation_id="delivery_methods_retrieve", responses=MethodSerializer)
    @etagged()
    def get(self, request: Request, pk: int) -> Response:
        return Response(method_json(self.method_named(pk)))

    @extend_schema(operation_id="delivery_methods_replace", request=MethodInput, responses=MethodSerializer)
    def put(self, request: Request, pk: int) -> Response:
        return self._change(request, pk, partial=False)

    @extend_schema(
        operation_id="delivery_methods_update", request=MethodInput(partial=True), responses=MethodSerializer
    )
    def patch(self, request: Request, pk: int) -> Response:
        return self._change(request, pk, partial=True)

    @extend_schema(operation_id="delivery_methods_delete", responses={204: None})
    def delete(self, request: Request, pk: int) -> Response:
        delivery.delete_method(self.method_named(pk), actor=request.user)
        return Response(status=204)

    def _change(self, request: Request, pk: int, *, partial: bool) -> Response:
        found = self.method_named(pk)
        fields = self.wanted(request, found.currency, partial=partial)
        delivery.change_method(found, actor=request.user, **fields)
        return Response(method_json(self.method_named(pk)))
