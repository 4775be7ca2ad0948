"""What the services need to know of a request."""

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponseBase

from shared_apps.accounts.errors import TokenRefused
from shared_apps.accounts.middleware import cookie_session
from shared_apps.accounts.models import Session, User, small_letters
from shared_apps.accounts.services import Visit
from shared_apps.accounts.tokens import session_of
from shared_apps.core.addresses import client_address
from shared_apps.core.codes import unguessable_secret
from shared_apps.core.schemas import present_schema

# A browser that somebody once signed in with keeps a count of wrong tries of its own, so that a stranger who
# guesses at the same account never locks its owner out (I8). It signs nobody in.
DEVICE_LIVES = 365 * 24 * 3600
_SALT = "accounts.device"


def bearer_of(request: HttpRequest) -> str | None:
    """Return the token of `Authorization: Bearer …`, None where there is no such header."""
    scheme, _space, token = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def current_session(request: HttpRequest) -> Session | None:
    """Return the running session that a request carries in either way; None for none and for a bad one."""
    bearer = bearer_of(request)
    try:
        return session_of(bearer) if bearer is not None else cookie_session(request)
    except TokenRefused:
        return None


def visit_of(request: HttpRequest, email: str = "") -> Visit:
    """Describe the request, and for a sign-in as `email` also what speaks for its sender."""
    session = current_session(request) if email else None
    return Visit(
        address=client_address(request),
        user_agent=request.META.get("HTTP_USER_AGENT", ""),
        schema_name=present_schema(),
        user_id=session.user_id if session else None,
        device=_device(request, email) if email else "",
    )


def device_cookie() -> str:
    return "__Host-device" if settings.SESSION_COOKIE_SECURE else "device"


def _device(request: HttpRequest, email: str) -> str:
    try:
        known = signing.loads(request.COOKIES.get(device_cookie(), ""), salt=_SALT, max_age=DEVICE_LIVES)
        return str(known[1]) if known[0] == small_letters(email) else ""
    except (signing.BadSignature, ValueError, TypeError, LookupError):
        return ""


def remember_device(request: HttpRequest, response: HttpResponseBase, user: User) -> None:
    """Note in the browser that this person signed in here once."""
    if _device(request, user.email):
        return
    response.set_cookie(
        device_cookie(),
        signing.dumps([user.email, unguessable_secret()], salt=_SALT),
        max_age=DEVICE_LIVES,
        path="/",
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
