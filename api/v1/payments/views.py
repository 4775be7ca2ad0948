"""Payments over HTTP."""

import uuid

from django.conf import settings
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api.idempotency import afterwards, idempotent
from api.permissions import OWN
from api.v1.orders.presentation import payment_json
from api.v1.orders.serializers import OutcomeInput, PaymentInput, PaymentSerializer
from api.v1.orders.visibility import see, sight_of, touch
from api.views import APIView
from shared_apps.core.errors import NotFound
from tenant_apps.payments.models import Payment
from tenant_apps.payments.providers.test import TestProvider, outcome_of
from tenant_apps.payments.services import ask, intend, settle


def _payment(request: Request, pk: uuid.UUID) -> Payment:
    payment = Payment.objects.select_related("order").filter(pk=pk).first()
    if payment is None:
        raise NotFound
    sight = sight_of(request, payment.order)
    # Payments belong to the whole order: a grant on one of its events does not show them.
    if sight is None or sight.events is not None:
        raise NotFound
    return payment


def _sees_as_buyer(request: Request, payment: Payment) -> bool:
    sight = sight_of(request, payment.order)
    return sight is not None and sight.as_buyer


class PaymentsView(APIView):
    """Another try to pay an order."""

    permissions = {"post": OWN}
    staff_too = {"post": "change_orders"}

    @extend_schema(operation_id="payments_create", request=PaymentInput, responses={201: PaymentSerializer})
    @idempotent(required=True)
    def post(self, request: Request) -> Response:
        wanted = PaymentInput(data=request.data)
        wanted.is_valid(raise_exception=True)
        data = wanted.validated_data
        sight = see(request, data["order"])
        if not sight.as_buyer:
            touch(request, data["order"], "change_orders")
        payment = intend(sight.order, data["provider"], actor=request.user)
        options = {name: data[name] for name in ("test_outcome", "flow") if name in data}
        afterwards(request, lambda: Response(payment_json(*ask(payment, **options)), status=201))
        return Response(payment_json(payment), status=201)


class PaymentView(APIView):
    """How a payment stands."""

    permissions = {"get": OWN}
    staff_too = {"get": "view_orders"}

    @extend_schema(operation_id="payments_retrieve", responses=PaymentSerializer)
    def get(self, request: Request, pk: uuid.UUID) -> Response:
        return Response(payment_json(_payment(request, pk)))


class CompleteTestPaymentView(APIView):
    """Decide a test payment. There is nothing here but on a development server."""

    permissions = {"post": OWN}
    staff_too = {"post": "change_orders"}

    @extend_schema(operation_id="payments_complete_test", request=OutcomeInput, responses=PaymentSerializer)
    def post(self, request: Request, pk: uuid.UUID) -> Response:
        if not settings.DEVELOPMENT:
            raise NotFound
        payment = _payment(request, pk)
        if payment.provider != TestProvider.name:
            raise NotFound
        if not _sees_as_buyer(request, payment):
            touch(request, payment.order.code, "change_orders")
        wanted = OutcomeInput(data=request.data)
        wanted.is_valid(raise_exception=True)
        outcome = outcome_of(wanted.validated_data["outcome"])
        return Response(payment_json(settle(payment, outcome, reference=f"test_{payment.pk}", actor=request.user)))
