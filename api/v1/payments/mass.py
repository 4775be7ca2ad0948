"""Everybody's money back for one event, over HTTP."""

import uuid
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.idempotency import idempotent
from api.pagination import Pages
from api.scoping import EventScoped
from api.v1.orders.serializers import ReasonInput
from api.views import APIView
from shared_apps.core.errors import NotFound
from shared_apps.core.money import to_text
from tenant_apps.payments import mass
from tenant_apps.payments.models import MassRefund, MassRefundRow

MOST_FAILURES = 1000


class MassRefundProgressSerializer(serializers.Serializer[Any]):
    """How many orders wait, are on their way at a provider, are done, failed."""

    waiting = serializers.IntegerField()
    sent = serializers.IntegerField()
    done = serializers.IntegerField()
    failed = serializers.IntegerField()
    total = serializers.IntegerField()


class MassRefundAmountSerializer(serializers.Serializer[Any]):
    currency = serializers.CharField()
    promised = serializers.CharField()
    refunded = serializers.CharField()


class MassRefundFailureSerializer(serializers.Serializer[Any]):
    order = serializers.CharField()
    code = serializers.CharField()
    detail = serializers.CharField()
    amount = serializers.CharField(allow_null=True)
    currency = serializers.CharField()


class MassRefundSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    event = serializers.CharField()
    status = serializers.ChoiceField(MassRefund.Status.choices)
    reason = serializers.CharField()
    created_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)
    progress = MassRefundProgressSerializer()
    amounts = MassRefundAmountSerializer(many=True)


class WholeMassRefundSerializer(MassRefundSerializer):
    """With the first 1,000 of `progress.failed` failures."""

    failures = MassRefundFailureSerializer(many=True)


def run_json(run: MassRefund) -> dict[str, Any]:
    """A run with its progress."""
    return {
        "id": run.pk,
        "event": run.event.slug,
        "status": run.status,
        "reason": run.reason,
        "created_at": run.created_at,
        "finished_at": run.finished_at,
        "progress": mass.progress(run),
        "amounts": [
            {"currency": currency, "promised": to_text(promised, currency), "refunded": to_text(back, currency)}
            for currency, promised, back in mass.sums(run)
        ],
    }


def failure_json(row: MassRefundRow) -> dict[str, Any]:
    return {
        "order": row.order.code,
        "code": row.code,
        "detail": row.words,
        "amount": None if row.amount_minor is None else to_text(row.amount_minor, row.currency),
        "currency": row.currency,
    }


def whole_json(run: MassRefund) -> dict[str, Any]:
    return {**run_json(run), "failures": [failure_json(row) for row in mass.failures(run)[:MOST_FAILURES]]}


class MassRefundsView(EventScoped, APIView):
    """All runs of an event, the last one first; and the start of one. One that is running is answered as it is."""

    permissions = {"get": "refund_orders", "post": "refund_orders"}

    @extend_schema(operation_id="events_refunds_list", responses=MassRefundSerializer(many=True))
    def get(self, request: Request, event: str) -> Response:
        pages = Pages()
        found = self.event.mass_refunds.select_related("event").order_by("-created_at")
        page = pages.paginate_queryset(found, request, view=self) or []
        return pages.get_paginated_response([run_json(run) for run in page])

    @extend_schema(
        operation_id="events_refunds_create", request=ReasonInput, responses={202: WholeMassRefundSerializer}
    )
    @idempotent(required=False)
    def post(self, request: Request, event: str) -> Response:
        wanted = ReasonInput(data=request.data)
        wanted.is_valid(raise_exception=True)
        run = mass.start(self.event, actor=request.user, reason=wanted.validated_data["reason"])
        return Response(whole_json(run), status=202)


class _RunView(EventScoped, APIView):
    def run(self, pk: uuid.UUID) -> MassRefund:
        found = self.event.mass_refunds.select_related("event").filter(pk=pk).first()
        if found is None:
            raise NotFound
        return found


class MassRefundView(_RunView):
    """How a run stands, and what failed."""

    permissions = {"get": "refund_orders"}

    @extend_schema(operation_id="events_refunds_retrieve", responses=WholeMassRefundSerializer)
    def get(self, request: Request, event: str, pk: uuid.UUID) -> Response:
        return Response(whole_json(self.run(pk)))


class RepeatView(_RunView):
    """Try again what failed; of each order only what has not gone back."""

    permissions = {"post": "refund_orders"}

    @extend_schema(operation_id="events_refunds_retry", request=None, responses={202: WholeMassRefundSerializer})
    def post(self, request: Request, event: str, pk: uuid.UUID) -> Response:
        return Response(whole_json(mass.repeat(self.run(pk), actor=request.user)), status=202)
