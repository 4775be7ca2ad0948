"""The self-check as a page of the dashboard: this tenant's own things only (N2)."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from shared_apps.core.checkup import STATES, results, worst
from tenant_apps.staff.everywhere import staff_everywhere


@staff_everywhere("manage_settings")
@never_cache
@require_safe
def system_check(request: HttpRequest) -> HttpResponse:
    """What is wrong here and how to mend it, the worst first."""
    found = results("tenant")
    context = {
        "nav": "settings",
        "results": sorted(found, key=lambda each: STATES.index(each.state)),
        "state": worst(found),
        "asked_at": timezone.now(),
    }
    return render(request, "dashboard/settings/system_check.html", context)
