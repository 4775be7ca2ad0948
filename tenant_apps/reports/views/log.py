"""The tenant's log in the dashboard: all filters are in the address."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from tenant_apps.reports.log import entries, in_words
from tenant_apps.staff.everywhere import staff_everywhere

PAGE = 50
FILTERS = ("search", "level", "from", "to")


@staff_everywhere("view_audit")
@never_cache
@require_safe
def log(request: HttpRequest) -> HttpResponse:
    """What went wrong, newest first, in words."""
    number = request.GET.get("page", "")
    page = int(number) if number.isascii() and number.isdigit() and 0 < len(number) < 5 and int(number) else 1
    query = {name: request.GET.get(name, "").strip()[:100] for name in FILTERS}
    wanted: dict[str, Any] = {"search": query["search"]}
    if query["level"] in ("error", "warning"):
        wanted["level"] = query["level"]
    if first := _day(query["from"]):
        wanted["since"] = first
    if last := _day(query["to"]):
        wanted["until"] = last + timedelta(days=1)
    found: list[Any] = list(entries(**wanted)[(page - 1) * PAGE : page * PAGE + 1])
    for entry in found:
        entry.words, entry.todo = in_words(entry)
    context = {
        "nav": "audit",
        "entries": found[:PAGE],
        "more": len(found) > PAGE,
        "page": page,
        "query": query,
        "filtered": any(query.values()),
    }
    return render(request, "dashboard/audit/log.html", context)


def _day(text: str) -> datetime | None:
    """The beginning of a day where the reader is; None for what is no day."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    if not 2000 <= day.year <= 2100:
        return None
    return datetime.combine(day, time(), timezone.get_current_timezone()).astimezone(UTC)
