"""Opening a tenant over HTTP, and asking which address it can have."""

from typing import Any

from django.conf import settings
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api.pagination import Pages
from api.permissions import ANYONE, SIGNED_IN
from api.v1.signup.serializers import (
    OpenedSerializer,
    OpenTenantInput,
    PlatformTextSerializer,
    SlugAnswer,
    TenantSerializer,
)
from api.views import APIView
from shared_apps.billing import limits
from shared_apps.core.addresses import client_address, network_of
from shared_apps.core.errors import Conflict, DomainError, InvalidInput
from shared_apps.people import agreements
from shared_apps.signup import guard, services
from tenants import links
from tenants.slugs import check_free


class TenantsView(APIView):
    """The tenants that one owns; a POST opens another, which serves at once."""

    permissions = {"get": SIGNED_IN, "post": SIGNED_IN}
    parameters = frozenset()

    @extend_schema(operation_id="tenants_list", responses=TenantSerializer(many=True))
    def get(self, request: Request) -> Response:
        pages = Pages()
        page: Any = pages.paginate_queryset(services.tenants_of(request.user), request, view=self) or []
        return pages.get_paginated_response(TenantSerializer(page, many=True).data)

    @extend_schema(operation_id="tenants_create", request=OpenTenantInput, responses={201: OpenedSerializer})
    def post(self, request: Request) -> Response:
        wanted = OpenTenantInput(data=request.data)
        wanted.is_valid(raise_exception=True)
        address = client_address(request._request)
        facts = dict(wanted.validated_data)
        plan = facts.pop("plan", "")
        tenant = services.open_for(request.user, address=address, **facts)
        page = services.first_page(plan)
        tenant.billing_url = links.url(tenant, limits.PAGE if page == "/dashboard/" else page)
        return Response(OpenedSerializer(tenant).data, status=201)


class SlugView(APIView):
    """Whether a tenant can be opened at `?slug=`, for forms that tell while somebody types; with free ones like it."""

    permissions = {"get": ANYONE}
    parameters = frozenset({"slug"})

    @extend_schema(
        operation_id="slug_check",
        parameters=[OpenApiParameter("slug", str, required=True)],
        responses=SlugAnswer,
    )
    def get(self, request: Request) -> Response:
        slug = request.query_params.get("slug", "")[:200]
        guard.count("slug_source", network_of(client_address(request._request)))
        person = request.user.pk if request.user.is_authenticated else None
        refusal: DomainError | None = None
        try:
            check_free(slug, owner_id=person)
        except (InvalidInput, Conflict) as refused:
            refusal = refused
        answer = {
            "slug": slug,
            "available": refusal is None,
            "code": refusal.code if refusal else "",
            "detail": str(refusal) if refusal else "",
            "suggestions": getattr(refusal, "suggestions", []),
            "host": f"{slug}.{settings.PLATFORM_DOMAIN}" if refusal is None else "",
        }
        return Response(SlugAnswer(answer).data)


class PlatformTextsView(APIView):
    """What whoever opens a tenant has to agree to now: nothing, unless the operator published a text."""

    permissions = {"get": ANYONE}
    parameters = frozenset()

    @extend_schema(operation_id="platform_texts_list", responses=PlatformTextSerializer(many=True))
    def get(self, request: Request) -> Response:
        return Response(PlatformTextSerializer(agreements.asked(), many=True).data)
