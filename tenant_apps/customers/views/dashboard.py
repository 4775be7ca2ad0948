"""Who follows the organizer, and what people like: numbers, no names."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from shared_apps.core.access import staff
from tenant_apps.customers import favourites, follows
from tenant_apps.staff.permissions import events_where, permissions_of

MOST_SHOWN = 20


@staff("view_reports")
@require_safe
def audience(request: HttpRequest) -> HttpResponse:
    """Followers of the organizer and of series, and the events that most people like or keep in mind.

    Counted over the whole tenant: who was granted the reports of one event sees that event alone, elsewhere.
    """
    everything = "view_reports" in permissions_of(request.user)
    events: Any = favourites.most_kept(MOST_SHOWN, None if everything else events_where(request.user, "view_reports"))
    context = {
        "nav": "reports",
        "everything": everything,
        "followers": follows.followers() if everything else 0,
        "series": list(follows.series_with_followers()[:MOST_SHOWN]) if everything else [],
        "events": list(events),
    }
    return render(request, "dashboard/audience/audience.html", context)
