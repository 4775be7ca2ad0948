"""The settlement report as a page and as a file."""

from dataclasses import asdict
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from shared_apps.core.errors import InvalidInput
from tenant_apps.payments import providers
from tenant_apps.payments.errors import UnknownProvider
from tenant_apps.reports import promotions as promotion_report
from tenant_apps.reports import settlement as report
from tenant_apps.staff.everywhere import staff_everywhere


@staff_everywhere("view_reports")
@require_safe
def settlement(request: HttpRequest) -> HttpResponse:
    """What came in, went back and was kept."""
    context: dict[str, Any] = {"nav": "money"}
    try:
        wanted = report.asked(request.GET)
    except InvalidInput as refusal:
        context |= {
            "refusal": refusal.errors[0].message,
            "since": request.GET.get("from", ""),
            "until": request.GET.get("to", ""),
        }
        return render(request, "dashboard/money/settlement.html", context, status=400)
    found = report.settlement(**wanted)
    shown = {
        "rows": [{**asdict(row), "net_minor": row.net_minor, "label": _label(row.provider)} for row in found.rows],
        "totals": found.totals(),
    }
    context |= {
        "report": shown,
        "since": wanted["since"].isoformat(),
        "until": wanted["until"].isoformat(),
        "group_by": wanted["group_by"],
        "mode": wanted["mode"],
    }
    return render(request, "dashboard/money/settlement.html", context)


@staff_everywhere("view_reports")
@require_safe
def settlement_file(request: HttpRequest) -> HttpResponseBase:
    """The same as CSV."""
    try:
        found = report.settlement(**report.asked(request.GET))
    except InvalidInput:
        return settlement(request)
    answer = StreamingHttpResponse(report.as_csv(found), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="settlement-{found.since}-{found.until}.csv"'
    return answer


@staff_everywhere("view_reports")
@require_safe
def promotions(request: HttpRequest) -> HttpResponse:
    """What discounts and vouchers took off paid orders."""
    context: dict[str, Any] = {"nav": "money"}
    try:
        wanted = report.asked({name: request.GET.get(name) for name in ("from", "to")})
    except InvalidInput as refusal:
        context |= {"refusal": refusal.errors[0].message, "since": "", "until": ""}
        return render(request, "dashboard/money/promotions.html", context, status=400)
    since, until = wanted["since"], wanted["until"]
    rows = promotion_report.promotions(since=since, until=until)
    context |= {"rows": rows, "since": since.isoformat(), "until": until.isoformat()}
    return render(request, "dashboard/money/promotions.html", context)


def _label(provider: str) -> Any:
    try:
        return providers.by_name(provider).label
    except UnknownProvider:
        return provider
