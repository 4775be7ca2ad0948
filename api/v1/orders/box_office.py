"""Sales at a counter over HTTP."""

from typing import Any

from django.utils.translation import get_language
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.fields import PlainTextField
from api.idempotency import idempotent
from api.v1.orders.serializers import BasketLineInput, PlacedOrderSerializer, basket_line
from api.v1.orders.visibility import Sight, whole
from api.views import APIView
from shared_apps.core.errors import NotFound
from tenant_apps.orders import box_office
from tenant_apps.orders.checkout import Basket
from tenant_apps.payments.box_office import sell
from tenant_apps.staff.permissions import permissions_anywhere


class BoxOfficeInput(serializers.Serializer[Any]):
    """`POST /box-office/orders/`. `payment` is cash, which is in the till by then, or complimentary: given away."""

    lines = serializers.ListField(child=BasketLineInput(), allow_empty=False, max_length=100)
    payment = serializers.ChoiceField(list(box_office.WAYS))
    email = serializers.EmailField(max_length=254, required=False, allow_blank=True, default="")
    name = PlainTextField(max_length=150, required=False, allow_blank=True, default="")


class BoxOfficeView(APIView):
    """Sell at a counter: paid at once, with the tickets' codes in the answer. Without an address no mail goes out."""

    permissions = {"post": "change_orders"}
    # By role, or by a grant on the events of all tickets: the view asks on what is sold.
    scope = "object"

    @extend_schema(operation_id="box_office_sell", request=BoxOfficeInput, responses={201: PlacedOrderSerializer})
    @idempotent(required=True)
    def post(self, request: Request) -> Response:
        if "change_orders" not in permissions_anywhere(request.user):
            raise NotFound
        wanted = BoxOfficeInput(data=request.data)
        wanted.is_valid(raise_exception=True)
        data = wanted.validated_data
        basket = Basket(
            email=data["email"],
            name=data["name"],
            lines=[basket_line(line) for line in data["lines"]],
            language=get_language() or "",
        )
        order = sell(basket, data["payment"], actor=request.user)
        shown = whole(Sight(order, as_buyer=True), with_secret=True)
        shown["payment"] = None
        return Response(shown, status=201)
