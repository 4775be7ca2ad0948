"""API keys, over HTTP. People make and revoke them; no key makes another."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api.filters import modified_since
from api.pagination import Pages
from api.permissions import require_person
from api.v1.staff.events import event_called
from api.v1.staff.presentation import keys_json
from api.v1.staff.serializers import ApiKeyInput, ApiKeySerializer, MadeApiKeySerializer
from api.views import APIView
from shared_apps.core.errors import NotFound
from tenant_apps.staff import keys
from tenant_apps.staff.models import ApiKey


class ApiKeysView(APIView):
    """The keys that were not revoked, newest first."""

    permissions = {"get": "manage_integrations", "post": "manage_integrations"}
    parameters = frozenset()

    @extend_schema(operation_id="api_keys_list", responses=ApiKeySerializer(many=True))
    def get(self, request: Request) -> Response:
        pages = Pages()
        standing = ApiKey.objects.standing().select_related("created_by").order_by("-pk")
        page: list[Any] = pages.paginate_queryset(modified_since(request, standing), request, view=self) or []
        return pages.get_paginated_response(keys_json(page))

    @extend_schema(operation_id="api_keys_create", request=ApiKeyInput, responses={201: MadeApiKeySerializer})
    def post(self, request: Request) -> Response:
        maker = require_person(request)
        wanted = ApiKeyInput(data=request.data)
        wanted.is_valid(raise_exception=True)
        fields = wanted.validated_data
        named = fields.get("events")
        events = None
        if named is not None:
            events = [event_called(request, given, field=f"events.{index}") for index, given in enumerate(named)]
        key, text = keys.make_key(
            name=fields["name"],
            scopes=fields["scopes"],
            events=events,
            expires_at=fields.get("expires_at"),
            actor=maker,
        )
        return Response({**keys_json([key])[0], "key": text}, status=201)


class ApiKeyView(APIView):
    permissions = {"get": "manage_integrations", "delete": "manage_integrations"}
    parameters = frozenset()

    def key(self, pk: int) -> ApiKey:
        found: ApiKey | None = ApiKey.objects.standing().select_related("created_by").filter(pk=pk).first()
        if found is None:
            raise NotFound
        return found

    @extend_schema(operation_id="api_keys_retrieve", responses=ApiKeySerializer)
    def get(self, request: Request, pk: int) -> Response:
        return Response(keys_json([self.key(pk)])[0])

    @extend_schema(operation_id="api_keys_revoke", responses={204: None})
    def delete(self, request: Request, pk: int) -> Response:
        keys.revoke(self.key(pk), actor=require_person(request))
        return Response(status=204)
