"""Reports over HTTP."""

from typing import Any

from django.http import StreamingHttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.views import APIView
from shared_apps.core.money import to_text
from tenant_apps.reports import settlement
from tenant_apps.reports.promotions import promotions
from tenants.context import current_tenant

PARAMETERS = [
    OpenApiParameter("from", str, description="The first day, 2026-05-01; by default 30 days before the last one."),
    OpenApiParameter("to", str, description="The last day; by default today in the tenant's time zone."),
    OpenApiParameter("group_by", str, enum=settlement.GROUPS),
    OpenApiParameter("mode", str, enum=settlement.MODES, description="Real money, test money, or both."),
]


class AmountsSerializer(serializers.Serializer[Any]):
    """Sums. net = gross - refunded - fees + adjustments (disputes; money out is negative)."""

    currency = serializers.CharField()
    live = serializers.BooleanField(allow_null=True, help_text="null: money by hand")
    quantity = serializers.IntegerField(help_text="how many payments came in")
    gross = serializers.CharField()
    refunded = serializers.CharField()
    fees = serializers.CharField()
    adjustments = serializers.CharField()
    net = serializers.CharField()


class SettlementRowSerializer(AmountsSerializer):
    day = serializers.DateField(allow_null=True)
    provider = serializers.CharField()
    account = serializers.UUIDField(allow_null=True)


class SettlementSerializer(serializers.Serializer[Any]):
    """`totals` are in `currency`, without test money; `totals_by_currency` has all of them."""

    rows = SettlementRowSerializer(many=True)
    totals = AmountsSerializer()
    totals_by_currency = AmountsSerializer(many=True)
    currency = serializers.CharField()
    group_by = serializers.CharField()


def _amounts(row: settlement.Row) -> dict[str, Any]:
    return {
        "currency": row.currency,
        "live": row.live,
        "quantity": row.quantity,
        **{name: to_text(minor, row.currency) for name, minor in row.amounts().items()},
    }


def report_json(report: settlement.Settlement) -> dict[str, Any]:
    """The report as `SettlementSerializer` documents it, with the days that it is of as `from` and `to`."""
    currency, totals = current_tenant().currency, report.totals()
    nothing = settlement.Row(None, "", None, True, currency, 0, 0, 0, 0, 0)
    own = next((row for row in totals if row.currency == currency and row.live), nothing)
    return {
        "rows": [
            {"day": row.day, "provider": row.provider, "account": row.account, **_amounts(row)} for row in report.rows
        ],
        "totals": _amounts(own),
        "totals_by_currency": [_amounts(row) for row in totals],
        "currency": currency,
        "from": report.since,
        "to": report.until,
        "group_by": report.group_by,
    }


class SettlementView(APIView):
    """What came in, went back and was kept, per account, currency and day: sums of the ledger."""

    permissions = {"get": "view_reports"}
    parameters = frozenset({"from", "to", "group_by", "mode"})

    @extend_schema(operation_id="reports_settlement", parameters=PARAMETERS, responses=SettlementSerializer)
    def get(self, request: Request) -> Response:
        return Response(report_json(settlement.settlement(**settlement.asked(request.query_params))))


class SettlementFileView(APIView):
    """The same as CSV."""

    permissions = {"get": "view_reports"}
    parameters = frozenset({"from", "to", "group_by", "mode"})

    @extend_schema(operation_id="reports_settlement_file", parameters=PARAMETERS, responses={(200, "text/csv"): str})
    def get(self, request: Request) -> StreamingHttpResponse:
        report = settlement.settlement(**settlement.asked(request.query_params))
        answer = StreamingHttpResponse(settlement.as_csv(report), content_type="text/csv; charset=utf-8")
        answer["Content-Disposition"] = f'attachment; filename="settlement-{report.since}-{report.until}.csv"'
        return answer


class PromotionRowSerializer(serializers.Serializer[Any]):
    """A discount or voucher, by its name: `gross` is the list price of what it made cheaper, `discount` what it took
    off, `net` what these tickets and goods cost in the end."""

    kind = serializers.ChoiceField(["discount", "voucher", "complimentary"])
    name = serializers.CharField()
    currency = serializers.CharField()
    orders = serializers.IntegerField()
    quantity = serializers.IntegerField()
    gross = serializers.CharField()
    discount = serializers.CharField()
    net = serializers.CharField()


class PromotionsSerializer(serializers.Serializer[Any]):
    """`totals` are in `currency`, the tenant's own."""

    rows = PromotionRowSerializer(many=True)
    totals = serializers.DictField(child=serializers.CharField())
    currency = serializers.CharField()


class PromotionsView(APIView):
    """What discounts and vouchers took off orders that were paid in the time."""

    permissions = {"get": "view_reports"}
    parameters = frozenset({"from", "to"})

    @extend_schema(operation_id="reports_promotions", parameters=PARAMETERS[:2], responses=PromotionsSerializer)
    def get(self, request: Request) -> Response:
        wanted = settlement.asked({name: request.query_params.get(name) for name in self.parameters})
        rows = promotions(since=wanted["since"], until=wanted["until"])
        currency = current_tenant().currency
        off = sum(row.off_minor for row in rows if row.currency == currency)
        return Response(
            {
                "rows": [
                    {
                        "kind": row.kind,
                        "name": row.name,
                        "currency": row.currency,
                        "orders": row.orders,
                        "quantity": row.quantity,
                        "gross": to_text(row.gross_minor, row.currency),
                        "discount": to_text(row.off_minor, row.currency),
                        "net": to_text(row.net_minor, row.currency),
                    }
                    for row in rows
                ],
                "totals": {"currency": currency, "discount": to_text(off, currency)},
                "currency": currency,
                "from": wanted["since"],
                "to": wanted["until"],
            }
        )
