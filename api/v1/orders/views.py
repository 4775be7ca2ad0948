"""Orders over HTTP."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import get_language
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api.idempotency import afterwards, idempotent
from api.inputs import reading
from api.pagination import Cursor
from api.permissions import ANYONE, OWN, SIGNED_IN
from api.scoping import EventScoped
from api.v1.cart.callers import cart_of
from api.v1.orders import presentation
from api.v1.orders.lines import wanted_lines
from api.v1.orders.serializers import (
    CancellationSerializer,
    ContactInput,
    OrderInput,
    OrderSerializer,
    PlacedOrderSerializer,
    ReasonInput,
    RefundInput,
)
from api.v1.orders.visibility import Sight, changed, listed, see, touch, whole
from api.views import APIView
from shared_apps.core.errors import FieldError, InvalidInput
from shared_apps.core.money import to_minor
from tenant_apps.orders import services
from tenant_apps.orders.cancelling import chosen
from tenant_apps.orders.checkout import Basket
from tenant_apps.orders.errors import UnknownCart
from tenant_apps.orders.models import Order
from tenant_apps.payments.line_refunds import intend_line_refund, preview
from tenant_apps.payments.models import Payment
from tenant_apps.payments.providers.base import Started
from tenant_apps.payments.refunds import (
    cancel_order,
    carry_out,
    intend_order_refund,
)
from tenant_apps.payments.services import ask, is_started, mark_paid, place
from tenant_apps.promotions.guessing import guarded
from tenant_apps.staff.permissions import allowed


def placed(payment: Payment | None, started: Started | None, order: Order | None = None) -> Response:
    """The answer to a new order, with what the buyer's side needs to pay it."""
    order = order or (payment.order if payment else None)
    assert order is not None
    payments = [payment] if payment else []  # a new order has no other
    lines = Sight(order, as_buyer=True).lines()
    shown = presentation.order_json(order, lines, payments, as_buyer=True, with_secret=True)
    shown["payment"] = presentation.payment_json(payment, started) if payment else None
    return Response(shown, status=201)


def started(request: Request, order: Order, payment: Payment | None, options: Mapping[str, Any]) -> Response:
    """The answer to an order that is just being placed. A provider is asked after the commit, with a key and without
    one: none is asked inside a transaction (O3)."""
    if payment is None:
        return placed(None, None, order)
    known = is_started(payment)
    if known is None:
        afterwards(request, lambda: placed(*ask(payment, **options)))
    return placed(payment, known, order)


def _basket(request: Request, wanted: OrderInput) -> Basket:
    language = get_language() or ""
    token = wanted.validated_data.get("cart")
    if token is None:
        return wanted.basket(language=language)
    cart = cart_of(request, token)
    if cart is None:
        raise UnknownCart(field="cart")
    return wanted.cart_basket(cart, language=language)


class OrdersView(APIView):
    """A buyer's orders; all of them for staff whose role sees orders."""

    permissions = {"get": SIGNED_IN, "post": ANYONE}
    for_keys = {"get": "view_orders"}

    @extend_schema(operation_id="orders_list", responses=OrderSerializer(many=True))
    def get(self, request: Request) -> Response:
        pages = Cursor()
        page: list[Order] = pages.paginate_queryset(listed(request.user), request, view=self) or []
        as_buyer = not allowed(request.user, "view_orders")
        return pages.get_paginated_response(presentation.orders_json(page, as_buyer=as_buyer))

    @extend_schema(operation_id="orders_create", request=OrderInput, responses={201: PlacedOrderSerializer})
    @idempotent(required=True)
    def post(self, request: Request) -> Response:
        with reading(OrderInput, request.data) as wanted:
            basket = _basket(request, wanted)
        with guarded(request, basket.voucher):
            order, payment = place(basket, user=request.user, actor=request.user)
        return started(request, order, payment, basket.options)


class OrderView(APIView):
    """One order: for its buyer, for whoever holds its secret, for staff who may see orders."""

    permissions = {"get": OWN, "patch": "change_orders"}
    staff_too = {"get": "view_orders"}
    scope = "object"

    @extend_schema(operation_id="orders_retrieve", responses=OrderSerializer)
    def get(self, request: Request, code: str) -> Response:
        return Response(whole(see(request, code)))

    @extend_schema(operation_id="orders_update", request=ContactInput, responses=OrderSerializer)
    def patch(self, request: Request, code: str) -> Response:
        changes = ContactInput(data=request.data, partial=True)
        changes.is_valid(raise_exception=True)
        order = touch(request, code, "change_orders")
        services.change_contact(order, actor=request.user, **changes.validated_data)
        return Response(whole(changed(request, order, "change_orders")))


