"""The self-check over HTTP."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.views import APIView
from shared_apps.core.checkup import STATES, results, worst


class CheckSerializer(serializers.Serializer[Any]):
    """One check: `message` says what is, `todo` what to do about it; both in the language of the request."""

    code = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]  # a field of the answer, not DRF's own label
    state = serializers.ChoiceField(STATES)
    message = serializers.CharField()
    todo = serializers.CharField(allow_blank=True)


class SystemCheckSerializer(serializers.Serializer[Any]):
    """`state` is the worst of them."""

    state = serializers.ChoiceField(STATES)
    checks = CheckSerializer(many=True)


class SystemCheckView(APIView):
    """What is wrong with this tenant, and how to mend it. Takes some seconds at most; nothing of the platform."""

    permissions = {"get": "manage_settings"}
    parameters = frozenset()

    @extend_schema(operation_id="system_check", responses=SystemCheckSerializer)
    def get(self, request: Request) -> Response:
        found = results("tenant")
        return Response({"state": worst(found), "checks": CheckSerializer(found, many=True).data})
