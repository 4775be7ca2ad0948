"""The page of a site's backups."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from shared_apps.core.access import staff
from shared_apps.core.errors import DomainError
from tenant_apps.staff import backups
from tenants.context import current_tenant
from tenants.preferences import preference


@staff("manage_settings")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def listed(request: HttpRequest) -> HttpResponse:
    """What there is, and a button for one more."""
    if request.method == "POST":
        try:
            backups.ask(request.user)
        except DomainError as refusal:
            messages.error(request, str(refusal))
        else:
            messages.success(request, _("The backup is being made. You may go on working."))
        return redirect("dashboard-backups")
    found = backups.listed()
    tenant = current_tenant()
    context = {
        "nav": "settings",
        "backups": found,
        "restores": backups.restores(),
        "running": any(each.is_open for each in found),
        "hour": f"{preference(tenant, 'backup_hour'):02}:00",
        "kept": preference(tenant, "backups_kept"),
    }
    return render(request, "dashboard/settings/backups.html", context)
