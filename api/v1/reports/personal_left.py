"""What personal data is left, over HTTP."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.fields import UtcField
from api.views import APIView
from tenant_apps.reports.personal_left import overview


class LeftSerializer(serializers.Serializer[Any]):
    """`rows` null: counting took too long; `more`: there are more than that."""

    kind = serializers.CharField(source="title")
    label = serializers.CharField()  # type: ignore[assignment]  # a field of the answer, not DRF's own label
    rows = serializers.IntegerField(allow_null=True)
    more = serializers.BooleanField()
    oldest = UtcField(allow_null=True)
    fate = serializers.CharField()


class PersonalDataSerializer(serializers.Serializer[Any]):
    """The rules in months (0: none), whom the next night forgets, when they were applied last, and what is left."""

    retention_guests_months = serializers.IntegerField(source="guests_months")
    retention_addresses_months = serializers.IntegerField(source="addresses_months")
    due_guests = serializers.IntegerField()
    applied_at = UtcField(allow_null=True)
    kinds = LeftSerializer(many=True)


class PersonalDataView(APIView):
    """How many rows of each kind still tell of somebody, and what becomes of them. The rules are set in `settings/`."""

    permissions = {"get": "manage_settings"}
    parameters = frozenset()

    @extend_schema(operation_id="personal_data", responses=PersonalDataSerializer)
    def get(self, request: Request) -> Response:
        return Response(PersonalDataSerializer(overview()).data)
