"""The staff's page of the site's settings."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from shared_apps.core.access import anyone, staff
from shared_apps.core.errors import DomainError
from shared_apps.core.forms import show_refusal
from tenant_apps.staff.settings_forms import SettingsForm
from tenant_apps.staff.site_settings import change_logo, change_settings, settings_of
from tenants.context import current_tenant
from tenants.logos import logo_content


@staff("manage_settings")
@require_POST
def logo(request: HttpRequest) -> HttpResponse:
    """Takes a picture as the logo, or takes the logo away."""
    upload = None if "remove" in request.POST else request.FILES.get("image")
    if upload is None and "remove" not in request.POST:
        messages.error(request, _("Choose a picture first."))
        return redirect("dashboard-settings")
    try:
        change_logo(upload, actor=request.user)
        messages.success(request, _("Saved."))
    except DomainError as refusal:
        messages.error(request, str(refusal))
    return redirect("dashboard-settings")


@anyone
@require_safe
def logo_file(request: HttpRequest, file: str) -> HttpResponse:
    """The tenant's present logo."""
    content = logo_content(file) if file == current_tenant().logo else None
    if content is None:
        raise Http404
    response = HttpResponse(content, content_type="image/webp")
    response["Cache-Control"] = "public, max-age=86400"
    response["X-Content-Type-Options"] = "nosniff"
    return response


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
