"""The operators' console: all tenants with how they do, one tenant with what can be done, what failed, and visits."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from csp.decorators import csp_update
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from shared_apps.accounts import second_factor
from shared_apps.accounts.middleware import cookie_session
from shared_apps.billing import plans
from shared_apps.billing.subscription_models import PlatformInvoice
from shared_apps.billing.usage import period, totals, usage_of
from shared_apps.core import checkup
from shared_apps.core.access import operator
from shared_apps.core.errors import DomainError
from shared_apps.core.forms import show_refusal
from shared_apps.operators import failed_work, impersonation, overview, services
from shared_apps.operators.forms import ImpersonateForm, SuspendForm
from shared_apps.operators.models import Impersonation
from tenants import links
from tenants.models import Domain, Tenant

PAGE, VISITS_SHOWN, INVOICES_SHOWN = 50, 10, 6
FILTERS = ("search", "status", "state", "kind", "plan")
ORDERS = ("state", "name", "-created_at", "-sales", "-paid_tickets", "-storage", "-errors", "-parked")
_ORDER_WORDS = {
    "state": gettext_lazy("Worst first"),
    "name": gettext_lazy("Name"),
    "-created_at": gettext_lazy("Newest first"),
    "-sales": gettext_lazy("Sales"),
    "-paid_tickets": gettext_lazy("Paid tickets"),
    "-storage": gettext_lazy("Storage"),
    "-errors": gettext_lazy("Errors"),
    "-parked": gettext_lazy("Given up"),
}


@operator
@never_cache
@require_safe
def tenants(request: HttpRequest) -> HttpResponse:
    """The list: searched, filtered and sorted over public tables alone."""
    asked = {name: request.GET.get(name, "").strip()[:100] for name in (*FILTERS, "order")}
    asked["status"] = asked["status"] if asked["status"] in Tenant.Status.values else ""
    asked["kind"] = asked["kind"] if asked["kind"] in Tenant.Kind.values else ""
    asked["state"] = asked["state"] if asked["state"] in overview.STATES else ""
    names = overview.plan_names()
    asked["plan"] = asked["plan"] if asked["plan"] in names else ""
    order = asked["order"] if asked["order"] in ORDERS else overview.USUAL_ORDER
    rows = overview.found(**{name: asked[name] for name in FILTERS})
    back = "-" if order.startswith("-") else ""
    page = Paginator(rows.order_by(back + overview.ORDERING[order.removeprefix("-")], "pk"), PAGE).get_page(
        request.GET.get("page")
    )
    for row in page.object_list:
        row.plan_name = names.get(row.plan_slug, row.plan_slug)
    context = {
        "nav": "tenants",
        "page": page,
        "plans": names,
        "summary": overview.summary(),
        "states": overview.STATES,
        "statuses": Tenant.Status.choices,
        "kinds": Tenant.Kind.choices,
        "orders": [(name, _ORDER_WORDS[name]) for name in ORDERS],
        "asked": {**asked, "order": order},
        "filtered": any(asked[name] for name in FILTERS),
    }
    return render(request, "operators/tenants.html", context)


@operator
@never_cache
@require_safe
def tenant(request: HttpRequest, slug: str) -> HttpResponseBase:
    """One tenant: what there is to know, and what can be done."""
    return _show(request, services.tenant_named(slug))


def _show(
    request: HttpRequest, row: Tenant, *, suspend_form: Any = None, visit_form: Any = None, status: int = 200
) -> HttpResponseBase:
    members, plan = impersonation.staff_of(row), plans.standing_of(row)
    first, last = period("", "")
    days = usage_of(row, first, last)
    context = {
        "nav": "tenants",
        "row": row,
        "plan": plan,
        "subscription": getattr(row, "subscription", None),
        "invoices": list(PlatformInvoice.objects.filter(tenant=row)[:INVOICES_SHOWN]),
        "plan_name": plans.shown_name(plan.plan),
        "state_words": overview.STATES[row.state_now],  # type: ignore[attr-defined]  # annotated by `overview.tenants`
        "health": getattr(row, "health", None),
        "domains": Domain.objects.filter(tenant=row).order_by("-is_primary", "domain"),
        "suspensions": [
            (Tenant.Cause(cause).label, each) for cause, each in row.suspensions.items() if cause in Tenant.Cause.values
        ],
        "by_us": Tenant.Cause.OPERATOR in row.suspensions,
        "can_be_moved": row.status in (Tenant.Status.OPEN, Tenant.Status.SUSPENDED, Tenant.Status.CLOSING),
        "usage": totals(days),
        "failures": failed_work.failures(row),
        "visits": impersonation.with_people(impersonation.all_visits().filter(tenant=row)[:VISITS_SHOWN]),
        "site": links.url(row, "/"),
        "suspend_form": suspend_form or SuspendForm(),
        "visit_form": (visit_form or ImpersonateForm(members=members)) if members else None,
    }
    response = render(request, "operators/tenant.html", context, status=status)
    # Browsers hold the policy of the form's page against where its answer leads, and that is the tenant's host.
    site = urlsplit(links.url(row, "/"))
    csp_update({"form-action": [f"{site.scheme}://{site.netloc}"]})(lambda _request: response)(request)
    return response


@operator
@require_POST
def suspend(request: HttpRequest, slug: str) -> HttpResponseBase:
    """Stop the tenant, with a reason."""
    row = services.tenant_named(slug)
    form = SuspendForm(request.POST)
    status = 400
    if form.is_valid():
        try:
            services.suspend(row, operator=request.user, reason=form.cleaned_data["reason"])
        except DomainError as refusal:
            show_refusal(form, refusal)
            status = refusal.status
        else:
            messages.success(request, _("Suspended: it holds from the next request on."))
            return redirect("operators-tenant", slug=slug)
    return _show(request, row, suspend_form=form, status=status)


@operator
@require_POST
def resume(request: HttpRequest, slug: str) -> HttpResponseBase:
    """Take the platform's suspension back."""
    row = services.resume(services.tenant_named(slug), operator=request.user)
    if row.status == Tenant.Status.OPEN:
        messages.success(request, _("Resumed."))
    else:
        messages.info(request, _("The platform's suspension is lifted; another cause remains."))
    return redirect("operators-tenant", slug=slug)


