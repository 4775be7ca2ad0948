"""The reports' pages: what is asked stands in the address, the plot and the table say the same."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from shared_apps.core.access import staff
from shared_apps.core.clock import local
from shared_apps.core.errors import DomainError, FieldError, InvalidInput, NotFound
from tenant_apps.events.models import Event
from tenant_apps.reports import asking, charts, files, tables
from tenant_apps.reports.periods import PERIODS, days_of
from tenant_apps.reports.registry import Report, ReportQuery, by_slug
from tenant_apps.reports.views.choices import groups_of
from tenant_apps.staff.permissions import allowed, events_where
from tenants.context import current_tenant

USUAL_PERIOD = "last_30_days"
# More events than this make a list that nobody reads; others are asked for by their address.
MOST_EVENTS = 200


@staff("view_reports")
@never_cache
@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """Which reports there are for the reader."""
    context = {
        "nav": "reports",
        "reports": asking.reports_for(request.user),
        "everywhere": allowed(request.user, asking.PERMISSION),
    }
    return render(request, "dashboard/reports/index.html", context)


@staff("view_reports")
@never_cache
@require_safe
def report(request: HttpRequest, slug: str) -> HttpResponse:
    """One report: totals, plot and table."""
    return _page(request, slug)


def _page(request: HttpRequest, slug: str, refused: DomainError | None = None) -> HttpResponse:
    """The page; with what was refused above it, where a file could not be made."""
    found = by_slug(slug)
    given, period = with_period(request.GET)
    context: dict[str, Any] = {
        "nav": "reports",
        "report": found,
        "reports": asking.reports_for(request.user),
        "periods": [(name, each.label) for name, each in PERIODS.items()],
        "period": period,
        "given": given,
        "events": _events(request, found),
        "groups": groups_of(found),
        "everywhere": allowed(request.user, asking.PERMISSION),
    }
    try:
        query = _query(found, given, request)
    except InvalidInput as refusal:
        context["refusal"] = refusal.errors[0].message if refusal.errors else refusal
        return render(request, "dashboard/reports/report.html", context, status=400)
    if refused is not None:
        context["refusal"] = refused
    result = found.answer(query)
    drawn = charts.charts(result, given.get("show", ""))
    context |= {
        "query": query,
        "result": result,
        "group_by": ",".join(query.group_by or found.usual),
        "charts": drawn,
        "measures": charts.measures_of(result),
        "measure": drawn[0].measure if drawn else None,
        "heads": tables.heads(result),
        "table": tables.table(result, drawn[0].measure if drawn else None),
        "since": query.from_.isoformat(),
        "until": query.to.isoformat(),
        "formats": ("csv", "xlsx", "pdf"),
    }
    return render(request, "dashboard/reports/report.html", context, status=refused.status if refused else 200)


@staff("view_reports")
@never_cache
@require_safe
def download(request: HttpRequest, slug: str, format: str) -> HttpResponse:
    """The same as a file."""
    found = by_slug(slug)
    if format not in files.CONTENT_TYPES:
        raise NotFound
    given, _period = with_period(request.GET)
    try:
        query = _query(found, given, request)
        name, content_type, content = files.written(
            found, found.answer(query), format, language=get_language() or current_tenant().language
        )
    except InvalidInput:
        return _page(request, slug)
    except files.TooLongForPaper as refusal:
        return _page(request, slug, refusal)
    answer = HttpResponse(content, content_type=content_type)
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def with_period(query: Mapping[str, str]) -> tuple[dict[str, str], str]:
    """Return what is asked with the days that a named period stands for; and its name, empty where days are given.

    Days in the address count more than a name; without either it is the last 30 days.
    """
    given = {name: str(value)[:200] for name, value in query.items()}
    name = given.pop("period", "")
    if given.get("from") or given.get("to") or name == "own":
        return given, ""
    if name not in PERIODS:
        name = USUAL_PERIOD
    today = local(timezone.now(), current_tenant().timezone).date()
    since, until = days_of(name, today)
    return {**given, "from": since.isoformat(), "to": until.isoformat()}, name


def _query(found: Report, given: Mapping[str, str], request: HttpRequest) -> ReportQuery:
    """Read the question. Raises InvalidInput, NotFound."""
    show = given.get("show", "")
    if show and not show.isidentifier():
        raise InvalidInput(errors=[FieldError("show", "invalid_choice", _("There is no such figure."))])
    return asking.query_for(found, given, request.user)


def _events(request: HttpRequest, found: Report) -> list[tuple[str, str]]:
    """The events that the reader may ask for, the latest first; and the one that is asked for."""
    if not found.by_event:
        return []
    seen = events_where(request.user, asking.PERMISSION)
    rows = list(seen.order_by("-starts_at", "pk").values_list("slug", "title")[:MOST_EVENTS])
    asked = request.GET.get("event", "")
    if asked and "\0" not in asked and asked not in dict(rows):
        rows += list(Event.objects.filter(pk__in=seen.filter(slug=asked[:200])).values_list("slug", "title"))
    return rows
