"""The page of the first steps: what is done, what comes next, and the examples."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from shared_apps.core.access import staff
from shared_apps.core.errors import DomainError
from tenant_apps.onboarding import sample
from tenant_apps.onboarding.checklist import MAILS, SHOWN, checklist, is_shown
from tenant_apps.staff.site_settings import change_settings
from tenants.context import current_tenant
from tenants.preferences import preference


@staff("manage_settings")
def first_steps(request: HttpRequest) -> HttpResponse:
    """What is done and what comes next; a POST says whether the dashboard shows it, and whether letters come."""
    tenant = current_tenant()
    if request.method == "POST":
        wanted = {name: request.POST.get(name) == "on" for name in (SHOWN, MAILS) if name in request.POST}
        change_settings(wanted, actor=request.user)
        return redirect((request.POST.get("back") == "home" and "/dashboard/") or "dashboard-first-steps")
    context = {
        "nav": "home",
        "checklist": checklist(),
        "examples": sample.present(),
        "shown": is_shown(tenant),
        "mails": preference(tenant, MAILS),
    }
    return render(request, "dashboard/onboarding/first_steps.html", context)


@staff("manage_settings")
@require_POST
def examples(request: HttpRequest) -> HttpResponse:
    """Make the examples, or remove those that nobody ordered."""
    if request.POST.get("do") != "remove":
        try:
            sample.add(actor=request.user)
            messages.success(request, _("The examples are on your storefront."))
        except DomainError as refusal:
            messages.error(request, str(refusal))
        return redirect("dashboard-first-steps")
    left = sample.remove(actor=request.user)
    if left.removed:
        messages.success(request, _("The examples are gone."))
    if left.kept:
        text = ngettext(
            "One stays, because it was ordered: {titles}",
            "Some stay, because they were ordered: {titles}",
            len(left.kept),
        )
        messages.warning(request, text.format(titles=", ".join(left.kept)))
    return redirect("dashboard-first-steps")
