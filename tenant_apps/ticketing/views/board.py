"""The staff's pages at one entrance: its live board, who is found by name, checking in by hand; the history."""

import uuid
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST, require_safe

from shared_apps.core.access import staff
from shared_apps.core.errors import DomainError
from tenant_apps.events.models import Event
from tenant_apps.events.staff_view import event_for
from tenant_apps.ticketing import history, live, scanning, streams
from tenant_apps.ticketing.by_hand import check_in_by_hand, look_up
from tenant_apps.ticketing.models import CheckIn, CheckInList
from tenant_apps.ticketing.scanning import REASONS
from tenant_apps.ticketing.views.entrances import context_of

RECENT = 8
PAGE = 50


def _entrance(request: HttpRequest, slug: str, pk: int) -> tuple[CheckInList, dict[str, Any]]:
    event, rights = event_for(request.user, slug, "check_in")
    lists = CheckInList.objects.select_related("event", "zone")
    found = get_object_or_404(lists, event=event, pk=pk)
    return found, {**context_of(event, rights), "list": found}


@staff("check_in")
@never_cache
@require_safe
def board(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """What happens at the entrance, as it happens."""
    entrance, context = _entrance(request, slug, pk)
    return render(request, "dashboard/check_in/board.html", {**context, **_shown(entrance, live.numbers(entrance))})


@staff("check_in")
@never_cache
@require_safe
def board_now(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """The part of the board that changes, for pages that ask every few seconds."""
    entrance, _context = _entrance(request, slug, pk)
    return render(request, "dashboard/check_in/_board.html", _shown(entrance, live.numbers(entrance)))


@staff("check_in")
@require_GET
def board_stream(request: HttpRequest, slug: str, pk: int) -> HttpResponseBase:
    """The same part, pushed whenever it has changed. It ends after some seconds and the browser comes back, so a right
    that was taken away is missed at the next stream (I4)."""
    entrance, _context = _entrance(request, slug, pk)

    def look() -> tuple[Any, Any]:
        now = live.numbers(entrance)
        return now, lambda: render_to_string("dashboard/check_in/_board.html", _shown(entrance, now))

    return streams.stream("board", look)


def _shown(entrance: CheckInList, numbers: live.Numbers) -> dict[str, Any]:
    recent = CheckIn.objects.filter(check_in_list=entrance).select_related("ticket__ticket_type")
    rows = history.with_people(list(recent.order_by("-received_at")[:RECENT]))
    return {"list": entrance, "event": entrance.event, "numbers": numbers, "recent": rows}


@staff("check_in")
@never_cache
@require_safe
def search(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Somebody without a code is found by name, and checked in with a reason."""
    entrance, context = _entrance(request, slug, pk)
    return _search(request, entrance, context)


def _search(
    request: HttpRequest, entrance: CheckInList, context: dict[str, Any], refusal: DomainError | None = None
) -> HttpResponse:
    text = (request.POST if request.method == "POST" else request.GET).get("search", "").replace("\x00", "")[:100]
    context |= {
        "search": text,
        "found": look_up(entrance, text),
        # A repeat of the same form, by reload or double click, is the same scan (T3).
        "scan_id": uuid.uuid4().hex,
        "refusal": refusal,
    }
    return render(request, "dashboard/check_in/search.html", context, status=refusal.status if refusal else 200)


@staff("check_in")
@require_POST
def by_hand(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Check somebody in, or out, without a code."""
    entrance, context = _entrance(request, slug, pk)
    try:
        answer = check_in_by_hand(
            entrance,
            _uuid(request.POST.get("ticket", "")),
            reason=request.POST.get("reason", "").replace("\x00", ""),
            by=request.user,
            direction=request.POST.get("direction", "in"),
            scan_id=request.POST.get("scan_id") or None,
        )
    except DomainError as refusal:
        return _search(request, entrance, context, refusal)
    who = (answer.ticket.holder_name or answer.ticket.short_code) if answer.ticket else ""
    if answer.admitted:
        out = answer.check_in.direction == "out"
        messages.success(request, (_("{who} is out.") if out else _("{who} is in.")).format(who=who))
    else:
        messages.error(request, f"{who}: {answer.message}")
    return redirect("dashboard-check-in-board", slug=slug, pk=pk)


def _uuid(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        return uuid.UUID(int=0)  # no ticket's


@staff("check_in")
@require_POST
def undo(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Take an admission back; the ticket is good again, and the trail says who did it."""
    entrance, _context = _entrance(request, slug, pk)
    try:
        scanning.undo(entrance, request.POST.get("scan_id", "").replace("\x00", "")[:64], by=request.user)
        messages.success(request, _("The admission is taken back."))
    except DomainError as refusal:
        messages.error(request, str(refusal))
    back = request.POST.get("next", "")
    if url_has_allowed_host_and_scheme(back, allowed_hosts=None):
        return redirect(back)
    return redirect("dashboard-check-in-board", slug=slug, pk=pk)


@staff("check_in")
@never_cache
@require_safe
def scans(request: HttpRequest, slug: str) -> HttpResponse:
    """Every answer of the event's entrances, newest first; filters are in the address."""
    event, rights = event_for(request.user, slug, "check_in")
    filters = history.read(request.GET)
    number = request.GET.get("page", "")
    page = int(number) if number.isascii() and number.isdigit() and 0 < len(number) < 5 and int(number) else 1
    rows = list(history.answers(event, filters)[(page - 1) * PAGE : page * PAGE + 1])
    query = filters.as_query
    context = {
        **context_of(event, rights),
        "rows": history.with_people(rows[:PAGE]),
        "more": len(rows) > PAGE,
        "page": page,
        "query": query,
        "filtered": any(query.values()),
        "lists": [(str(each.pk), each.name) for each in event.check_in_lists.order_by("pk")],
        "outcomes": list(history.OUTCOMES.items()),
        "reasons": list(REASONS.items()),
        "directions": CheckIn.Direction.choices,
    }
    return render(request, "dashboard/check_in/history.html", context)


@staff("check_in")
@never_cache
@require_safe
def scans_csv(request: HttpRequest, slug: str) -> StreamingHttpResponse:
    """The filtered answers as a file, streamed."""
    event: Event = event_for(request.user, slug, "check_in")[0]
    found = history.answers(event, history.read(request.GET))
    response = StreamingHttpResponse(history.csv_lines(found), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="check-ins-{event.slug}.csv"'
    return response
