"""The pages of reports by mail."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from shared_apps.core.errors import DomainError, NotFound
from shared_apps.core.forms import show_refusal
from tenant_apps.reports import schedules
from tenant_apps.reports.forms import NAMES, ScheduleForm, in_words, parts_of
from tenant_apps.reports.periods import PERIODS
from tenant_apps.reports.registry import Report, by_slug, reports
from tenant_apps.reports.schedule_models import ReportSchedule
from tenant_apps.staff.everywhere import staff_everywhere

USUAL = "0 8 * * 1"


@staff_everywhere("view_reports")
@never_cache
@require_safe
def listed(request: HttpRequest) -> HttpResponse:
    """All of them, the next ones first."""
    rows: list[Any] = sorted(ReportSchedule.objects.all(), key=lambda row: (row.next_at is None, row.next_at or 0))
    people = schedules.shown_recipients(rows)
    for row in rows:
        row.label = _label(row.report)
        row.when = in_words(row.cron)
        row.period = PERIODS[row.params["period"]].label if row.params.get("period") in PERIODS else ""
        row.people = [people[pk] for pk in row.recipients if pk in people]
    return render(request, "dashboard/reports/schedules.html", {"nav": "reports", "rows": rows, "reports": reports()})


@staff_everywhere("view_reports")
@never_cache
def new(request: HttpRequest) -> HttpResponse:
    """A new one, for the report that the address names."""
    try:
        report = by_slug(request.GET.get("report", "") or reports()[0].slug)
    except NotFound:
        raise Http404 from None
    asked = {name: request.GET[name][:200] for name in ("period", "group_by", "event") if request.GET.get(name)}
    initial = {
        "period": schedules.USUAL_PERIOD, "group_by": ",".join(report.usual), "format": "pdf", **asked,
        "compare": request.GET.get("compare") == "1", "recipients": [getattr(request.user, "email", "")],
        **parts_of(USUAL),
    }  # fmt: skip
    return _edit(request, report, None, initial)


@staff_everywhere("view_reports")
@never_cache
def edit(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Change one."""
    found = _found(pk)
    people = schedules.shown_recipients([found])
    initial = {
        **found.params, "compare": found.params.get("compare") == "1", "format": found.format,
        "recipients": [people[each].email for each in found.recipients if each in people], **parts_of(found.cron),
    }  # fmt: skip
    try:
        report = by_slug(found.report)
    except NotFound:
        raise Http404 from None
    return _edit(request, report, found, initial)


@staff_everywhere("view_reports")
@require_POST
def switch(request: HttpRequest, pk: UUID) -> HttpResponse:
    """On or off."""
    found = _found(pk)
    try:
        schedules.change(found, {"enabled": request.POST.get("enabled") == "1"}, actor=request.user)
    except DomainError as refusal:
        messages.error(request, " ".join([str(refusal), *(str(each.message) for each in refusal.errors)]))
    return redirect("dashboard-report-schedules")


@staff_everywhere("view_reports")
@require_POST
def delete(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Gone for good."""
    schedules.delete(_found(pk), actor=request.user)
    messages.success(request, _("Deleted. Nothing of it is sent any more."))
    return redirect("dashboard-report-schedules")


def _found(pk: UUID) -> ReportSchedule:
    found = ReportSchedule.objects.filter(pk=pk).first()
    if found is None:
        raise Http404
    return found


def _label(slug: str) -> Any:
    try:
        return by_slug(slug).label
    except NotFound:
        return slug


def _edit(
    request: HttpRequest, report: Report, found: ReportSchedule | None, initial: dict[str, Any]
) -> HttpResponse:  # fmt: skip
    form = ScheduleForm(request.POST if request.method == "POST" else None, initial=initial, report=report)
    if request.method == "POST" and form.is_valid():
        try:
            if found is None:
                schedules.create(form.fields_for_service(), actor=request.user)
            else:
                schedules.change(found, form.fields_for_service(), actor=request.user)
            messages.success(request, _("Saved."))
            return redirect("dashboard-report-schedules")
        except DomainError as refusal:
            show_refusal(form, refusal, NAMES)
    context = {
        "nav": "reports", "form": form, "report": report, "found": found, "reports": reports(),
        "details": [form[name] for name in ("period", "group_by", "compare", "format")],
    }  # fmt: skip
    status = 400 if form.errors else 200
    return render(request, "dashboard/reports/schedule.html", context, status=status)
