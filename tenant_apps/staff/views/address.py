"""The staff's page of where the site is found: the subdomain, domains of one's own, what has to stand in DNS."""

from collections.abc import Callable
from typing import Any

from csp.decorators import csp_update
from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from shared_apps.core.access import staff
from shared_apps.core.errors import DomainError
from shared_apps.core.forms import show_refusal
from tenant_apps.staff import site_address
from tenants import links
from tenants.context import current_tenant
from tenants.models import DomainClaim

PAGE = "dashboard-address"


class RenameForm(forms.Form):
    """The subdomain. What can be had is decided where it is taken."""

    slug = forms.CharField(
        label=gettext_lazy("Address"),
        max_length=63,
        widget=forms.TextInput(attrs={"autocapitalize": "none", "spellcheck": "false", "autocomplete": "off"}),
    )


class DomainForm(forms.Form):
    """A domain to be claimed."""

    domain = forms.CharField(
        label=gettext_lazy("Domain"),
        max_length=300,
        help_text=gettext_lazy("A whole name, such as tickets.example.org."),
        widget=forms.TextInput(
            attrs={"autocapitalize": "none", "spellcheck": "false", "autocomplete": "off", "inputmode": "url"}
        ),
    )


@staff("manage_settings")
@require_safe
@never_cache
def page(request: HttpRequest) -> HttpResponse:
    """All addresses of the site."""
    return _show(request)


@staff("manage_settings")
@require_POST
@never_cache
def rename(request: HttpRequest) -> HttpResponse:
    """Another subdomain. The page goes on at the new one."""
    form = RenameForm(request.POST)
    found: list[str] = []
    status = 400
    if form.is_valid():
        try:
            tenant = site_address.rename(form.cleaned_data["slug"], actor=request.user)
        except DomainError as refusal:
            show_refusal(form, refusal)
            found, status = getattr(refusal, "suggestions", []), refusal.status
        else:
            messages.success(request, _("Your site is found at its new address now. The old one leads there."))
            # Signed in by a cookie of the old host: where it goes on, one logs in once more.
            return redirect(links.url(tenant, request.path.removesuffix("rename/")))
    return _show(request, rename=form, suggestions=found, status=status)


@staff("manage_settings")
@require_POST
@never_cache
def add(request: HttpRequest) -> HttpResponse:
    """A domain of one's own; the page then says what has to stand in DNS."""
    form = DomainForm(request.POST)
    status, upgrade = 400, ""
    if form.is_valid():
        try:
            site_address.add_domain(form.cleaned_data["domain"], actor=request.user)
        except DomainError as refusal:
            show_refusal(form, refusal)
            status, upgrade = refusal.status, getattr(refusal, "upgrade_url", "")
        else:
            messages.success(request, _("Added. Set the records in DNS now, then have them checked."))
            return redirect(PAGE)
    return _show(request, domain=form, upgrade=upgrade, status=status)


@staff("manage_settings")
@require_POST
@never_cache
def check(request: HttpRequest) -> HttpResponse:
    """Asks DNS now."""

    def ask(host: str) -> None:
        found = site_address.check_domain(host, actor=request.user)
        if found.state == DomainClaim.State.PROVED:
            messages.success(request, _("%s is yours: it leads here now.") % found.domain)
        elif found.state == DomainClaim.State.TAKEN:
            messages.error(request, _("%s is in use by another organizer whose proof still stands.") % found.domain)
        else:
            messages.warning(request, _("The record is not there yet. DNS may take some minutes to show it."))

    return _done(request, ask)


@staff("manage_settings")
@require_POST
@never_cache
def primary(request: HttpRequest) -> HttpResponse:
    """Makes a host the one that links lead to."""

    def choose(host: str) -> None:
        site_address.make_primary(host, actor=request.user)
        messages.success(request, _("Links lead to %s from now on.") % host)

    return _done(request, choose)


@staff("manage_settings")
@require_POST
@never_cache
def remove(request: HttpRequest) -> HttpResponse:
    """Gives a domain up."""

    def give_up(host: str) -> None:
        site_address.remove_domain(host, actor=request.user)
        messages.success(request, _("%s leads here no more.") % host)

    return _done(request, give_up)


def _done(request: HttpRequest, act: Callable[[str], None]) -> HttpResponse:
    try:
        act(request.POST.get("domain", "")[:300])
    except DomainError as refusal:
        messages.error(request, str(refusal))
    return redirect(PAGE)


def _show(
    request: HttpRequest,
    *,
    rename: RenameForm | None = None,
    domain: DomainForm | None = None,
    suggestions: list[str] | None = None,
    upgrade: str = "",
    status: int = 200,
) -> HttpResponse:
    found = site_address.addresses()
    subdomain = found[0]
    context: dict[str, Any] = {
        "nav": "settings",
        "rename": rename or RenameForm(initial={"slug": current_tenant().slug}),
        "domain_form": domain or DomainForm(),
        "suggestions": suggestions or [],
        "upgrade": upgrade,
        "domain": f".{settings.PLATFORM_DOMAIN}",
        "subdomain": subdomain,
        "own": [each for each in found if each.kind == site_address.OWN],
        "former": [each for each in found if each.kind == site_address.FORMER],
        "site_url": links.url(current_tenant(), "/"),
    }
    response = render(request, "dashboard/settings/address.html", context, status=status)
    # Browsers hold the policy of the form's page against where its answer leads: the new host, a sibling of this one.
    csp_update({"form-action": [links.any_subdomain()]})(lambda _request: response)(request)
    return response
