"""The page of what happened to one's account: logins, refusals, changes."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from shared_apps.accounts import devices, trail
from shared_apps.core.access import signed_in

PAGE = 50
LAST_PAGE = 9999


@signed_in
@never_cache
@require_safe
def history(request: HttpRequest) -> HttpResponse:
    """The security history, newest first."""
    asked = request.GET.get("page", "")
    page = int(asked) if asked.isascii() and asked.isdigit() and 0 < int(asked[:9]) <= LAST_PAGE else 1
    found = list(trail.history_of(request.user)[(page - 1) * PAGE : page * PAGE + 1])
    rows = [
        {
            "entry": entry,
            "what": trail.words(entry.topic),
            "who": trail.who(entry),
            "device": devices.words(entry.details["user_agent"]) if entry.details.get("user_agent") else "",
        }
        for entry in found[:PAGE]
    ]
    context = {"rows": rows, "page": page, "more": len(found) > PAGE}
    return render(request, "account/history.html", context)
