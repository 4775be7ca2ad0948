"""What happened to one's account, over JSON."""

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.fields import UtcField
from api.pagination import Cursor
from api.permissions import SIGNED_IN
from api.views import APIView
from shared_apps.accounts import devices, trail
from shared_apps.accounts.models import PlatformAuditEntry


class SecurityEventSerializer(serializers.ModelSerializer[PlatformAuditEntry]):
    """One thing that happened. `title` says it in words; `by` is `you`, `operator`, or `unknown` for a refused try."""

    at = UtcField(read_only=True)
    title = serializers.SerializerMethodField()
    by = serializers.SerializerMethodField()
    device = serializers.SerializerMethodField()

    class Meta:
        model = PlatformAuditEntry
        fields = ["id", "at", "topic", "title", "refused", "by", "address", "device"]
        read_only_fields = fields

    def get_title(self, entry: PlatformAuditEntry) -> str:
        return str(trail.words(entry.topic))

    def get_by(self, entry: PlatformAuditEntry) -> str:
        return trail.who(entry)

    def get_device(self, entry: PlatformAuditEntry) -> str:
        agent = entry.details.get("user_agent")
        return devices.words(agent) if agent else ""


class _Newest(Cursor):
    ordering = ("-at", "-id")


class SecurityEventsView(APIView):
    """Logins, refused tries and changes of my account, newest first."""

    permissions: ClassVar[dict[str, Any]] = {"get": SIGNED_IN}
    parameters: ClassVar[frozenset[str]] = frozenset()

    @extend_schema(operation_id="me_security_events_list", responses=SecurityEventSerializer(many=True))
    def get(self, request: Request) -> Response:
        pages = _Newest()
        page: list[Any] = pages.paginate_queryset(trail.history_of(request.user), request, view=self) or []
        return pages.get_paginated_response(SecurityEventSerializer(page, many=True).data)
