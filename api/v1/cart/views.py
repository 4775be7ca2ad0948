"""The caller's cart over HTTP. A guest's is opened by the token of its first answer, a person's by their sign-in."""

import uuid
from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api.permissions import ANYONE, OWN
from api.v1.cart.callers import HEADER, visitor_of
from api.v1.cart.presentation import cart_json
from api.v1.cart.serializers import (
    CartDeliveryInput,
    CartLineInput,
    CartSerializer,
    CartVoucherInput,
    QuantityInput,
)
from api.views import APIView
from shared_apps.core.errors import DomainError
from tenant_apps.orders import carts
from tenant_apps.orders.cart_models import Cart
from tenant_apps.orders.cart_view import show
from tenant_apps.promotions.guessing import guarded

TOKEN = OpenApiParameter(
    HEADER, str, OpenApiParameter.HEADER, description="What the first answer gave. People who are signed in need none."
)
# One line is sent, not a list: a refusal names its fields, not those of an order.
FIRST = "lines.0."


class OfOneLine:
    """Lets refusals name the fields of the one line that was sent."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, DomainError):
            error.field = error.field.removeprefix(FIRST)


def answer(cart: Cart | None, visitor: carts.Visitor, status: int = 200) -> Response:
    """The whole cart, with its token; an empty one has a token as well, and no row yet."""
    cart_id = cart.pk if cart is not None else visitor.cart_id or uuid.uuid4()
    shown = cart_json(show(cart), cart_id)
    return Response(shown, status=status, headers={HEADER: shown["token"]})


class CartView(APIView):
    """The cart, priced as it would be ordered now (GET), or emptied: all that it holds is free at once (DELETE)."""

    permissions = {"get": ANYONE, "delete": ANYONE}

    @extend_schema(operation_id="cart_retrieve", parameters=[TOKEN], responses=CartSerializer)
    def get(self, request: Request) -> Response:
        visitor = visitor_of(request)
        return answer(carts.find(visitor), visitor)

    @extend_schema(operation_id="cart_empty", parameters=[TOKEN], responses={204: None})
    def delete(self, request: Request) -> Response:
        carts.empty(visitor_of(request))
        return Response(status=204)


class LinesView(APIView):
    """Put tickets or goods into the cart; they are held from now on."""

    permissions = {"post": ANYONE}

    @extend_schema(
        operation_id="cart_lines_create", parameters=[TOKEN], request=CartLineInput, responses={201: CartSerializer}
    )
    def post(self, request: Request) -> Response:
        wanted = CartLineInput(data=request.data)
        wanted.is_valid(raise_exception=True)
        visitor = visitor_of(request)
        with OfOneLine():
            cart = carts.add(visitor, [wanted.wish()])
        return answer(cart, visitor, status=201)


class LineView(APIView):
    """Change how many there are of one line, or take it out."""

    permissions = {"patch": OWN, "delete": OWN}

    @extend_schema(
        operation_id="cart_lines_update", parameters=[TOKEN], request=QuantityInput, responses=CartSerializer
    )
    def patch(self, request: Request, pk: uuid.UUID) -> Response:
        wanted = QuantityInput(data=request.data)
        wanted.is_valid(raise_exception=True)
        visitor = visitor_of(request)
        with OfOneLine():
            cart = carts.change(visitor, pk, wanted.validated_data["quantity"])
        return answer(cart, visitor)

    @extend_schema(operation_id="cart_lines_delete", parameters=[TOKEN], responses=CartSerializer)
    def delete(self, request: Request, pk: uuid.UUID) -> Response:
        visitor = visitor_of(request)
        return answer(carts.remove(visitor, pk), visitor)


class HoldView(APIView):
    """Hold everything anew after the time was up."""

    permissions = {"post": ANYONE}

    @extend_schema(operation_id="cart_hold", parameters=[TOKEN], request=None, responses=CartSerializer)
    def post(self, request: Request) -> Response:
        visitor = visitor_of(request)
        return answer(carts.hold_again(visitor), visitor)


class VoucherView(APIView):
    """Put a code on the cart (PUT) or take it off (DELETE). An order uses it up, the cart does not."""

    permissions = {"put": ANYONE, "delete": ANYONE}

    @extend_schema(operation_id="cart_voucher", parameters=[TOKEN], request=CartVoucherInput, responses=CartSerializer)
    def put(self, request: Request) -> Response:
        wanted = CartVoucherInput(data=request.data)
        wanted.is_valid(raise_exception=True)
        visitor, code = visitor_of(request), wanted.validated_data["code"]
        try:
            with guarded(request, code):
                cart = carts.use_voucher(visitor, code)
        except DomainError as refusal:
            refusal.field = refusal.field and "code"
            raise
        return answer(cart, visitor)

    @extend_schema(operation_id="cart_voucher_delete", parameters=[TOKEN], responses=CartSerializer)
    def delete(self, request: Request) -> Response:
        visitor = visitor_of(request)
        return answer(carts.drop_voucher(visitor), visitor)


class DeliveryView(APIView):
    """Say how goods are to come, so that the total tells it (PUT), or leave it open again (DELETE)."""

    permissions = {"put": ANYONE, "delete": ANYONE}

    @extend_schema(
        operation_id="cart_delivery", parameters=[TOKEN], request=CartDeliveryInput, responses=CartSerializer
    )
    def put(self, request: Request) -> Response:
        wanted = CartDeliveryInput(data=request.data)
        wanted.is_valid(raise_exception=True)
        visitor = visitor_of(request)
        return answer(carts.choose_delivery(visitor, wanted.validated_data["method"]), visitor)

    @extend_schema(operation_id="cart_delivery_delete", parameters=[TOKEN], responses=CartSerializer)
    def delete(self, request: Request) -> Response:
        visitor = visitor_of(request)
        return answer(carts.choose_delivery(visitor, None), visitor)
