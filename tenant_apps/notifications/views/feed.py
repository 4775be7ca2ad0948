"""A person's feed, and the number beside the bell."""

import uuid
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from shared_apps.core.access import signed_in
from tenant_apps.notifications import feed

PAGE = 30


@signed_in
@never_cache
@require_safe
def listed(request: HttpRequest) -> HttpResponse:
    """What the person was told here, newest first."""
    given = request.GET.get("page", "")
    number = int(given) if given.isascii() and given.isdigit() and 0 < len(given) < 5 and int(given) else 1
    rows = list(feed.feed_of(request.user)[(number - 1) * PAGE : number * PAGE + 1])
    context: dict[str, Any] = {
        "tab": "notices",
        "notices": rows[:PAGE],
        "more": len(rows) > PAGE,
        "page": number,
        "unread": feed.unread_of(request.user),
    }
    return render(request, "account/notices.html", context)


@signed_in
@never_cache
@require_safe
def one(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """One of them in full; who opens it has read it."""
    return render(request, "account/notice.html", {"tab": "notices", "notice": feed.mark_read(request.user, pk)})


@signed_in
@require_POST
def read_all(request: HttpRequest) -> HttpResponse:
    """All of them are read."""
    feed.mark_all_read(request.user)
    return redirect("notices")


@signed_in
@never_cache
@require_safe
def count(request: HttpRequest) -> HttpResponse:
    """The number beside the bell, for htmx: pages themselves ask nothing."""
    return render(request, "components/_bell_count.html", {"unread": feed.unread_of(request.user)})
