"""The platform's own first pages, and the way to a tenant of one's own."""

from typing import Any

from csp.decorators import csp_update
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import get_language
from django.views.decorators.http import require_safe

from shared_apps.core.access import anyone, signed_in
from shared_apps.core.errors import DomainError
from shared_apps.core.forms import show_refusal
from shared_apps.signup import services
from shared_apps.signup.forms import SignupForm
from tenants import links
from tenants.errors import SlugTaken
from tenants.models import Tenant
from tenants.provisioning import check_slug, suggestions


@anyone
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """What Foyer is. In development also where the demo tenants are."""
    context: dict[str, Any] = {}
    if settings.DEVELOPMENT:
        context["demo_tenants"] = [
            (tenant, links.url(tenant, "/")) for tenant in Tenant.objects.open().order_by("created_at", "pk")[:6]
        ]
    return render(request, "public/home.html", context)


@signed_in
def signup(request: HttpRequest) -> HttpResponse:
    """One form; a moment later the tenant is open and its owner stands in the dashboard."""
    initial = {"language": get_language(), "currency": "RUB" if get_language() == "ru" else "EUR"}
    form = SignupForm(request.POST or None, initial=initial)
    found: list[str] = []
    status = 200
    if request.method == "POST":
        status = 400
        if form.is_valid():
            try:
                tenant = services.open_for(request.user, **form.cleaned_data)
            except DomainError as refusal:
                show_refusal(form, refusal)
                found, status = getattr(refusal, "suggestions", []), refusal.status
            else:
                return redirect(links.url(tenant, "/dashboard/"))
    context = {
        "form": form,
        "suggestions": found,
        "domain": f".{settings.PLATFORM_DOMAIN}",
        "mine": [(tenant, links.url(tenant, "/dashboard/")) for tenant in services.tenants_of(request.user)],
    }
    response = render(request, "public/signup.html", context, status=status)
    # Browsers hold the policy of the form's page against where its answer leads, and that is the new tenant's host.
    csp_update({"form-action": [links.any_subdomain()]})(lambda _request: response)(request)
    return response


@signed_in
@require_safe
def slug_check(request: HttpRequest) -> HttpResponse:
    """A line that says whether an address can be had; asked while somebody types."""
    slug = request.GET.get("slug", "").strip().lower()[:63]
    refusal: DomainError | None = None
    found: list[str] = []
    if slug:
        try:
            check_slug(slug)
            if Tenant.objects.filter(slug=slug).exists():
                raise SlugTaken(suggestions=suggestions(slug))
        except DomainError as refused:
            refusal, found = refused, getattr(refused, "suggestions", [])
    context = {"slug": slug, "refusal": refusal, "suggestions": found, "domain": f".{settings.PLATFORM_DOMAIN}"}
    return render(request, "public/_slug.html", context)
