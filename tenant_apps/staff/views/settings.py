"""The staff's page of the site's settings."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from shared_apps.core.access import staff
from shared_apps.core.errors import DomainError
from shared_apps.core.forms import show_refusal
from tenant_apps.staff.settings_forms import SettingsForm
from tenant_apps.staff.site_settings import change_settings, settings_of
from tenants.context import current_tenant


@staff("manage_settings")
def site(request: HttpRequest) -> HttpResponse:
    """Looks, language, zone and preferences, in one form."""
    status = 200
    form = SettingsForm(initial=settings_of(current_tenant()))
    if request.method == "POST":
        form, status = SettingsForm(request.POST, initial=settings_of(current_tenant())), 400
        if form.is_valid():
            try:
                change_settings(form.changes(), actor=request.user)
            except DomainError as refusal:
                show_refusal(form, refusal)
                status = refusal.status
            else:
                messages.success(request, _("Saved."))
                return redirect("dashboard-settings")
    return render(request, "dashboard/settings/site.html", {"nav": "settings", "form": form}, status=status)
