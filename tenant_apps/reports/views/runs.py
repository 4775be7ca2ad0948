"""Reports that are made in the background: asking for one, seeing how far it is, fetching its file."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from shared_apps.core.access import staff
from shared_apps.core.errors import DomainError, NotFound
from tenant_apps.reports import asking, files, runs
from tenant_apps.reports.models import ReportRun
from tenant_apps.reports.registry import by_slug

SHOWN = 30


@staff("view_reports")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def listed(request: HttpRequest) -> HttpResponse:
    """Those that the reader asked for; a form for another one, filled in with what the address says."""
    there = asking.reports_for(request.user)
    given = request.POST if request.method == "POST" else request.GET
    context: dict[str, Any] = {"nav": "reports", "reports": there, "given": given, "formats": ReportRun.Format.choices}
    context["rest"] = [
        (name, given[name]) for name in asking.NAMES if name not in ("from", "to") and given.get(name)
    ]  # carried along
    status = 200
    if request.method == "POST":
        try:
            return redirect("dashboard-report-run", pk=_asked(request).pk)
        except DomainError as refusal:
            context["refusal"] = refusal
            status = refusal.status
    rows = list(runs.runs_for(request.user)[:SHOWN])
    context["runs"] = [(run, by_slug(run.report).label, run.status in runs.OPEN) for run in rows]
    context["running"] = any(run.status in runs.OPEN for run in rows)
    return render(request, "dashboard/reports/runs.html", context, status=status)


def _asked(request: HttpRequest) -> ReportRun:
    kind = request.POST.get("format", "")
    if kind not in files.CONTENT_TYPES:
        raise NotFound
    report = by_slug(request.POST.get("report", ""))
    return runs.ask(report, request.POST, kind, actor=request.user)


@staff("view_reports")
@never_cache
@require_safe
def one(request: HttpRequest, pk: UUID) -> HttpResponse:
    """How far one is. While it is made the page asks again by itself."""
    run = _run(request, pk)
    context = {
        "nav": "reports",
        "run": run,
        "report": by_slug(run.report),
        "running": run.status in runs.OPEN,
        "again": urlencode({"report": run.report, **run.params}),
    }
    return render(request, "dashboard/reports/run.html", context)


@staff("view_reports")
@never_cache
@require_safe
def file(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The file of one that is done."""
    run = _run(request, pk)
    try:
        content = runs.content_of(run)
    except NotFound:
        raise Http404 from None
    answer = HttpResponse(content, content_type=files.content_type(run.format))
    answer["Content-Disposition"] = f'attachment; filename="{files.name_of(run)}"'
    answer["X-Content-Type-Options"] = "nosniff"
    return answer


def _run(request: HttpRequest, pk: UUID) -> ReportRun:
    try:
        return runs.run_for(request.user, pk)
    except NotFound:
        raise Http404 from None
