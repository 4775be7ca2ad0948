"""Report schedules over HTTP."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.pagination import Pages
from api.views import APIView
from shared_apps.core.errors import InvalidInput, NotFound
from tenant_apps.reports import schedules
from tenant_apps.reports.registry import SLUGS
from tenant_apps.reports.schedule_models import ReportSchedule


class ScheduleInput(serializers.Serializer[Any]):
    """`cron`: minute hour day month weekday on the wall clock of the tenant's zone, at most once an hour. `params`:
    `period` (last_7_days, last_month, …), `group_by`, `event`, `compare`, `mode`. `recipients`: addresses of people who
    may see reports here."""

    report = serializers.ChoiceField(SLUGS)
    params = serializers.DictField(required=False)
    format = serializers.ChoiceField(ReportSchedule.Format.choices, required=False)
    cron = serializers.CharField()
    recipients = serializers.ListField(child=serializers.EmailField())
    enabled = serializers.BooleanField(required=False)


class ScheduleSerializer(ScheduleInput):
    """`next_at`: when it is sent next. `last_skipped`: how many held the right no longer the last time."""

    id = serializers.UUIDField()
    next_at = serializers.DateTimeField(allow_null=True)
    timezone = serializers.CharField()
    last_at = serializers.DateTimeField(allow_null=True)
    last_sent = serializers.IntegerField()
    last_skipped = serializers.IntegerField()
    created_at = serializers.DateTimeField()


def _json(found: list[ReportSchedule]) -> list[dict[str, Any]]:
    people = schedules.shown_recipients(found)
    return [
        {
            "id": each.pk, "report": each.report, "params": each.params, "format": each.format, "cron": each.cron,
            "recipients": [people[pk].email for pk in each.recipients if pk in people], "enabled": each.enabled,
            "next_at": each.next_at, "timezone": each.zone, "last_at": each.last_at, "last_sent": each.last_sent,
            "last_skipped": each.last_skipped, "created_at": each.created_at,
        }
        for each in found
    ]  # fmt: skip


def _given(request: Request) -> dict[str, Any]:
    """The fields of a schedule; what is none is not applied (I9)."""
    if not isinstance(request.data, dict):
        raise InvalidInput
    return {name: value for name, value in request.data.items() if name in schedules.FIELDS}


class SchedulesView(APIView):
    """Reports that are mailed by themselves."""

    permissions = {"get": "view_reports", "post": "view_reports"}
    parameters = frozenset()

    @extend_schema(operation_id="report_schedules_list", responses=ScheduleSerializer(many=True))
    def get(self, request: Request) -> Response:
        pages = Pages()
        found = ReportSchedule.objects.order_by("created_at", "pk")
        page: list[Any] = pages.paginate_queryset(found, request, view=self) or []
        return pages.get_paginated_response(_json(page))

    @extend_schema(operation_id="report_schedules_create", request=ScheduleInput, responses={201: ScheduleSerializer})
    def post(self, request: Request) -> Response:
        made = schedules.create(_given(request), actor=request.user)
        return Response(_json([made])[0], status=201)


class ScheduleView(APIView):
    """One of them."""

    permissions = {"get": "view_reports", "patch": "view_reports", "delete": "view_reports"}
    parameters = frozenset()

    def _found(self, pk: UUID) -> ReportSchedule:
        found = ReportSchedule.objects.filter(pk=pk).first()
        if found is None:
            raise NotFound
        return found

    @extend_schema(operation_id="report_schedules_retrieve", responses=ScheduleSerializer)
    def get(self, request: Request, pk: UUID) -> Response:
        return Response(_json([self._found(pk)])[0])

    @extend_schema(operation_id="report_schedules_update", request=ScheduleInput, responses=ScheduleSerializer)
    def patch(self, request: Request, pk: UUID) -> Response:
        changed = schedules.change(self._found(pk), _given(request), actor=request.user)
        return Response(_json([changed])[0])

    @extend_schema(operation_id="report_schedules_destroy", request=None, responses={204: None})
    def delete(self, request: Request, pk: UUID) -> Response:
        schedules.delete(self._found(pk), actor=request.user)
        return Response(status=204)
