"""The page of what personal data is left."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from shared_apps.core.access import staff
from tenant_apps.reports.personal_left import MOST_GUESTS, overview


@staff("manage_settings")
@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """Numbers by kind, the rules, and what they do next."""
    context = {"nav": "settings", "found": overview(), "most_guests": MOST_GUESTS}
    return render(request, "dashboard/settings/personal_data.html", context)
