"""Reports over HTTP."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.http import HttpResponse, StreamingHttpResponse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.idempotency import idempotent
from api.pagination import Pages
from api.v1.reports.serializers import (
    ReportKindSerializer,
    ReportSerializer,
    RunInput,
    RunSerializer,
    kind_json,
)  # fmt: skip
from api.v1.reports.serializers import report_json as report_json_of
from api.views import APIView
from shared_apps.core.errors import FieldError, InvalidInput, WrongState
from shared_apps.core.money import to_text
from tenant_apps.reports import asking, files, runs, settlement
from tenant_apps.reports.registry import by_slug
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
    previous = serializers.DictField(allow_null=True, help_text="with compare=1: the totals of as many days before")


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
    parameters = frozenset({"from", "to", "group_by", "mode", "compare"})

    @extend_schema(operation_id="reports_settlement", parameters=PARAMETERS, responses=SettlementSerializer)
    def get(self, request: Request) -> Response | HttpResponse:
        kind = _format_of(request)
        wanted = settlement.asked(request.query_params)
        if kind != "json":
            query = asking.query_for(settlement.SETTLEMENT, request.query_params, request.user)
            found = settlement.SETTLEMENT.shown(query)
            return _download(*files.written(settlement.SETTLEMENT, found, kind, language=get_language() or ""))
        report = settlement.settlement(**wanted)
        return Response({**report_json(report), "previous": _previous(request, report)})


def _previous(request: Request, report: settlement.Settlement) -> dict[str, Any] | None:
    """The same of as many days before, where that is asked."""
    if request.query_params.get("compare") != "1":
        return None
    days = report.until - report.since + timedelta(days=1)
    mode = request.query_params.get("mode") or "all"
    before = settlement.settlement(
        since=report.since - days, until=report.since - timedelta(days=1), group_by="total", mode=mode
    )
    told = report_json(before)
    return {name: told[name] for name in ("totals", "totals_by_currency", "from", "to")}


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


class _ReportView(APIView):
    """One report: as JSON, or as a file with `format`."""

    permissions = {"get": "view_reports"}
    parameters = frozenset(asking.NAMES)
    slug = ""

    def answer(self, request: Request) -> Response | HttpResponse:
        report = by_slug(self.slug)
        query = asking.query_for(report, request.query_params, request.user)
        kind = _format_of(request)
        if kind == "json":
            return Response(report_json_of(report.shown(query), query.group_by or report.usual))
        name, content_type, content = files.written(report, report.shown(query), kind, language=get_language() or "")
        return _download(name, content_type, content)


def _format_of(request: Request) -> str:
    """Return `json` or a kind of file, as `format` says. Raises InvalidInput."""
    kind = request.query_params.get("format") or "json"
    if kind != "json" and kind not in files.CONTENT_TYPES:
        raise InvalidInput(
            errors=[FieldError("format", "invalid_choice", _("Choose one of %s.") % "json, csv, xlsx, pdf")]
        )
    return kind


def _download(name: str, content_type: str, content: bytes) -> HttpResponse:
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "X-Content-Type-Options": "nosniff"}
    return HttpResponse(content, content_type=content_type, headers=headers)


def _view_of(slug: str, about: str, *, by_event: bool, groups: str) -> type[_ReportView]:
    """The view of one report. What is for the right on single events, too, asks by itself whose figures it shows."""
    described: Any = extend_schema(
        operation_id=f"reports_{slug}",
        description=about,
        parameters=[
            *PARAMETERS[:2],
            OpenApiParameter("group_by", str, description=f"By commas, at most three of {groups}; or total."),
            *([OpenApiParameter("event", str, description="The slug of one event; days are of its zone.")] * by_event),
            OpenApiParameter("compare", str, enum=["0", "1"], description="1: with as many days before."),
            OpenApiParameter("format", str, enum=["json", *files.CONTENT_TYPES]),
        ],
        responses=ReportSerializer,
    )
    members: dict[str, Any] = {"slug": slug, "__doc__": about, "__module__": __name__}
    if by_event:
        members["scope"] = "object"

    def get(self: _ReportView, request: Request) -> Response | HttpResponse:
        return self.answer(request)

    members["get"] = described(get)
    return type(f"{slug.title()}View", (_ReportView,), members)


# Settlement has a form of its own, above.
VIEWS = {
    "sales": _view_of(
        "sales", "What was sold, came in and went back: sums of the ledger, told of what was sold.",
        by_event=True, groups="day, week, month, event, ticket_type, channel, kind",
    ),
    "attendance": _view_of(
        "attendance", "How many of those who had a ticket came, for the events that start in these days.",
        by_event=True, groups="day, week, month, event, ticket_type",
    ),
    "promotions": _view_of(
        "promotions", "What discounts and vouchers took off orders that were paid in the time.",
        by_event=True, groups="promotion, day, week, month, event, channel",
    ),
    "stock": _view_of(
        "stock", "What goods there are now, and what of them was sold in these days.",
        by_event=False, groups="product, category",
    ),
    "fulfilment": _view_of(
        "fulfilment", "How far goods that were sold in these days are on their way.",
        by_event=False, groups="fulfilment, method, product, day, week, month",
    ),
    "taxes": _view_of(
        "taxes", "The tax in what came in and in what went back.",
        by_event=True, groups="day, week, month, tax_rate, event, kind",
    ),
    "customers": _view_of(
        "customers", "How many bought, how many for the first time, and how many come again.",
        by_event=True, groups="month, week, day, channel",
    ),
}  # fmt: skip


class ReportsView(APIView):
    """The reports that there are for the caller."""

    permissions = {"get": "view_reports"}
    scope = "object"
    parameters = frozenset()

    @extend_schema(operation_id="reports_list", responses=ReportKindSerializer(many=True))
    def get(self, request: Request) -> Response:
        return Response([kind_json(report) for report in asking.reports_for(request.user)])


class RunsView(APIView):
    """Reports that are made in the background: those that the caller asked for, and asking for one."""

    permissions = {"get": "view_reports", "post": "view_reports"}
    scope = "object"

    @extend_schema(operation_id="report_runs_list", responses=RunSerializer(many=True))
    def get(self, request: Request) -> Response:
        pages = Pages()
        found: Any = pages.paginate_queryset(runs.runs_for(request.user), request, view=self)
        return pages.get_paginated_response(RunSerializer(found, many=True).data)

    @extend_schema(operation_id="report_runs_create", request=RunInput, responses={202: RunSerializer})
    @idempotent(required=False)
    def post(self, request: Request) -> Response:
        there = {report.slug: report for report in asking.reports_for(request.user)}
        wanted = RunInput(data=request.data)
        wanted.is_valid(raise_exception=True)
        given = dict(wanted.validated_data)
        slug, kind = given.pop("report"), given.pop("format")
        if slug not in there:
            raise InvalidInput(errors=[FieldError("report", "does_not_exist", _("There is no such report."))])
        run = runs.ask(there[slug], given, kind, actor=request.user)
        return Response(RunSerializer(run).data, status=202, headers={"Location": f"/api/v1/report-runs/{run.pk}/"})


class RunView(APIView):
    """How the making of a report stands."""

    permissions = {"get": "view_reports"}
    scope = "object"

    @extend_schema(operation_id="report_runs_retrieve", responses=RunSerializer)
    def get(self, request: Request, pk: UUID) -> Response:
        return Response(RunSerializer(runs.run_for(request.user, pk)).data)


class RunFileView(APIView):
    """The file of a report that is done; 409 until then."""

    permissions = {"get": "view_reports"}
    scope = "object"

    @extend_schema(operation_id="report_runs_file", responses={(200, "application/octet-stream"): bytes})
    def get(self, request: Request, pk: UUID) -> HttpResponse:
        run = runs.run_for(request.user, pk)
        if run.status != run.Status.DONE:
            raise WrongState(now=run.get_status_display())
        return _download(files.name_of(run), files.content_type(run.format), runs.content_of(run))
