"""The audit trail in the dashboard: all filters are in the address, the file holds what the page shows."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from shared_apps.core.access import staff
from tenant_apps.activity.trail import csv_lines, entries

PAGE = 50
FILTERS = ("search", "actor", "topic", "target", "from", "to", "refused")


@staff("view_audit")
@never_cache
@require_safe
def trail(request: HttpRequest) -> HttpResponse:
    """What happened, newest first."""
    number = request.GET.get("page", "")
    page = int(number) if number.isascii() and number.isdigit() and 0 < len(number) < 5 and int(number) else 1
    found = list(entries(**_wanted(request))[(page - 1) * PAGE : page * PAGE + 1])
    context = {
        "nav": "audit",
        "entries": found[:PAGE],
        "more": len(found) > PAGE,
        "page": page,
        "query": {name: request.GET.get(name, "")[:100] for name in FILTERS},
        "filtered": any(request.GET.get(name) for name in FILTERS),
    }
    return render(request, "dashboard/audit/list.html", context)


@staff("view_audit")
@never_cache
@require_safe
def export(request: HttpRequest) -> StreamingHttpResponse:
    """The same as a file, streamed."""
    response = StreamingHttpResponse(csv_lines(entries(**_wanted(request))), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="audit.csv"'
    return response


def _wanted(request: HttpRequest) -> dict[str, Any]:
    """The filters of the address; what is no date or no choice is left out."""
    query = request.GET
    wanted: dict[str, Any] = {name: query.get(name, "").strip()[:100] for name in FILTERS[:4]}
    if first := _day(query.get("from", "")):
        wanted["since"] = first
    if last := _day(query.get("to", "")):
        wanted["until"] = last + timedelta(days=1)
    if query.get("refused") in ("true", "false"):
        wanted["refused"] = query["refused"] == "true"
    return wanted


def _day(text: str) -> datetime | None:
    """The beginning of a day where the reader is."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    if not 2000 <= day.year <= 2100:
        return None
    return datetime.combine(day, time(), timezone.get_current_timezone()).astimezone(UTC)
