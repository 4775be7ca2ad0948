"""From the platform's host to a tenant's, signed in on both: for who has just opened that tenant (I6).

    platform     a page of ours                an invitation: signed, for this person, that host and two minutes
    tenant host  /account/arrive/              a secret into this browser's session here; a signed ticket
    platform     /account/hand-over/           is it the person who is signed in here? a code for that host and browser
    tenant host  /account/social/return/       code and secret together sign in, once

Hosts share no cookies. Whoever is sent a link to any one of these gets nowhere: each needs what the step before left
in the same browser, and the first needs our own word that this person was just sent there.
"""

import secrets
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.module_loading import import_string
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from shared_apps.accounts import limits, social
from shared_apps.accounts.models import Arrival
from shared_apps.accounts.views_social import ARRIVAL_LIVES, STARTED
from shared_apps.accounts.visits import visit_of
from shared_apps.core.access import anyone

_INVITATION, _TICKET = "accounts.hand_over.invitation", "accounts.hand_over.ticket"
LIVES = timedelta(minutes=2)


def invitation_path(user: Any, host: str, target: str) -> str:
    """Return the path on the tenant's host that takes this person there, signed in, and on to `target`."""
    word = signing.dumps({"user": user.pk, "host": host, "next": target}, salt=_INVITATION)
    return f"{reverse('account:arrive', urlconf=settings.ROOT_URLCONF)}?{urlencode({'invitation': word})}"


@anyone
@never_cache
@require_GET
def arrive(request: HttpRequest) -> HttpResponseBase:
    """On the tenant's host: who was sent here by us asks the platform's host for a word about themselves."""
    limits.count("code_source", limits.source(visit_of(request).address))
    invited = _read(request.GET.get("invitation", ""), _INVITATION)
    if invited is None or invited["host"] != request.get_host().partition(":")[0]:
        return HttpResponseRedirect(settings.LOGIN_URL)
    if request.user.is_authenticated:
        return HttpResponseRedirect(invited["next"])
    secret = secrets.token_urlsafe(32)
    request.session[STARTED] = {"secret": secret, "next": invited["next"]}
    ticket = {**invited, "host": request.get_host(), "browser": social.digest_of(secret)}
    path = reverse("account:hand-over", urlconf=settings.PUBLIC_SCHEMA_URLCONF)
    target = f"{path}?{urlencode({'ticket': signing.dumps(ticket, salt=_TICKET)})}"
    return HttpResponseRedirect(import_string(f"{settings.TENANT_LINKS}.platform_url")(target))


@anyone
@never_cache
@require_GET
def hand_over(request: HttpRequest) -> HttpResponseBase:
    """On the platform's host: a code for the person who is signed in here, if it is the one who was sent."""
    limits.count("code_source", limits.source(visit_of(request).address))
    ticket = _read(request.GET.get("ticket", ""), _TICKET)
    if ticket is None:
        return HttpResponseRedirect(settings.LOGIN_URL)
    # The host is one that served `arrive`, as our signature says: no address of anybody else's (B7).
    there = f"{settings.PLATFORM_SCHEME}://{ticket['host']}"
    if not request.user.is_authenticated or request.user.pk != ticket["user"]:
        return HttpResponseRedirect(f"{there}{settings.LOGIN_URL}?{urlencode({'next': ticket['next']})}")
    code = secrets.token_urlsafe(32)
    Arrival.objects.create(
        digest=social.digest_of(code),
        user_id=request.user.pk,
        host=ticket["host"],
        browser=ticket["browser"],
        expires_at=timezone.now() + ARRIVAL_LIVES,
    )
    path = reverse("account:social-return", urlconf=settings.ROOT_URLCONF)
    return HttpResponseRedirect(f"{there}{path}?{urlencode({'code': code})}")


def _read(text: str, salt: str) -> dict[str, Any] | None:
    try:
        word: dict[str, Any] = signing.loads(text, salt=salt, max_age=LIVES)
    except signing.BadSignature:
        return None
    return word
