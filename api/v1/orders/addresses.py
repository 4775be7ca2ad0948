"""A person's saved addresses over HTTP."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api.pagination import Pages
from api.permissions import SIGNED_IN, require_person
from api.v1.orders.presentation import address_json
from api.v1.orders.serializers import AddressInput, AddressSerializer
from api.views import APIView
from shared_apps.core.errors import NotFound
from tenant_apps.orders import addresses
from tenant_apps.orders.models import SavedAddress


def _wanted(request: Request, *, partial: bool = False) -> dict[str, Any]:
    shape = AddressInput(data=request.data, partial=partial)
    shape.is_valid(raise_exception=True)
    return dict(shape.validated_data)


class AddressesView(APIView):
    """Addresses for the next delivery, at most five."""

    permissions = {"get": SIGNED_IN, "post": SIGNED_IN}
    parameters = frozenset()

    @extend_schema(operation_id="addresses_list", responses=AddressSerializer(many=True))
    def get(self, request: Request) -> Response:
        pages = Pages()
        found = addresses.addresses_of(require_person(request))
        page: list[Any] = pages.paginate_queryset(found, request, view=self) or []
        return pages.get_paginated_response([address_json(each) for each in page])

    @extend_schema(operation_id="addresses_create", request=AddressInput, responses={201: AddressSerializer})
    def post(self, request: Request) -> Response:
        return Response(address_json(addresses.save_address(require_person(request), _wanted(request))), status=201)


class AddressView(APIView):
    permissions = {"get": SIGNED_IN, "put": SIGNED_IN, "patch": SIGNED_IN, "delete": SIGNED_IN}
    parameters = frozenset()

    @extend_schema(operation_id="addresses_retrieve", responses=AddressSerializer)
    def get(self, request: Request, pk: int) -> Response:
        return Response(address_json(_mine(request, pk)))

    @extend_schema(operation_id="addresses_replace", request=AddressInput, responses=AddressSerializer)
    def put(self, request: Request, pk: int) -> Response:
        found = _mine(request, pk)
        return Response(
            address_json(addresses.change_address(found, dict.fromkeys(addresses.FIELDS, "") | _wanted(request)))
        )

    @extend_schema(operation_id="addresses_update", request=AddressInput(partial=True), responses=AddressSerializer)
    def patch(self, request: Request, pk: int) -> Response:
        found = _mine(request, pk)
        return Response(address_json(addresses.change_address(found, _wanted(request, partial=True))))

    @extend_schema(operation_id="addresses_delete", responses={204: None})
    def delete(self, request: Request, pk: int) -> Response:
        addresses.forget_address(_mine(request, pk))
        return Response(status=204)


def _mine(request: Request, pk: int) -> SavedAddress:
    found: SavedAddress | None = addresses.addresses_of(require_person(request)).filter(pk=pk).first()
    if found is None:
        raise NotFound
    return found
