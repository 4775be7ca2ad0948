"""The audit trail, over HTTP."""

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
from tenant_apps.activity.models import AuditEntry
from tenant_apps.activity.trail import entries


class AuditEntrySerializer(serializers.ModelSerializer[AuditEntry]):
    """Who did what to what. `actor_id` below zero is an API key's; null is a guest or a job."""

    details = serializers.DictField()

    class Meta:
        model = AuditEntry
        fields = read_only_fields = [
            "id", "at", "topic", "actor_id", "actor", "target", "refused", "details", "request_id", "address",
        ]  # fmt: skip


class BadFlag(InvalidInput):
    code = "flag_invalid"
    message = _("Say true or false.")


class _Newest(Cursor):
    ordering = ("-at", "-id")


class AuditView(APIView):
    """What happened in this tenant, and what was refused; newest first."""

    permissions = {"get": "view_audit"}
    parameters = frozenset({"search", "actor", "topic", "target", "from", "to", "refused"})

    @extend_schema(
        operation_id="audit_list",
        parameters=[
            OpenApiParameter("search", str, description="Words that all stand somewhere in the entry, details too."),
            OpenApiParameter("actor", str, description="An id, or part of a name."),
            OpenApiParameter("topic", str, description="How the topic begins: order. or order.paid"),
            OpenApiParameter("target", str, description="How the target begins: orders.order:17"),
            OpenApiParameter("from", str, description="At or after this time."),
            OpenApiParameter("to", str, description="Before this time."),
            OpenApiParameter("refused", bool),
        ],
        responses=AuditEntrySerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        pages = _Newest()
        page: list[Any] = pages.paginate_queryset(entries(**_wanted(request.query_params)), request, view=self) or []
        return pages.get_paginated_response(AuditEntrySerializer(page, many=True).data)


def _wanted(query: Any) -> dict[str, Any]:
    wanted: dict[str, Any] = {
        name: query[name][:100] for name in ("search", "actor", "topic", "target") if query.get(name)
    }
    for name, ours in (("from", "since"), ("to", "until")):
        if query.get(name):
            wanted[ours] = moment(query[name], name)
    if query.get("refused"):
        if query["refused"] not in ("true", "false"):
            raise BadFlag(field="refused")
        wanted["refused"] = query["refused"] == "true"
    return wanted
