"""Login through another service, from any host: out by the platform's host, back to where it began (I6).

    tenant host  /account/social/google/          a secret into this browser's session here; a signed ticket
    platform     /account/social/google/go/       state, nonce and PKCE into the session; off to the provider
    platform     /account/social/google/callback/ the identity is checked; a code for that host and that browser
    tenant host  /account/social/return/          code and secret together sign in, once

Whoever is sent a link to any one of these gets nowhere: each needs what the step before left in the same browser.
"""

import secrets
from datetime import timedelta
from typing import Any

import requests
from allauth.socialaccount.providers.base.constants import AuthError
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView
from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from shared_apps.accounts import limits, second_step, social
from shared_apps.accounts.errors import ProviderDown
from shared_apps.accounts.models import Arrival
from shared_apps.accounts.visits import visit_of
from shared_apps.core.access import anyone
from shared_apps.core.errors import DomainError

STARTED = "accounts.social"
_SALT = "accounts.social.ticket"
TICKET_SECONDS = 600
ARRIVAL_LIVES = timedelta(minutes=2)
# What the login page says when it did not work, by the word in its address: a closed list, so no one writes there.
SENTENCES = {
    "cancelled": _("You did not log in there. Nothing has changed here."),
    "expired": _("That took too long, or began in another browser. Please try again."),
    "identity_invalid": _("The service did not confirm who you are. Please try again."),
    "identity_email_unverified": _(
        "The service does not say that your email address is confirmed. Log in with your password."
    ),
    "identity_account_unconfirmed": _(
        "There is an account of this address that was never confirmed. Confirm it first, or reset its password."
    ),
    "identity_unlinked": _(
        "This service is unlinked from your account. Log in another way and link it again under Security."
    ),
    "provider_unavailable": _("The service does not answer. Please try again in a moment."),
}


@anyone
@never_cache
@require_GET
def start(request: HttpRequest, provider: str) -> HttpResponseBase:
    """On the host where somebody logs in. Another site's link or picture does not start it."""
    from shared_apps.accounts.views import onward

    known = social.configured(provider)
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        return redirect("account:login")
    secret = secrets.token_urlsafe(32)
    request.session[STARTED] = {"secret": secret, "next": onward(request)}
    ticket = {"host": request.get_host(), "browser": social.digest_of(secret), "provider": known.id}
    path = reverse("account:social-go", urlconf=settings.PUBLIC_SCHEMA_URLCONF, args=[known.id])
    target = f"{path}?{urlencode({'ticket': signing.dumps(ticket, salt=_SALT)})}"
    return HttpResponseRedirect(import_string(f"{settings.TENANT_LINKS}.platform_url")(target))


@anyone
@never_cache
@require_GET
def go(request: HttpRequest, provider: str) -> HttpResponseBase:
    """On the platform's host: off to the provider."""
    ticket = _ticket(request.GET.get("ticket", ""), provider)
    if ticket is None:
        return _back_to_login(None, "expired")
    # Each of these asks the provider for its configuration.
    limits.count("code_source", limits.source(visit_of(request).address))
    adapter = social.Adapter(request, social.configured(provider).id)
    known, nonce = adapter.get_provider(), secrets.token_urlsafe(24)
    known.oauth2_adapter_class = social.Adapter
    try:
        answer: HttpResponseBase = known.redirect(
            request, "login", auth_params={"nonce": nonce}, nonce=nonce, ticket=ticket
        )
    except (requests.RequestException, OAuth2Error, ValueError, LookupError, TypeError):
        return _back_to_login(ticket, ProviderDown.code)
    return answer


def _ticket(text: str, provider: str) -> dict[str, str] | None:
    try:
        ticket = signing.loads(text, salt=_SALT, max_age=TICKET_SECONDS)
    except signing.BadSignature:
        return None
    return ticket if ticket["provider"] == provider else None


@anyone
@never_cache
@require_GET
def callback(request: HttpRequest, provider: str) -> HttpResponseBase:
    """On the platform's host: what the provider says. allauth checks state and PKCE and asks us in `arrived`."""
    adapter = social.Adapter(request, social.configured(provider).id)
    try:
        answer: HttpResponseBase = OAuth2CallbackView.adapter_view(adapter)(request)
    except ProviderDown:
        return _back_to_login(None, ProviderDown.code)
    except (DomainError, LookupError, ValueError, TypeError):  # whatever a broken provider's answer leads to
        return _back_to_login(None, "identity_invalid")
    return answer


def arrived(request: HttpRequest, login: Any) -> HttpResponseBase:
    """allauth has fetched the tokens and we have verified them: say whose sign-in it is, and hand over."""
    state: dict[str, Any] = login.state
    ticket, claims = state["ticket"], login.account.extra_data["id_token"]
    identity = None
    try:
        social.check_nonce(claims, state["nonce"])
        facts = {**claims, **login.account.extra_data.get("userinfo", {}), "sub": claims["sub"]}
        identity = social.identity_of(ticket["provider"], facts)
        user = social.person_of(identity)
    except DomainError as error:
        social.note_refused(ticket["provider"], error, identity)
        return _back_to_login(ticket, error.code)
    code = secrets.token_urlsafe(32)
    Arrival.objects.create(
        digest=social.digest_of(code),
        user=user,
        host=ticket["host"],
        browser=ticket["browser"],
        expires_at=timezone.now() + ARRIVAL_LIVES,
    )
    return _to(ticket["host"], f"{reverse('account:social-return')}?{urlencode({'code': code})}")


def refused(request: HttpRequest, state: Any, error: Any, exception: Any) -> HttpResponseBase:
    """allauth found no state, or the provider said no, or nonsense."""
    if not state:
        return _back_to_login(None, "expired")
    if error == AuthError.CANCELLED:
        return _back_to_login(state["ticket"], "cancelled")
    down = isinstance(exception, requests.RequestException)
    return _back_to_login(state["ticket"], ProviderDown.code if down else "identity_invalid")


def _back_to_login(ticket: dict[str, str] | None, word: str) -> HttpResponseBase:
    word = word if word in SENTENCES else "identity_invalid"
    path = f"{settings.LOGIN_URL}?{urlencode({'social': word})}"
    return _to(ticket["host"], path) if ticket else HttpResponseRedirect(path)


def _to(host: str, path: str) -> HttpResponse:
    # The host is one that served the start, as our signature says: no address of anybody else's (B7).
    return HttpResponseRedirect(f"{settings.PLATFORM_SCHEME}://{host}{path}")


@anyone
@never_cache
@require_GET
def come_back(request: HttpRequest) -> HttpResponseBase:
    """On the host where it began: the code and this browser's secret together sign in, or ask for the second factor."""
    limits.count("code_source", limits.source(visit_of(request).address))
    started = request.session.pop(STARTED, None)
    code = request.GET.get("code", "")
    if not started or not code:
        return _back_to_login_here("expired")
    now = timezone.now()
    good = Arrival.objects.filter(
        digest=social.digest_of(code),
        host=request.get_host(),
        browser=social.digest_of(started["secret"]),
        used_at__isnull=True,
        expires_at__gt=now,
    )
    if not good.update(used_at=now):
        return _back_to_login_here("expired")
    user = Arrival.objects.select_related("user").get(digest=social.digest_of(code)).user
    if not user.is_active:
        return _back_to_login_here("identity_invalid")
    return second_step.vouched(request, user, started["next"])


def _back_to_login_here(word: str) -> HttpResponse:
    return HttpResponseRedirect(f"{settings.LOGIN_URL}?{urlencode({'social': word})}")
