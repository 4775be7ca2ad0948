"""The pages of a tenant's own plan: what it has, what it owes, and how it gets another.

They answer while the tenant is suspended: this is where it is paid.
"""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from shared_apps.billing import gateway, plans, subscriptions
from shared_apps.core.access import staff
from shared_apps.core.errors import DomainError, Forbidden
from tenant_apps.staff import subscription as service
from tenant_apps.staff.permissions import is_owner
from tenants.context import current_tenant

# Stripe's own pages, which the answers to our forms lead to.
PAGES = ("https://checkout.stripe.com", "https://billing.stripe.com")


@staff("manage_settings")
@require_safe
def subscription(request: HttpRequest) -> HttpResponse:
    """The plan, what follows from a missing payment, the price list, and the invoices."""
    tenant = current_tenant()
    # Who comes back from Stripe sees what came of it, whether its message was here already or not.
    row = subscriptions.look(tenant) if request.GET.get("checkout") else subscriptions.of(tenant)
    invoices = subscriptions.invoices_of(tenant)
    offered = [plan for plan in plans.offered() if not plan.is_free]
    context = {
        "nav": "billing",
        "row": row,
        "plan": row.plan if row and row.plan else plans.free(),
        "offered": [(plan, plans.shown_name(plan)) for plan in offered],
        "plan_name": plans.shown_name(row.plan if row and row.plan else plans.free()),
        "invoices": invoices,
        "owed": [each for each in invoices if each.status == "open" and each.left_minor],
        "is_owner": is_owner(request.user),
        "is_on": gateway.is_on(),
        "came_back": request.GET.get("checkout", "") == "done",
    }
    return _leading_out(render(request, "dashboard/billing/subscription.html", context))


@staff("manage_settings")
@require_http_methods(["GET", "HEAD", "POST"])
def choose(request: HttpRequest, plan: str) -> HttpResponse:
    """One plan: what it would cost now, and the button that takes it."""
    tenant = current_tenant()
    wanted = plans.named(plan)
    if wanted is None or wanted.is_free:
        raise Http404
    row = subscriptions.of(tenant)
    running = row is not None and row.plan is not None
    problem, status = "", 200
    if request.method == "POST":
        _require_owner(request)
        try:
            if running:
                service.change(tenant, plan, actor=request.user)
                messages.success(request, _("You have the plan %(plan)s now.") % {"plan": plans.shown_name(wanted)})
                return redirect("dashboard-billing")
            return redirect(
                service.buy(tenant, plan, coupon=request.POST.get("coupon", "").strip()[:120], actor=request.user)
            )
        except DomainError as refusal:
            problem, status = str(refusal), refusal.status
    preview: Any = None
    if running and not problem:
        try:
            preview = subscriptions.preview(tenant, plan)
        except DomainError as refusal:
            problem = str(refusal)
    context = {
        "nav": "billing", "plan": wanted, "plan_name": plans.shown_name(wanted), "row": row, "running": running,
        "preview": preview, "problem": problem, "is_owner": is_owner(request.user),
        "coupon": request.POST.get("coupon", ""), "credit_minor": -preview.total_minor if preview else 0,
        "trial": 0 if row and row.had_trial else wanted.trial_days,
    }  # fmt: skip
    return _leading_out(render(request, "dashboard/billing/choose.html", context, status=status))


@staff("manage_settings")
@require_POST
def cancel(request: HttpRequest) -> HttpResponse:
    """Let the plan end with what is paid for; asks first on the page itself."""
    return _act(request, service.cancel, _("The plan ends. Until then everything stays as it is."))


@staff("manage_settings")
@require_POST
def resume(request: HttpRequest) -> HttpResponse:
    """Take a cancellation back."""
    return _act(request, service.resume, _("The plan goes on."))


@staff("manage_settings")
@require_POST
def portal(request: HttpRequest) -> HttpResponse:
    """Lead to Stripe's own page for cards, addresses and invoices."""
    _require_owner(request)
    try:
        return redirect(service.portal(current_tenant(), actor=request.user))
    except DomainError as refusal:
        messages.error(request, str(refusal))
    return redirect("dashboard-billing")


def _act(request: HttpRequest, verb: Any, done: str) -> HttpResponse:
    _require_owner(request)
    try:
        verb(current_tenant(), actor=request.user)
        messages.success(request, done)
    except DomainError as refusal:
        messages.error(request, str(refusal))
    return redirect("dashboard-billing")


def _require_owner(request: HttpRequest) -> None:
    """What costs the owner money is the owner's to do."""
    if not is_owner(request.user):
        raise Forbidden


def _leading_out(response: HttpResponse) -> HttpResponse:
    """Browsers hold the policy of a form's page against where its answer leads, and that is Stripe's host."""
    pages = [*PAGES, *([settings.STRIPE_API_BASE] if settings.DEVELOPMENT else [])]
    response._csp_update = {"form-action": pages}  # type: ignore[attr-defined]  # django-csp's own attribute
    return response
