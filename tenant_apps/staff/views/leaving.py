"""The page about the site as a whole: take everything along, pause, close. It answers while the site serves nobody."""

import uuid
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST, require_safe

from shared_apps.core.access import staff
from shared_apps.core.errors import DomainError
from shared_apps.core.forms import show_refusal
from shared_apps.departures import exports, leaving
from shared_apps.departures.models import TenantExport
from tenant_apps.activity.services import before_and_after, made, record
from tenant_apps.staff.errors import OwnersOnly
from tenant_apps.staff.forms import CloseSiteForm
from tenant_apps.staff.permissions import is_owner
from tenants.context import current_tenant, in_public
from tenants.models import Tenant


def _owners_only(request: HttpRequest) -> None:
    if not is_owner(request.user):
        raise OwnersOnly


def _page(request: HttpRequest, form: CloseSiteForm | None = None, status: int = 200) -> HttpResponse:
    tenant = current_tenant()
    with in_public():
        # As it is now, not as it was when the request came in.
        fresh = Tenant.objects.get(pk=tenant.pk)
        archives = list(exports.of(tenant)[:5])
    running = any(each.status == TenantExport.Status.RUNNING for each in archives)
    causes = [
        {"cause": cause, "words": Tenant.Cause(cause).label, "at": datetime.fromisoformat(each["at"]), **_because(each)}
        for cause, each in sorted(fresh.suspensions.items())
    ]
    context = {
        "nav": "settings",
        "site": fresh,
        "archives": archives,
        "running": running,
        "causes": causes,
        "paused": Tenant.Cause.OWNER in fresh.suspensions,
        "form": form or CloseSiteForm(),
    }
    partial = request.headers.get("HX-Target") == "archives"
    template = "dashboard/settings/_archives.html" if partial else "dashboard/settings/leaving.html"
    return render(request, template, context, status=status)


def _because(each: dict[str, Any]) -> dict[str, str]:
    return {"reason": str(each.get("reason", ""))}


@staff("manage_settings")
@never_cache
@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """All of it on one page, for owners."""
    _owners_only(request)
    return _page(request)


@staff("manage_settings")
@require_POST
def export(request: HttpRequest) -> HttpResponse:
    """Begin an archive of everything."""
    _owners_only(request)
    try:
        begun = exports.ask(current_tenant())
    except DomainError as refusal:
        messages.error(request, str(refusal))
    else:
        record("site.export_asked", begun, actor=request.user, details=made(status=begun.status), deliver=False)
    return redirect("dashboard-leaving")


@staff("manage_settings")
@never_cache
@require_safe
def archive(request: HttpRequest, pk: uuid.UUID) -> HttpResponseBase:
    """The archive, for owners only."""
    _owners_only(request)
    found, path = exports.ready(current_tenant(), pk)
    record("site.export_taken", found, actor=request.user, deliver=False)
    return FileResponse(
        path.open("rb"), as_attachment=True, filename=f"{current_tenant().slug}.zip", content_type="application/zip",
        headers={"Cache-Control": "no-store"},
    )  # fmt: skip


@staff("manage_settings")
@require_POST
def pause(request: HttpRequest) -> HttpResponse:
    """Pause, or end the pause."""
    _owners_only(request)
    before = str(current_tenant().status)
    if "go_on" in request.POST:
        tenant = leaving.go_on(current_tenant())
        _tell(request, "site.resumed", before, tenant, _("The pause is over."))
    else:
        tenant = leaving.pause(current_tenant(), reason=request.POST.get("reason", "")[:500].replace("\0", ""))
        said = _("The site is paused. Nobody can open it until you end the pause.")
        _tell(request, "site.paused", before, tenant, said)
    return redirect("dashboard-leaving")


@staff("manage_settings")
@sensitive_post_parameters("password")
@require_POST
def close(request: HttpRequest) -> HttpResponse:
    """Begin to close, with password and the site's address."""
    _owners_only(request)
    form, before = CloseSiteForm(request.POST), str(current_tenant().status)
    if not form.is_valid():
        return _page(request, form, 400)
    try:
        tenant = leaving.close(current_tenant(), actor=request.user, **form.cleaned_data)
    except DomainError as refusal:
        show_refusal(form, refusal)
        return _page(request, form, refusal.status)
    said = _("The site is closed to everybody. Until its end you can take that back.")
    _tell(request, "site.closing", before, tenant, said)
    return redirect("dashboard-leaving")


@staff("manage_settings")
@require_POST
def stay(request: HttpRequest) -> HttpResponse:
    """Take the closing back."""
    _owners_only(request)
    before = str(current_tenant().status)
    try:
        tenant = leaving.stay(current_tenant())
    except DomainError as refusal:
        messages.error(request, str(refusal))
    else:
        _tell(request, "site.kept", before, tenant, _("The closing is taken back."))
    return redirect("dashboard-leaving")


def _tell(request: HttpRequest, topic: str, before: str, tenant: Tenant, words: str) -> None:
    """In the tenant's own trail too: who works there reads that one (P7). What was so already is no line."""
    if str(tenant.status) != before:
        change = before_and_after({"status": before}, {"status": str(tenant.status)})
        record(topic, tenant, actor=request.user, details=change, deliver=False)
    messages.success(request, words)
