"""How much a tenant used, for its owner: what the platform charges by."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.views import APIView
from shared_apps.billing.usage import FIGURES, period, totals, usage_of
from tenants.context import current_tenant


class UsageDaySerializer(serializers.Serializer[Any]):
    day = serializers.DateField(help_text="A day of UTC.")
    orders = serializers.IntegerField()
    paid_tickets = serializers.IntegerField()
    mails = serializers.IntegerField()
    api_requests = serializers.IntegerField()
    storage_bytes = serializers.IntegerField()
    measured_at = serializers.DateTimeField()


class UsageTotalsSerializer(serializers.Serializer[Any]):
    orders = serializers.IntegerField()
    paid_tickets = serializers.IntegerField()
    mails = serializers.IntegerField()
    api_requests = serializers.IntegerField()
    storage_bytes = serializers.IntegerField(help_text="The most that lay there on one of the days.")


class UsageSerializer(serializers.Serializer[Any]):
    days = UsageDaySerializer(many=True)
    totals = UsageTotalsSerializer()


class UsageView(APIView):
    """What this site used, day by day: the last 30 days, or from `from` to `to`, at most 366 days."""

    permissions = {"get": "manage_settings"}
    parameters = frozenset({"from", "to"})

    @extend_schema(operation_id="usage_retrieve", responses=UsageSerializer)
    def get(self, request: Request) -> Response:
        first, last = period(request.query_params.get("from", ""), request.query_params.get("to", ""))
        rows = usage_of(current_tenant(), first, last)
        days = [
            {"day": row.day, "measured_at": row.measured_at, **{name: getattr(row, name) for name in FIGURES}}
            for row in rows
        ]
        return Response({"days": days, "totals": totals(rows)})
