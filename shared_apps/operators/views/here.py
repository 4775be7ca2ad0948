"""On a tenant's host: coming in and leaving as an operator, and what the tenant's people see of it."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from shared_apps.core.access import anyone, staff
from shared_apps.operators import impersonation
from shared_apps.operators.middleware import set_cookie
from shared_apps.operators.models import Impersonation
from tenants import links

PAGE = 50
# Who looks after the site, and who reads what happened on it.
MAY = ("manage_settings", "view_audit")


@anyone
@never_cache
@require_safe
def enter(request: HttpRequest) -> HttpResponseBase:
    """Take the code that the console has made, once, and keep a secret in this browser in its place."""
    row, secret = impersonation.enter(request.GET.get("code", "")[:100])
    response = redirect("/dashboard/")
    set_cookie(response, secret, max(1, int((row.expires_at - timezone.now()).total_seconds())))
    return response


@anyone
@never_cache
@require_POST
def leave(request: HttpRequest) -> HttpResponseBase:
    """End one's own visit and go back to the console. Without a visit there is nothing to end."""
    row: Impersonation | None = getattr(request, "impersonation", None)
    response = redirect(links.platform_url("/operator/") if row is not None else "/")
    if row is not None:
        impersonation.end(row, by=Impersonation.EndedBy.OPERATOR, actor=row.operator)  # type: ignore[attr-defined]  # the middleware puts it there
    set_cookie(response, "", 0)
    return response


@staff(*MAY)
@never_cache
@require_safe
def visits(request: HttpRequest) -> HttpResponse:
    """When operators were here, as whom, why, and what they did; one that runs can be ended."""
    rows = impersonation.with_people(impersonation.visits_here()[:PAGE])
    return render(request, "dashboard/operators/list.html", {"nav": "audit", "visits": rows})


@staff(*MAY)
@never_cache
@require_POST
def end(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    """Show an operator out."""
    row = impersonation.visit_here(pk)
    impersonation.end(row, by=Impersonation.EndedBy.OWNER, actor=request.user)
    messages.success(request, _("The visit is over."))
    return redirect("dashboard-operators")
