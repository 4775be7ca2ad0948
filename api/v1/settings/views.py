"""A tenant's settings over HTTP."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.parsers import StrictMultiPartParser
from api.views import APIView
from tenant_apps.staff.site_settings import COLUMNS, change_logo, change_settings, settings_of
from tenants.context import current_tenant
from tenants.models import Tenant
from tenants.preferences import PREFERENCES

# Told here and set elsewhere: the currency is fixed when the tenant opens, the logo is a file.
READ_ONLY = ("slug", "kind", "currency", "logo")


def settings_json(tenant: Tenant) -> dict[str, Any]:
    return {**{name: getattr(tenant, name) for name in READ_ONLY}, **settings_of(tenant)}


class SettingsView(APIView):
    """The site's name, looks, language, zone and rules. A PATCH takes any of them; all of it holds or nothing."""

    permissions = {"get": "manage_settings", "patch": "manage_settings"}

    @extend_schema(operation_id="settings_retrieve", responses=OpenApiTypes.OBJECT)
    def get(self, request: Request) -> Response:
        return Response(settings_json(current_tenant()))

    @extend_schema(operation_id="settings_update", request=OpenApiTypes.OBJECT, responses=OpenApiTypes.OBJECT)
    def patch(self, request: Request) -> Response:
        # What is no setting, or none that can be set, is not applied (I9).
        known = {name: value for name, value in dict(request.data).items() if name in COLUMNS or name in PREFERENCES}
        return Response(settings_json(change_settings(known, actor=request.user)))


class LogoInput(serializers.Serializer[Any]):
    image = serializers.FileField()


class LogoView(APIView):
    """The logo on invoices and tickets: JPEG, PNG or WebP of at most 5 MB and 25 megapixels, kept at 800 pixels."""

    permissions = {"put": "manage_settings", "delete": "manage_settings"}
    parser_classes = [StrictMultiPartParser]

    @extend_schema(
        operation_id="settings_logo", request={"multipart/form-data": LogoInput}, responses=OpenApiTypes.OBJECT
    )
    def put(self, request: Request) -> Response:
        wanted = LogoInput(data=request.data)
        wanted.is_valid(raise_exception=True)
        return Response(settings_json(change_logo(wanted.validated_data["image"], actor=request.user)))

    @extend_schema(operation_id="settings_logo_destroy", request=None, responses={204: None})
    def delete(self, request: Request) -> Response:
        change_logo(None, actor=request.user)
        return Response(status=204)
