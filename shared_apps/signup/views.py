"""The platform's own first pages, and the way to a tenant of one's own.

One page for everybody. Who has no account makes one on the way: what was typed waits in the session of this browser,
the code comes by mail, and with it account, sign-in and tenant follow at once.
"""

from typing import Any

from csp.decorators import csp_update
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import get_language
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_safe

from shared_apps.accounts import second_step
from shared_apps.accounts import services as accounts
from shared_apps.accounts.hand_over import invitation_path
from shared_apps.accounts.models import User
from shared_apps.accounts.views import ONWARD, WAITING_FOR
from shared_apps.accounts.visits import visit_of
from shared_apps.core.access import anyone
from shared_apps.core.addresses import client_address, network_of
from shared_apps.core.errors import DomainError
from shared_apps.core.forms import show_refusal
from shared_apps.people import agreements
from shared_apps.signup import guard, services
from shared_apps.signup.forms import NewcomerForm, SignupCodeForm, SignupForm
from shared_apps.signup.prices import offers
from tenants import links, lookup
from tenants.models import Tenant
from tenants.slugs import check_free

# What this browser asked for and waits with, until its owner has confirmed the address.
WISH = "signup.wish"


@anyone
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """What Foyer is and what it costs. In development also where the demo tenants are."""
    context: dict[str, Any] = {"offers": offers()}
    if settings.DEVELOPMENT:
        context["demo_tenants"] = [
            (tenant, links.url(tenant, "/")) for tenant in Tenant.objects.open().order_by("created_at", "pk")[:6]
        ]
    return render(request, "public/home.html", context)


@anyone
@never_cache
@sensitive_post_parameters("password")
def signup(request: HttpRequest) -> HttpResponseBase:
    """One form; a moment later the tenant is open and its owner stands in the dashboard."""
    signed_in = request.user.is_authenticated
    form_class = SignupForm if signed_in else NewcomerForm
    if request.method != "POST":
        return _page(request, form_class(initial=_initial(request)))
    form: Any = form_class(request.POST)
    if not signed_in and form.is_trapped:
        return redirect("signup-confirm")  # as if all were well; nothing was done
    if not form.is_valid():
        return _page(request, form, status=400)
    try:
        if signed_in:
            return _opened(request, request.user, form.facts())
        guard.check_stamp(form.stamp)
        typed = form.cleaned_data
        services.begin(typed["email"], typed["password"], slug=typed["slug"], visit=visit_of(request))
    except DomainError as refusal:
        return _refused(request, form, refusal)
    request.session[WISH] = form.facts()
    request.session[WAITING_FOR] = typed["email"]
    request.session[ONWARD] = "/signup/"  # where the letter's link leads on to, after logging in
    return redirect("signup-confirm")


@anyone
@never_cache
def confirm(request: HttpRequest) -> HttpResponseBase:
    """The code from the letter: with it the account, its first sign-in, and the tenant that was asked for."""
    if request.user.is_authenticated:
        return redirect("signup")
    email = request.session.get(WAITING_FOR, "")
    form = SignupCodeForm(request.POST or None)
    status = 200
    if request.method == "POST":
        status = 400
        if form.is_valid():
            try:
                user = accounts.confirm_by_code(email, form.cleaned_data["code"], visit=visit_of(request))
                return _confirmed(request, user)
            except DomainError as refusal:
                show_refusal(form, refusal)
                status = refusal.status
    context = {"form": form, "email": email, "wish": request.session.get(WISH, {})}
    return _leading_away(request, render(request, "public/confirm.html", context, status=status))


def _confirmed(request: HttpRequest, user: User) -> HttpResponseBase:
    """Sign in whose address has just been confirmed in this browser, and open what they asked for."""
    request.session.pop(WAITING_FOR, None)
    request.session.pop(ONWARD, None)
    answer = second_step.vouched(request, user, "/signup/")
    if settings.ACCESS_COOKIE_NAME not in answer.cookies or WISH not in request.session:
        return answer
    try:
        opened = _opened(request, user, request.session[WISH])
    except DomainError:
        return answer  # the form says why, with everything that was typed
    answer["Location"] = opened["Location"]
    return answer


def _opened(request: HttpRequest, user: Any, wish: dict[str, Any]) -> HttpResponse:
    """Open the tenant and lead its owner into it."""
    facts = {name: value for name, value in wish.items() if name != "plan"}
    tenant = services.open_once(user, address=client_address(request), **facts)
    request.session.pop(WISH, None)
    target = services.first_page(wish.get("plan", ""))
    return redirect(links.url(tenant, invitation_path(user, lookup.primary_host(tenant), target)))


def _initial(request: HttpRequest) -> dict[str, Any]:
    """What the form begins with: what was typed before, or what suits the language."""
    language = get_language()
    usual = {"language": language, "currency": "RUB" if language == "ru" else "EUR", "sample_content": True}
    return {**usual, "plan": request.GET.get("plan", "")[:50], **request.session.get(WISH, {})}


def _refused(request: HttpRequest, form: Any, refusal: DomainError) -> HttpResponseBase:
    show_refusal(form, refusal)
    answer = _page(request, form, status=refusal.status, suggestions=getattr(refusal, "suggestions", []))
    if refusal.retry_after:
        answer["Retry-After"] = str(refusal.retry_after)
    return answer


def _page(request: HttpRequest, form: Any, *, status: int = 200, suggestions: list[str] | None = None) -> HttpResponse:
    mine = services.tenants_of(request.user) if request.user.is_authenticated else []
    context = {
        "form": form,
        "newcomer": isinstance(form, NewcomerForm),
        "began": guard.stamp(),
        "suggestions": suggestions or [],
        "domain": f".{settings.PLATFORM_DOMAIN}",
        "mine": [(tenant, links.url(tenant, "/dashboard/")) for tenant in mine],
    }
    return _leading_away(request, render(request, "public/signup.html", context, status=status))


def _leading_away(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    # Browsers hold the policy of the form's page against where its answer leads, and that is the new tenant's host.
    csp_update({"form-action": [links.any_subdomain()]})(lambda _request: response)(request)
    return response


@anyone
@require_safe
def slug_check(request: HttpRequest) -> HttpResponse:
    """A line that says whether an address can be had; asked while somebody types."""
    slug = request.GET.get("slug", "").strip().lower()[:63]
    refusal: DomainError | None = None
    found: list[str] = []
    if slug:
        try:
            guard.count("slug_source", network_of(client_address(request)))
            check_free(slug, owner_id=request.user.pk if request.user.is_authenticated else None)
        except DomainError as refused:
            refusal, found = refused, getattr(refused, "suggestions", [])
    context = {"slug": slug, "refusal": refusal, "suggestions": found, "domain": f".{settings.PLATFORM_DOMAIN}"}
    return render(request, "public/_slug.html", context)


@anyone
@require_safe
def legal(request: HttpRequest, code: str) -> HttpResponse:
    """The version of one of the platform's texts that holds now."""
    text = next((each for each in agreements.asked() if each.code == code), None)
    if text is None:
        raise Http404
    return render(request, "public/legal.html", {"text": text})
