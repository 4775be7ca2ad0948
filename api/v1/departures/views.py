"""What an owner does about a site as a whole. A tenant of somebody else's is 404."""

import uuid
from typing import Any, ClassVar

from django.http import FileResponse
from django.utils.decorators import method_decorator
from django.views.decorators.debug import sensitive_post_parameters
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api.pagination import Pages
from api.permissions import ANYONE, SIGNED_IN
from api.v1.departures.serializers import (
    CloseInput,
    PauseInput,
    StandingSerializer,
    TenantErasureSerializer,
    TenantExportSerializer,
)
from api.views import APIView
from shared_apps.core.errors import NotFound
from shared_apps.departures import erasing, exports, leaving
from shared_apps.departures.models import TenantExport
from tenants.models import Tenant


def mine(request: Request, slug: str) -> Tenant:
    """Return the caller's own tenant, whatever its standing short of closed. Raises NotFound."""
    found: Tenant | None = (
        Tenant.objects.filter(owner_id=request.user.pk, slug=slug).exclude(status=Tenant.Status.CLOSED).first()
    )
    if found is None:
        raise NotFound
    return found


class ExportsView(APIView):
    """Archives of all that a site has: newest first; a POST begins one, or finds the one that is being built."""

    permissions = {"get": SIGNED_IN, "post": SIGNED_IN}
    parameters: ClassVar[frozenset[str]] = frozenset()

    @extend_schema(operation_id="tenant_exports_list", responses=TenantExportSerializer(many=True))
    def get(self, request: Request, slug: str) -> Response:
        pages = Pages()
        found = exports.of(mine(request, slug)).select_related("tenant")
        page: Any = pages.paginate_queryset(found, request, view=self) or []
        return pages.get_paginated_response(TenantExportSerializer(page, many=True).data)

    @extend_schema(operation_id="tenant_exports_create", request=None, responses={202: TenantExportSerializer})
    def post(self, request: Request, slug: str) -> Response:
        return Response(TenantExportSerializer(exports.ask(mine(request, slug))).data, status=202)


class ExportView(APIView):
    """How far an archive is."""

    permissions = {"get": SIGNED_IN}
    parameters: ClassVar[frozenset[str]] = frozenset()

    @extend_schema(operation_id="tenant_exports_retrieve", responses=TenantExportSerializer)
    def get(self, request: Request, slug: str, pk: uuid.UUID) -> Response:
        found = exports.of(mine(request, slug)).select_related("tenant").filter(pk=pk).first()
        if found is None:
            raise NotFound
        return Response(TenantExportSerializer(found).data)


class ArchiveView(APIView):
    """The archive itself, while it lies ready."""

    permissions = {"get": SIGNED_IN}
    parameters: ClassVar[frozenset[str]] = frozenset()

    @extend_schema(operation_id="tenant_exports_archive", responses={(200, "application/zip"): OpenApiTypes.BINARY})
    def get(self, request: Request, slug: str, pk: uuid.UUID) -> FileResponse:
        return archive_response(*exports.ready(mine(request, slug), pk))


def archive_response(export: TenantExport, path: Any) -> FileResponse:
    return FileResponse(
        path.open("rb"), as_attachment=True, filename=f"{export.tenant.slug}.zip", content_type="application/zip",
        headers={"Cache-Control": "no-store"},
    )  # fmt: skip


class PauseView(APIView):
    """Pause the site: nobody is served until the pause is taken away. What the platform set is not lifted by it."""

    permissions = {"get": SIGNED_IN, "post": SIGNED_IN, "delete": SIGNED_IN}
    parameters: ClassVar[frozenset[str]] = frozenset()

    @extend_schema(operation_id="tenant_pause_retrieve", responses=StandingSerializer)
    def get(self, request: Request, slug: str) -> Response:
        return Response(StandingSerializer(mine(request, slug)).data)

    @extend_schema(operation_id="tenant_pause_create", request=PauseInput, responses=StandingSerializer)
    def post(self, request: Request, slug: str) -> Response:
        wanted = PauseInput(data=request.data)
        wanted.is_valid(raise_exception=True)
        return Response(StandingSerializer(leaving.pause(mine(request, slug), **wanted.validated_data)).data)

    @extend_schema(operation_id="tenant_pause_destroy", responses={200: StandingSerializer})
    def delete(self, request: Request, slug: str) -> Response:
        return Response(StandingSerializer(leaving.go_on(mine(request, slug))).data)


@method_decorator(sensitive_post_parameters(), name="dispatch")
class ClosingView(APIView):
    """Close the site: it stops serving at once, and after days of grace all of it is erased. DELETE takes that back."""

    permissions = {"get": SIGNED_IN, "post": SIGNED_IN, "delete": SIGNED_IN}
    parameters: ClassVar[frozenset[str]] = frozenset()

    @extend_schema(operation_id="tenant_closing_retrieve", responses=StandingSerializer)
    def get(self, request: Request, slug: str) -> Response:
        return Response(StandingSerializer(mine(request, slug)).data)

    @extend_schema(operation_id="tenant_closing_create", request=CloseInput, responses={202: StandingSerializer})
    def post(self, request: Request, slug: str) -> Response:
        tenant = mine(request, slug)
        wanted = CloseInput(data=request.data)
        wanted.is_valid(raise_exception=True)
        tenant = leaving.close(tenant, actor=request.user, **wanted.validated_data)
        return Response(StandingSerializer(tenant).data, status=202)

    @extend_schema(operation_id="tenant_closing_destroy", responses={200: StandingSerializer})
    def delete(self, request: Request, slug: str) -> Response:
        return Response(StandingSerializer(leaving.stay(mine(request, slug))).data)


class ErasureView(APIView):
    """The certificate of an erasure, for whoever has its secret address."""

    permissions = {"get": ANYONE}
    authentication_classes = ()
    parameters: ClassVar[frozenset[str]] = frozenset()

    @extend_schema(operation_id="tenant_erasure_retrieve", auth=[], responses=TenantErasureSerializer)
    def get(self, request: Request, secret: str) -> Response:
        found = erasing.by_secret(secret)
        if found is None:
            raise NotFound
        return Response(TenantErasureSerializer(found).data, headers={"Cache-Control": "no-store"})
