"""Opening a tenant over HTTP."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api.pagination import Pages
from api.permissions import SIGNED_IN
from api.v1.signup.serializers import OpenTenantInput, TenantSerializer
from api.views import APIView
from shared_apps.signup import services


class TenantsView(APIView):
    """The tenants that one owns; a POST opens another, which serves at once."""

    permissions = {"get": SIGNED_IN, "post": SIGNED_IN}
    parameters = frozenset()

    @extend_schema(operation_id="tenants_list", responses=TenantSerializer(many=True))
    def get(self, request: Request) -> Response:
        pages = Pages()
        page: Any = pages.paginate_queryset(services.tenants_of(request.user), request, view=self) or []
        return pages.get_paginated_response(TenantSerializer(page, many=True).data)

    @extend_schema(operation_id="tenants_create", request=OpenTenantInput, responses={201: TenantSerializer})
    def post(self, request: Request) -> Response:
        wanted = OpenTenantInput(data=request.data)
        wanted.is_valid(raise_exception=True)
        tenant = services.open_for(request.user, **wanted.validated_data)
        return Response(TenantSerializer(tenant).data, status=201)
