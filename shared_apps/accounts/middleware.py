"""request.user on pages, from the sign-in's cookies."""

from typing import Any

from django.conf import settings
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.utils.functional import SimpleLazyObject

from shared_apps.accounts.cookies import access_cookie, clear_cookies, refresh_cookie, set_cookies
from shared_apps.accounts.errors import TokenExpired, TokenRefused, TokenReused
from shared_apps.accounts.models import Session
from shared_apps.accounts.tokens import Pair, exchange, session_of

API = "/api/"


class SignInMiddleware(AuthenticationMiddleware):
    """Finds the person behind a request when somebody asks, and not before.

    Pages renew an expired sign-in by themselves, once. Of requests that do so at the same moment all but one are
    anonymous; the sign-in page sends a person who is signed in by then on to where they wanted to go.
    API calls renew theirs at auth/token/refresh/, where the answer can say so.
    """

    def process_request(self, request: HttpRequest) -> None:
        request.user = SimpleLazyObject(lambda: _user(request))  # type: ignore[assignment]  # looks like a user once it is asked

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        pair: Pair | None = getattr(request, "renewed_sign_in", None)
        if isinstance(getattr(request, "cookie_sign_in", None), Session):
            # A page that knows who looks at it is kept nowhere: not by the browser of a shared desk either (P6).
            response.headers.setdefault("Cache-Control", "no-store, private")
        if settings.ACCESS_COOKIE_NAME in response.cookies:
            return response  # the view signed somebody in or out
        if pair is not None:
            set_cookies(response, pair)
        elif getattr(request, "sign_in_is_over", False):
            clear_cookies(response)
        return response


def cookie_session(request: HttpRequest) -> Session | None:
    """The running session that the request's cookies name, read at most once. Raises TokenRefused for bad ones."""
    answer = getattr(request, "cookie_sign_in", None)
    if answer is None:
        answer = _read(request)
        request.cookie_sign_in = answer  # type: ignore[attr-defined]  # kept with the request that it is about
    if isinstance(answer, TokenRefused):
        raise answer
    return answer or None


def _read(request: HttpRequest) -> Any:
    """Return a session, False where there are no cookies, or the refusal."""
    access = access_cookie(request)
    try:
        if access:
            return session_of(access)
        refusal: TokenRefused = TokenExpired()
    except TokenRefused as error:
        refusal = error
    refresh = refresh_cookie(request)
    if not access and (not refresh or request.path.startswith(API)):
        return False
    if not refresh or not isinstance(refusal, TokenExpired):
        # Nothing can be made of these cookies any more: the answer takes them back, the next request is anonymous.
        request.sign_in_is_over = True  # type: ignore[attr-defined]  # read below, as the response goes out
        return refusal
    if request.path.startswith(API):
        return refusal  # 401 token_expired: the client renews at auth/token/refresh/
    try:
        pair = exchange(refresh)
    except TokenReused as error:
        return error  # another request of this browser has just renewed it, or the session is revoked by now
    except TokenRefused as error:
        request.sign_in_is_over = True  # type: ignore[attr-defined]  # read below, as the response goes out
        return error
    request.renewed_sign_in = pair  # type: ignore[attr-defined]  # read below, as the response goes out
    return pair.session


def _user(request: HttpRequest) -> Any:
    try:
        session = cookie_session(request)
    except TokenRefused:
        session = None
    return session.user if session else AnonymousUser()
