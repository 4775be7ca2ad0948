"""Webhooks over HTTP, for who manages integrations: people, and API keys with that scope."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api.filters import modified_since, moment
from api.pagination import Cursor, Pages
from api.v1.webhooks.presentation import delivery_json, webhook_json
from api.v1.webhooks.serializers import (
    DeliverySerializer,
    MadeWebhookSerializer,
    ReplayedSerializer,
    ReplaySinceInput,
    RotateInput,
    TopicSerializer,
    WebhookInput,
    WebhookSerializer,
)
from api.views import APIView
from shared_apps.core.errors import InvalidInput, NotFound
from tenant_apps.webhooks import secrets, services
from tenant_apps.webhooks.models import WebhookDelivery, WebhookEndpoint
from tenant_apps.webhooks.topics import TEST, TOPICS


class _Webhook(APIView):
    def endpoint(self, pk: UUID) -> WebhookEndpoint:
        found = WebhookEndpoint.objects.filter(pk=pk).first()
        if found is None:
            raise NotFound
        return found

    def delivery(self, pk: UUID, delivery: UUID) -> WebhookDelivery:
        found: WebhookDelivery | None = (
            WebhookDelivery.objects.for_log().select_related("endpoint").filter(endpoint=pk, pk=delivery).first()
        )
        if found is None:
            raise NotFound
        return found

    def wanted(self, shape: Any, *, partial: bool = False) -> dict[str, Any]:
        given = shape(data=self.request.data, partial=partial)
        given.is_valid(raise_exception=True)
        fields: dict[str, Any] = given.validated_data
        return fields


class WebhooksView(_Webhook):
    """The addresses that are told what happens, newest first."""

    permissions = {"get": "manage_integrations", "post": "manage_integrations"}
    parameters = frozenset()

    @extend_schema(operation_id="webhooks_list", responses=WebhookSerializer(many=True))
    def get(self, request: Request) -> Response:
        pages = Pages()
        rows = modified_since(request, WebhookEndpoint.objects.order_by("-created_at", "-pk"))
        page: list[Any] = pages.paginate_queryset(rows, request, view=self) or []
        return pages.get_paginated_response([webhook_json(each) for each in page])

    @extend_schema(operation_id="webhooks_create", request=WebhookInput, responses={201: MadeWebhookSerializer})
    def post(self, request: Request) -> Response:
        endpoint, secret = services.create_endpoint(actor=request.user, **self.wanted(WebhookInput))
        return Response({**webhook_json(endpoint), "secret": secret}, status=201)


class WebhookView(_Webhook):
    permissions = {
        "get": "manage_integrations", "patch": "manage_integrations", "delete": "manage_integrations",
    }  # fmt: skip
    parameters = frozenset()

    @extend_schema(operation_id="webhooks_retrieve", responses=WebhookSerializer)
    def get(self, request: Request, pk: UUID) -> Response:
        return Response(webhook_json(self.endpoint(pk)))

    @extend_schema(operation_id="webhooks_update", request=WebhookInput(partial=True), responses=WebhookSerializer)
    def patch(self, request: Request, pk: UUID) -> Response:
        """Change any of it. Switching it on again forgets its failures."""
        endpoint = self.endpoint(pk)
        fields = self.wanted(WebhookInput, partial=True)
        return Response(webhook_json(services.change_endpoint(endpoint, actor=request.user, **fields)))

    @extend_schema(operation_id="webhooks_delete", responses={204: None})
    def delete(self, request: Request, pk: UUID) -> Response:
        services.delete_endpoint(self.endpoint(pk), actor=request.user)
        return Response(status=204)


class RotateView(_Webhook):
    """A new secret. The present one stays live for a while, and deliveries are signed with both."""

    permissions = {"post": "manage_integrations"}

    @extend_schema(operation_id="webhooks_rotate_secret", request=RotateInput, responses=MadeWebhookSerializer)
    def post(self, request: Request, pk: UUID) -> Response:
        endpoint = self.endpoint(pk)
        hours = self.wanted(RotateInput).get("overlap_hours")
        overlap = secrets.OVERLAP if hours is None else timedelta(hours=hours)
        endpoint, secret = services.rotate_secret(endpoint, overlap=overlap, actor=request.user)
        return Response({**webhook_json(endpoint), "secret": secret})


class TestView(_Webhook):
    """Sends a `webhook.test`. The delivery that is answered is on its way; ask for it again to see how it ended."""

    permissions = {"post": "manage_integrations"}

    @extend_schema(operation_id="webhooks_test", request=None, responses={202: DeliverySerializer})
    def post(self, request: Request, pk: UUID) -> Response:
        return Response(delivery_json(services.send_test(self.endpoint(pk), actor=request.user)), status=202)


class ReplaySinceView(_Webhook):
    """Sends all events since a time once more, those too that happened while the webhook was switched off."""

    permissions = {"post": "manage_integrations"}

    @extend_schema(operation_id="webhooks_replay_since", request=ReplaySinceInput, responses={202: ReplayedSerializer})
    def post(self, request: Request, pk: UUID) -> Response:
        endpoint = self.endpoint(pk)
        count = services.replay_since(endpoint, actor=request.user, **self.wanted(ReplaySinceInput))
        return Response({"count": count}, status=202)


class DeliveriesView(_Webhook):
    """The log of 30 days, newest first: what was sent and how each try ended. What was answered is not shown."""

    permissions = {"get": "manage_integrations"}
    parameters = frozenset({"status", "topic", "since"})

    @extend_schema(
        operation_id="webhooks_deliveries",
        parameters=[
            OpenApiParameter("status", str, enum=WebhookDelivery.Status.values),
            OpenApiParameter("topic", str),
            OpenApiParameter("since", str, description="Deliveries that were begun then or later."),
            OpenApiParameter("cursor", str),
            OpenApiParameter("page_size", int),
        ],
        responses=DeliverySerializer(many=True),
    )
    def get(self, request: Request, pk: UUID) -> Response:
        rows = WebhookDelivery.objects.for_log().filter(endpoint=self.endpoint(pk))
        asked = request.query_params
        if status := asked.get("status", ""):
            if status not in WebhookDelivery.Status.values:
                raise InvalidInput(field="status")
            rows = rows.filter(status=status)
        if topic := asked.get("topic", ""):
            if topic not in TOPICS and topic != TEST:
                raise InvalidInput(field="topic")
            rows = rows.filter(event__topic=topic)
        if since := asked.get("since", ""):
            rows = rows.filter(created_at__gte=moment(since, "since"))
        pages = Cursor()
        page: list[Any] = pages.paginate_queryset(rows, request, view=self) or []
        return pages.get_paginated_response([delivery_json(each) for each in page])


class DeliveryView(_Webhook):
    permissions = {"get": "manage_integrations"}
    parameters = frozenset()

    @extend_schema(operation_id="webhooks_delivery", responses=DeliverySerializer)
    def get(self, request: Request, pk: UUID, delivery: UUID) -> Response:
        return Response(delivery_json(self.delivery(pk, delivery)))


class ReplayView(_Webhook):
    """Sends one delivery once more, with the same body and event id."""

    permissions = {"post": "manage_integrations"}

    @extend_schema(operation_id="webhooks_replay", request=None, responses={202: DeliverySerializer})
    def post(self, request: Request, pk: UUID, delivery: UUID) -> Response:
        again = services.replay(self.delivery(pk, delivery), actor=request.user)
        return Response(delivery_json(again), status=202)


class TopicsView(APIView):
    """What webhooks can be told."""

    permissions = {"get": "manage_integrations"}
    parameters = frozenset()

    @extend_schema(operation_id="webhooks_topics", responses=TopicSerializer(many=True))
    def get(self, request: Request) -> Response:
        return Response([{"name": name, "description": str(when)} for name, when in TOPICS.items()])
