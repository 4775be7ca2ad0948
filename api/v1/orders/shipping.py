"""The steps of an order's goods over HTTP."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.idempotency import idempotent
from api.v1.orders.serializers import OrderSerializer
from api.v1.orders.visibility import changed, touch, whole
from api.views import APIView
from tenant_apps.orders import shipping
from tenant_apps.orders.errors import NoGoods
from tenant_apps.orders.models import Order


class StepInput(serializers.Serializer[Any]):
    lines = serializers.ListField(
        child=serializers.UUIDField(),
        allow_empty=False,
        max_length=100,
        required=False,
        help_text="Lines with goods; left out: all that can make the step.",
    )


class ShipInput(StepInput):
    carrier = serializers.CharField(max_length=60, required=False, allow_blank=True, default="")
    tracking_number = serializers.CharField(max_length=60, required=False, allow_blank=True, default="")


class ReturnInput(StepInput):
    restock = serializers.BooleanField(
        default=True, help_text="Whether the goods can be sold again; if not, they are written off."
    )


class _StepView(APIView):
    """Moves goods of an order one step on; what made the step already stays as it is."""

    permissions = {"post": "change_orders"}
    scope = "object"
    step: str
    shape: type[serializers.Serializer[Any]] = StepInput

    def _post(self, request: Request, code: str) -> Response:
        wanted = self.shape(data=request.data)
        wanted.is_valid(raise_exception=True)
        order = self._find(request, code)
        shipping.move(order, self.step, actor=request.user, **wanted.validated_data)
        return Response(whole(changed(request, order, "change_orders")))

    def _find(self, request: Request, code: str) -> Order:
        order = touch(request, code, "change_orders", but_goods=True)
        if changed(request, order, "change_orders").events is not None:
            # Goods belong to no event: who has a grant on events sees none here.
            raise NoGoods
        return order


class PackView(_StepView):
    """The goods lie packed."""

    step = "pack"

    @extend_schema(operation_id="orders_pack", request=StepInput, responses=OrderSerializer)
    @idempotent(required=False)
    def post(self, request: Request, code: str) -> Response:
        return self._post(request, code)


class ShipView(_StepView):
    """A carrier has the goods."""

    step, shape = "ship", ShipInput

    @extend_schema(operation_id="orders_ship", request=ShipInput, responses=OrderSerializer)
    @idempotent(required=False)
    def post(self, request: Request, code: str) -> Response:
        return self._post(request, code)


class DeliverView(_StepView):
    """The buyer has the goods."""

    step = "deliver"

    @extend_schema(operation_id="orders_deliver", request=StepInput, responses=OrderSerializer)
    @idempotent(required=False)
    def post(self, request: Request, code: str) -> Response:
        return self._post(request, code)


class ReturnView(_StepView):
    """The goods came back."""

    step, shape = "return", ReturnInput

    @extend_schema(operation_id="orders_return", request=ReturnInput, responses=OrderSerializer)
    @idempotent(required=False)
    def post(self, request: Request, code: str) -> Response:
        return self._post(request, code)
