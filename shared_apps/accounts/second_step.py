"""The second page of logging in: who has proved the first half waits in this browser's session for the code."""

import time
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.middleware.csrf import rotate_token
from django.shortcuts import redirect

from shared_apps.accounts import services
from shared_apps.accounts.cookies import set_cookies
from shared_apps.accounts.errors import OtpRequired
from shared_apps.accounts.models import User
from shared_apps.accounts.tokens import Pair
from shared_apps.accounts.visits import remember_device, visit_of

WAITING = "accounts.second_step"
LIVES_SECONDS = 600


def signed_in(request: HttpRequest, pair: Pair, target: str) -> HttpResponse:
    """The answer of a page that signs somebody in."""
    request.session.pop(WAITING, None)
    rotate_token(request)
    response = redirect(target)
    set_cookies(response, pair)
    remember_device(request, response, pair.session.user)
    return response


def vouched(request: HttpRequest, user: User, target: str) -> HttpResponseBase:
    """Sign in whom a provider vouched for, or ask for the code first."""
    try:
        pair = services.sign_in_vouched(user, visit=visit_of(request, user.email))
    except OtpRequired:
        return wait(request, user, target)
    return signed_in(request, pair, target)


def wait(request: HttpRequest, user: User, target: str) -> HttpResponse:
    """Note the proved first half and lead to the code's page. A changed password or a logout everywhere voids it."""
    request.session[WAITING] = {"user": user.pk, "version": user.token_version, "next": target, "at": int(time.time())}
    return redirect("account:second-step")


def who_waits(request: HttpRequest) -> tuple[User, str] | None:
    """Return the person and where to go afterwards; None where nobody waits, or not any more."""
    waiting: dict[str, Any] | None = request.session.get(WAITING)
    if not waiting or time.time() - waiting["at"] > LIVES_SECONDS:
        return None
    user = User.objects.filter(pk=waiting["user"], token_version=waiting["version"], is_active=True).first()
    return (user, waiting["next"]) if user is not None else None