@operator
@require_POST
def measure(request: HttpRequest, slug: str) -> HttpResponseBase:
    """Reckon the tenant's figures now instead of within ten minutes."""
    services.measure(services.tenant_named(slug))
    messages.success(request, _("Measured."))
    return redirect("operators-tenant", slug=slug)


@operator
@require_POST
def visit(request: HttpRequest, slug: str) -> HttpResponseBase:
    """Begin a visit and lead over to the tenant's host."""
    row = services.tenant_named(slug)
    form = ImpersonateForm(request.POST, members=impersonation.staff_of(row))
    status = 400
    if form.is_valid():
        typed: Mapping[str, Any] = form.cleaned_data
        try:
            session = cookie_session(request)
            assert session is not None  # the gate has let a signed-in person in
            second_factor.prove(session, otp=typed["otp"], fresh=True)
            _row, address = impersonation.begin(
                operator=request.user, tenant=row, person_id=typed["person"], reason=typed["reason"],
                minutes=typed["minutes"], writes=typed["writes"],
            )  # fmt: skip
        except DomainError as refusal:
            show_refusal(form, refusal, {"password": "otp"})
            status = refusal.status
        else:
            return redirect(address)
    return _show(request, row, visit_form=form, status=status)


@operator
@never_cache
@require_safe
def failed(request: HttpRequest) -> HttpResponse:
    """What failed over all tenants, each kind once."""
    context = {"nav": "failed", "failures": failed_work.failures(), "left_out": failed_work.tenants_left_out()}
    return render(request, "operators/failed.html", context)


@operator
@require_POST
def retry(request: HttpRequest) -> HttpResponseBase:
    """Try one row of the list again."""
    slug = request.POST.get("tenant", "")[:63]
    row = services.tenant_named(slug) if slug else None
    try:
        count = failed_work.retry(
            kind=request.POST.get("kind", "")[:10], tenant=row, what=request.POST.get("what", "")[:100],
            operator=request.user,
        )  # fmt: skip
    except failed_work.NothingToRetry as late:
        messages.info(request, str(late))
    else:
        said = ngettext("%(count)s is tried again.", "%(count)s are tried again.", count)
        messages.success(request, said % {"count": count})
    if "back" in request.POST and row is not None:
        return redirect("operators-tenant", slug=row.slug)
    return redirect("operators-failed")


@operator
@never_cache
@require_safe
def visits(request: HttpRequest) -> HttpResponse:
    """Who was on whose site as whom, and why."""
    page = Paginator(impersonation.all_visits(), PAGE).get_page(request.GET.get("page"))
    context = {"nav": "visits", "page": page, "visits": impersonation.with_people(page.object_list)}
    return render(request, "operators/visits.html", context)


@operator
@require_POST
def end_visit(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    """End a visit, one's own or a colleague's."""
    row = impersonation.all_visits().filter(pk=pk).first()
    if row is None:
        raise Http404
    impersonation.end(row, by=Impersonation.EndedBy.OPERATOR, actor=request.user)
    messages.success(request, _("The visit is over."))
    return redirect("operators-visits")


@operator
@never_cache
@require_safe
def health(request: HttpRequest) -> HttpResponse:
    """The platform's own self-check. It asks servers, so it may take some seconds."""
    found = checkup.results("platform")
    return render(request, "operators/health.html", {"nav": "health", "results": found, "worst": checkup.worst(found)})
