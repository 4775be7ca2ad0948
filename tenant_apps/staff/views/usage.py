"""The page of what a site used: what the platform charges by."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from shared_apps.billing.usage import period, totals, usage_of
from shared_apps.core.access import staff
from shared_apps.core.errors import DomainError
from tenants.context import current_tenant


@staff("manage_settings")
@require_safe
def usage(request: HttpRequest) -> HttpResponse:
    """Day by day; `?from=` and `?to=` as in the API."""
    context: dict[str, Any] = {"nav": "settings", "problem": "", "rows": [], "sums": None}
    status = 200
    try:
        first, last = period(request.GET.get("from", ""), request.GET.get("to", ""))
    except DomainError as refusal:
        context["problem"] = " ".join(str(error.message) for error in refusal.errors)
        first, last = period("", "")
        status = refusal.status
    rows = usage_of(current_tenant(), first, last)
    context |= {"rows": rows, "sums": totals(rows), "first": first, "last": last}
    return render(request, "dashboard/settings/usage.html", context, status=status)
