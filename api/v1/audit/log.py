"""The tenant's log over HTTP."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.filters import moment
from api.pagination import Cursor
from api.views import APIView
from shared_apps.core.errors import InvalidInput
from tenant_apps.reports.log import entries, in_words
from tenant_apps.reports.log_models import LogEntry


class BadLevel(InvalidInput):
    code = "level_invalid"
    message = _("Say error or warning.")


class LogEntrySerializer(serializers.ModelSerializer[LogEntry]):
    """What went wrong, how often within one hour. `event` never changes; `message` and `todo` are in the request's
    language; `request_id` is of the last time."""

    message = serializers.SerializerMethodField()
    todo = serializers.SerializerMethodField()

    class Meta:
        model = LogEntry
        fields = read_only_fields = [
            "id", "event", "subject", "level", "times", "last_at", "message", "todo", "request_id",
        ]  # fmt: skip

    def get_message(self, entry: LogEntry) -> str:
        return in_words(entry)[0]

    def get_todo(self, entry: LogEntry) -> str:
        return in_words(entry)[1]


class _Newest(Cursor):
    ordering = ("-last_at", "-id")


class LogView(APIView):
    """What went wrong in this tenant in the last 90 days; newest first."""

    permissions = {"get": "view_audit"}
    parameters = frozenset({"search", "level", "from", "to"})

    @extend_schema(
        operation_id="log_list",
        parameters=[
            OpenApiParameter("search", str, description="Part of the sentence, the subject, or a request's name."),
            OpenApiParameter("level", str, enum=["error", "warning"]),
            OpenApiParameter("from", str, description="At or after this time."),
            OpenApiParameter("to", str, description="Before this time."),
        ],
        responses=LogEntrySerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        query = request.query_params
        wanted: dict[str, Any] = {"search": query.get("search", "").strip()[:100]}
        if level := query.get("level"):
            if level not in LogEntry.Level.values:
                raise BadLevel(field="level")
            wanted["level"] = level
        for name, ours in (("from", "since"), ("to", "until")):
            if query.get(name):
                wanted[ours] = moment(query[name], name)
        pages = _Newest()
        page: list[Any] = pages.paginate_queryset(entries(**wanted), request, view=self) or []
        return pages.get_paginated_response(LogEntrySerializer(page, many=True).data)
