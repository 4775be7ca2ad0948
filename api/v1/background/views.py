"""How a tenant's background work stands, over HTTP: what waits, how late it is, what is parked and why."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.pagination import Cursor
from api.views import APIView
from tenant_apps.activity import standing
from tenant_apps.activity.models import OutboxMessage

# Whoever sets up the site, and whoever looks after what is connected to it.
MAY = ("manage_settings", "manage_integrations")


class QueueSerializer(serializers.Serializer[Any]):
    """One queue. `lag_seconds` is how long the oldest message has been due."""

    queue = serializers.CharField()
    pending = serializers.IntegerField()
    failing = serializers.IntegerField()
    lag_seconds = serializers.FloatField()
    last_minute = serializers.IntegerField()
    last_hour = serializers.IntegerField()


class StandingSerializer(serializers.Serializer[Any]):
    """The whole outbox. `late` is true if something has been due for two minutes and more."""

    pending = serializers.IntegerField()
    lag_seconds = serializers.FloatField()
    delivered_per_minute = serializers.FloatField()
    parked = serializers.IntegerField()
    late = serializers.BooleanField(source="is_late")
    queues = QueueSerializer(many=True)


class ParkedSerializer(serializers.ModelSerializer[OutboxMessage]):
    """A message that was given up after ten tries. `reason` is for people, `error` for programmers."""

    reason = serializers.SerializerMethodField()
    error = serializers.CharField(source="last_error")

    class Meta:
        model = OutboxMessage
        fields = read_only_fields = [
            "id", "topic", "aggregate", "queue", "created_at", "parked_at", "tries", "reason", "error",
        ]  # fmt: skip

    def get_reason(self, message: OutboxMessage) -> str:
        return str(standing.reason(message))


class RetriedSerializer(serializers.Serializer[Any]):
    retried = serializers.IntegerField()


class TopicSerializer(serializers.Serializer[Any]):
    """Which of them; without a topic, all."""

    topic = serializers.CharField(max_length=60, required=False)


class _Newest(Cursor):
    ordering = ("-parked_at", "-id")


class StandingView(APIView):
    """What waits to be sent in this tenant, for how long, and how much has left lately."""

    permissions = {"get": MAY}

    @extend_schema(operation_id="background_work_retrieve", responses=StandingSerializer)
    def get(self, request: Request) -> Response:
        return Response(StandingSerializer(standing.standing()).data)


class ParkedView(APIView):
    """What could not be delivered, newest first."""

    permissions = {"get": MAY}

    @extend_schema(operation_id="background_work_parked", responses=ParkedSerializer(many=True))
    def get(self, request: Request) -> Response:
        pages = _Newest()
        page: list[Any] = pages.paginate_queryset(standing.parked(), request, view=self) or []
        return pages.get_paginated_response(ParkedSerializer(page, many=True).data)


class RetryAllView(APIView):
    """Give all parked messages, or those of a topic, ten more tries."""

    permissions = {"post": MAY}

    @extend_schema(operation_id="background_work_retry_all", request=TopicSerializer, responses=RetriedSerializer)
    def post(self, request: Request) -> Response:
        wanted = TopicSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        retried = standing.retry_all(wanted.validated_data.get("topic"), actor=request.user)
        return Response({"retried": retried})


class RetryView(APIView):
    """Give one parked message ten more tries. One that is not parked any more: 409."""

    permissions = {"post": MAY}

    @extend_schema(operation_id="background_work_retry", request=None, responses=RetriedSerializer)
    def post(self, request: Request, pk: UUID) -> Response:
        standing.retry(pk, actor=request.user)
        return Response({"retried": 1})