class CancelView(APIView):
    """What cancelling would do (GET), and doing it (POST, or PUT for older clients)."""

    permissions = {"get": OWN, "post": OWN, "put": OWN}
    staff_too = {"get": "change_orders", "post": "change_orders", "put": "change_orders"}
    scope = "object"

    @extend_schema(
        operation_id="orders_cancel_preview",
        parameters=[
            OpenApiParameter("lines", str, description="Ids of lines, with commas: only these. Without it all of them.")
        ],
        responses=CancellationSerializer,
    )
    def get(self, request: Request, code: str) -> Response:
        sight = see(request, code, permission="change_orders")
        wanted = wanted_lines(request)
        if sight.events is not None:
            # The rest of the order is told to nobody who may not cancel it (I2).
            if wanted is None:
                touch(request, code, "change_orders")
            else:
                chosen(sight.lines(), wanted)
        told = preview(sight.order, wanted, by_staff=not sight.as_buyer)
        return Response(presentation.cancellation_json(sight.order, told))

    @extend_schema(operation_id="orders_cancel", request=ReasonInput, responses=OrderSerializer)
    def post(self, request: Request, code: str) -> Response:
        wanted = ReasonInput(data=request.data)
        wanted.is_valid(raise_exception=True)
        sight = see(request, code)
        if not sight.as_buyer:
            touch(request, code, "change_orders")
        cancel_order(
            sight.order,
            actor=request.user,
            by_staff=not sight.as_buyer,
            reason=wanted.validated_data["reason"],
        )
        return Response(whole(see(request, code)))

    @extend_schema(operation_id="orders_cancel_put", request=ReasonInput, responses=OrderSerializer)
    def put(self, request: Request, code: str) -> Response:
        return self.post(request, code)


class MarkPaidView(APIView):
    """Staff say that the money of an order is there."""

    permissions = {"post": "change_orders"}
    scope = "object"

    @extend_schema(operation_id="orders_mark_paid", request=None, responses=OrderSerializer)
    @idempotent(required=False)
    def post(self, request: Request, code: str) -> Response:
        order = touch(request, code, "change_orders")
        mark_paid(order, actor=request.user)
        return Response(whole(changed(request, order, "change_orders")))


class ResendView(APIView):
    """Send the order's mail again."""

    permissions = {"post": "change_orders"}
    scope = "object"

    @extend_schema(operation_id="orders_resend", request=None, responses={202: OrderSerializer})
    def post(self, request: Request, code: str) -> Response:
        order = touch(request, code, "change_orders")
        services.resend(order, actor=request.user)
        return Response(whole(changed(request, order, "change_orders")), status=202)


class RefundView(APIView):
    """Send money back: all that is left, an amount, or the price of lines, which end with that."""

    permissions = {"post": "refund_orders"}
    scope = "object"

    @extend_schema(operation_id="orders_refund", request=RefundInput, responses=OrderSerializer)
    @idempotent(required=True)
    def post(self, request: Request, code: str) -> Response:
        wanted = RefundInput(data=request.data)
        wanted.is_valid(raise_exception=True)
        order = touch(request, code, "refund_orders")
        amount = wanted.validated_data.get("amount")
        try:
            minor = None if amount is None else to_minor(amount.normalize(), order.currency)
        except ValueError as error:
            raise InvalidInput(errors=[FieldError("amount", "invalid", str(error))]) from None
        reason, lines = wanted.validated_data["reason"], wanted.validated_data.get("lines")
        if lines is None:
            refunds = intend_order_refund(order, minor, reason=reason, actor=request.user)
        else:
            _order, refunds = intend_line_refund(order, lines, reason=reason, actor=request.user)

        def send_back() -> Response:
            for refund in refunds:
                carry_out(refund)
            return Response(whole(changed(request, order, "refund_orders")))

        afterwards(request, send_back)
        return Response(whole(changed(request, order, "refund_orders")))


class EventOrdersView(EventScoped, APIView):
    """The orders with places at one event; a grant on it shows that event's lines only."""

    permissions = {"get": "view_orders"}

    @extend_schema(operation_id="events_orders_list", responses=OrderSerializer(many=True))
    def get(self, request: Request, event: str) -> Response:
        orders = Order.objects.for_list().filter(pk__in=self.event.order_lines.values("order_id"))
        pages = Cursor()
        page: list[Order] = pages.paginate_queryset(orders, request, view=self) or []
        events = None if allowed(request.user, "view_orders") else {self.event.pk}
        return pages.get_paginated_response(presentation.orders_json(page, as_buyer=False, events=events))
