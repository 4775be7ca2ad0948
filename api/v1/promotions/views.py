"""Discounts and vouchers over HTTP, for staff who may change them."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api.filters import modified_since, ordered
from api.idempotency import idempotent
from api.pagination import Pages
from api.v1.promotions.presentation import discounts_json, vouchers_json
from api.v1.promotions.serializers import (
    BulkVouchersInput,
    BulkVouchersSerializer,
    DiscountInput,
    DiscountSerializer,
    VoucherInput,
    VoucherSerializer,
    VoucherUseSerializer,
)
from api.views import APIView
from shared_apps.core.errors import InvalidInput, NotFound
from shared_apps.core.money import to_text
from tenant_apps.events.models import Event
from tenant_apps.orders.models import Order
from tenant_apps.promotions import services
from tenant_apps.promotions.models import Discount, Voucher
from tenants.context import current_tenant

STATES = ("on", "off", "planned", "over")
_LIST = [
    OpenApiParameter("state", str, description="on, off, planned or over; of vouchers also used_up."),
    OpenApiParameter("kind", str),
    OpenApiParameter("event", str, description="Slug or id of an event that it names."),
    OpenApiParameter("search", str),
    OpenApiParameter("ordering", str),
    OpenApiParameter("modified_since", str),
    OpenApiParameter("page", int),
    OpenApiParameter("page_size", int),
]
_MOST_OF_A_SEARCH = 60


class _Rules(APIView):
    """What both lists filter by."""

    def narrowed(self, rows: Any, kinds: Any) -> Any:
        asked = self.request.query_params
        if state := asked.get("state", ""):
            if state == "used_up" and rows.model is Voucher:
                rows = rows.used_up()
            elif state in STATES:
                rows = rows.in_state(state)
            else:
                raise InvalidInput(field="state")
        if kind := asked.get("kind", ""):
            if kind not in kinds:
                raise InvalidInput(field="kind")
            rows = rows.filter(kind=kind)
        if slug := asked.get("event", ""):
            event = Event.objects.visible_to(self.request.user).called(slug[:100]).first()
            rows = rows.for_event(event.pk) if event else rows.none()
        return modified_since(self.request, rows)

    def page(self, rows: Any, shown: Any) -> Response:
        pages = Pages()
        page: list[Any] = pages.paginate_queryset(rows, self.request, view=self) or []
        return pages.get_paginated_response(shown(page))

    def wanted(self, shape: Any, present: Any = None, *, partial: bool = False) -> dict[str, Any]:
        given = shape(data=self.request.data, partial=partial)
        given.is_valid(raise_exception=True)
        fields: dict[str, Any] = given.fields_for_service(present, current_tenant().currency)
        return fields


class DiscountsView(_Rules):
    """Discounts that apply by themselves: early birds, groups, buy some and get some, between dates."""

    permissions = {"get": "change_promotions", "post": "change_promotions"}

    @extend_schema(operation_id="discounts_list", parameters=_LIST, responses=DiscountSerializer(many=True))
    def get(self, request: Request) -> Response:
        rows = self.narrowed(Discount.objects.all(), Discount.Kind.values)
        if search := request.query_params.get("search", "").strip()[:_MOST_OF_A_SEARCH]:
            rows = rows.filter(name__icontains=search)
        keys = {"name": "name", "created_at": "created_at", "valid_until": "valid_until"}
        return self.page(ordered(request, rows, keys, default="name"), discounts_json)

    @extend_schema(operation_id="discounts_create", request=DiscountInput, responses={201: DiscountSerializer})
    def post(self, request: Request) -> Response:
        made = services.create_discount(actor=request.user, **self.wanted(DiscountInput))
        return Response(discounts_json([made])[0], status=201)


class DiscountView(_Rules):
    permissions = {
        "get": "change_promotions", "put": "change_promotions", "patch": "change_promotions",
        "delete": "change_promotions",
    }  # fmt: skip

    def found(self, pk: int) -> Discount:
        one: Discount | None = Discount.objects.filter(pk=pk).first()
        if one is None:
            raise NotFound
        return one

    @extend_schema(operation_id="discounts_retrieve", responses=DiscountSerializer)
    def get(self, request: Request, pk: int) -> Response:
        return Response(discounts_json([self.found(pk)])[0])

    @extend_schema(operation_id="discounts_replace", request=DiscountInput, responses=DiscountSerializer)
    def put(self, request: Request, pk: int) -> Response:
        return self._change(pk, partial=False)

    @extend_schema(operation_id="discounts_update", request=DiscountInput(partial=True), responses=DiscountSerializer)
    def patch(self, request: Request, pk: int) -> Response:
        return self._change(pk, partial=True)

    @extend_schema(operation_id="discounts_delete", responses={204: None})
    def delete(self, request: Request, pk: int) -> Response:
        services.delete_discount(self.found(pk), actor=request.user)
        return Response(status=204)

    def _change(self, pk: int, *, partial: bool) -> Response:
        one = self.found(pk)
        fields = self.wanted(DiscountInput, one, partial=partial)
        changed = services.change_discount(one, actor=self.request.user, **fields)
        return Response(discounts_json([changed])[0])


class VouchersView(_Rules):
    """Codes that make an order cheaper, open hidden ticket types or keep places."""

    permissions = {"get": "change_promotions", "post": "change_promotions"}

    @extend_schema(
        operation_id="vouchers_list",
        parameters=[*_LIST, OpenApiParameter("tag", str)],
        responses=VoucherSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        rows = self.narrowed(Voucher.objects.all(), Voucher.Kind.values)
        if search := request.query_params.get("search", "").strip()[:_MOST_OF_A_SEARCH]:
            rows = rows.matching(search)
        if tag := request.query_params.get("tag", ""):
            rows = rows.filter(tag=tag[:60])
        keys = {"code": "code", "used": "used", "created_at": "created_at", "valid_until": "valid_until"}
        return self.page(ordered(request, rows, keys, default="-created_at"), vouchers_json)

    @extend_schema(operation_id="vouchers_create", request=VoucherInput, responses={201: VoucherSerializer})
    def post(self, request: Request) -> Response:
        made = services.create_voucher(actor=request.user, **self.wanted(VoucherInput))
        return Response(vouchers_json([made])[0], status=201)


class BulkVouchersView(_Rules):
    """Many codes alike, all or none."""

    permissions = {"post": "change_promotions"}

    @extend_schema(
        operation_id="vouchers_bulk_create", request=BulkVouchersInput, responses={201: BulkVouchersSerializer}
    )
    @idempotent(required=False)
    def post(self, request: Request) -> Response:
        fields = self.wanted(BulkVouchersInput)
        made = services.create_vouchers(fields.pop("count"), actor=request.user, **fields)
        return Response({"count": len(made), "codes": [one.code for one in made]}, status=201)


class _Voucher(_Rules):
    def found(self, code: str) -> Voucher:
        one: Voucher | None = Voucher.objects.called(code).first() if len(code) <= 60 and "\0" not in code else None
        if one is None:
            raise NotFound
        return one


class VoucherView(_Voucher):
    """One voucher, by its code or id."""

    permissions = {
        "get": "change_promotions", "put": "change_promotions", "patch": "change_promotions",
        "delete": "change_promotions",
    }  # fmt: skip

    @extend_schema(operation_id="vouchers_retrieve", responses=VoucherSerializer)
    def get(self, request: Request, code: str) -> Response:
        return Response(vouchers_json([self.found(code)])[0])

    @extend_schema(operation_id="vouchers_replace", request=VoucherInput, responses=VoucherSerializer)
    def put(self, request: Request, code: str) -> Response:
        return self._change(code, partial=False)

    @extend_schema(operation_id="vouchers_update", request=VoucherInput(partial=True), responses=VoucherSerializer)
    def patch(self, request: Request, code: str) -> Response:
        return self._change(code, partial=True)

    @extend_schema(operation_id="vouchers_delete", responses={204: None})
    def delete(self, request: Request, code: str) -> Response:
        services.delete_voucher(self.found(code), actor=request.user)
        return Response(status=204)

    def _change(self, code: str, *, partial: bool) -> Response:
        one = self.found(code)
        changed = services.change_voucher(
            one, actor=self.request.user, **self.wanted(VoucherInput, one, partial=partial)
        )
        return Response(vouchers_json([changed])[0])


class VoucherUsesView(_Voucher):
    """The orders that have a voucher, newest first; those that gave it back say when. No names: these take the right
    to see orders."""

    permissions = {"get": "change_promotions"}

    @extend_schema(operation_id="vouchers_uses", responses=VoucherUseSerializer(many=True))
    def get(self, request: Request, code: str) -> Response:
        return self.page(self.found(code).uses.all(), _uses_json)


def _uses_json(uses: Any) -> list[dict[str, Any]]:
    codes = dict(Order.objects.filter(pk__in=[use.order_id for use in uses]).values_list("pk", "code"))
    return [
        {
            "order": codes.get(use.order_id),
            "amount": to_text(use.amount_minor, use.currency),
            "currency": use.currency,
            "created_at": use.created_at,
            "given_back_at": use.given_back_at,
        }
        for use in uses
    ]
