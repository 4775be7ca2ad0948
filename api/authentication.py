"""Who calls: a person with a bearer token, a browser with the cookies of a page, a program with a key (I5, I6)."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import CsrfViewMiddleware
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.request import Request

from shared_apps.accounts.errors import OriginRefused, TokenRefused
from shared_apps.accounts.middleware import cookie_session
from shared_apps.accounts.models import Session, User
from shared_apps.accounts.tokens import session_of
from shared_apps.accounts.visits import bearer_of
from shared_apps.core.errors import DomainError
from tenant_apps.staff.actors import KeyActor
from tenant_apps.staff.errors import KeyRefused
from tenant_apps.staff.keys import key_of
from tenant_apps.staff.models import ApiKey


def _unsigned(error: DomainError) -> AuthenticationFailed:
    return AuthenticationFailed(str(error), code=error.code)


class BearerAuthentication(BaseAuthentication):
    """`Authorization: Bearer <access token>`. `request.auth` is the Session."""

    def authenticate(self, request: Request) -> tuple[User, Session] | None:
        token = bearer_of(request._request)
        if token is None:
            return None
        try:
            session = session_of(token)
        except TokenRefused as error:
            raise _unsigned(error) from None
        return session.user, session

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="api"'


class TokenAuthentication(BaseAuthentication):
    """`Authorization: Token <key>` of this very tenant. `request.user` is a KeyActor, `request.auth` the ApiKey."""

    def authenticate(self, request: Request) -> tuple[KeyActor, ApiKey] | None:
        scheme, _space, text = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
        if scheme.lower() != "token":
            return None
        try:
            key = key_of(text.strip())
        except KeyRefused as error:
            # Whose key it was, for the trail: only who holds the whole of it comes so far.
            request._request.refused_key = error.facts.get("key")  # type: ignore[attr-defined]  # read by api.refusals
            raise _unsigned(error) from None
        return KeyActor(key), key

    def authenticate_header(self, request: Request) -> str:
        return 'Token realm="api"'


class CookieAuthentication(BaseAuthentication):
    """The sign-in's cookies. What changes something needs the CSRF token and this very origin."""

    def authenticate(self, request: Request) -> tuple[User, Session] | None:
        try:
            session = cookie_session(request._request)
        except TokenRefused as error:
            raise _unsigned(error) from None
        if session is None:
            return None
        enforce_csrf(request._request)
        return session.user, session

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="api"'


class _CsrfCheck(CsrfViewMiddleware):
    def _reject(self, request: HttpRequest, reason: str) -> Any:
        return reason


def enforce_csrf(request: HttpRequest) -> None:
    """Refuse an unsafe request that a page of another origin could have sent, sibling tenants included (I6)."""
    check = _CsrfCheck(lambda request: HttpResponse())
    check.process_request(request)
    reason = check.process_view(request, None, (), {})  # type: ignore[arg-type]  # Django only passes the view on
    if reason:
        raise PermissionDenied(str(reason), code="csrf_failed")


def enforce_origin(request: HttpRequest) -> None:
    """Refuse a request that a browser sent for a page of another origin. Programs send no Origin and pass."""
    origin = request.META.get("HTTP_ORIGIN")
    if origin is not None and origin != f"{request.scheme}://{request.get_host()}":
        raise OriginRefused
