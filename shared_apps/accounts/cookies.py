"""The cookies of a sign-in: host-only, not for scripts, gone with the session (I6)."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

from shared_apps.accounts.tokens import AccessToken, Pair, RefreshToken


def set_cookies(response: HttpResponseBase, pair: Pair) -> None:
    """Give the browser a pair. Both live as long as the refresh token, which renews the other one."""
    _set(response, settings.ACCESS_COOKIE_NAME, str(pair.access))
    _set(response, settings.REFRESH_COOKIE_NAME, str(pair.refresh))
    response.headers["Cache-Control"] = "no-store"


def clear_cookies(response: HttpResponseBase) -> None:
    """Take them back. A browser takes back only what is named with the same attributes."""
    for name in (settings.ACCESS_COOKIE_NAME, settings.REFRESH_COOKIE_NAME):
        _set(response, name, "", max_age=0)


def _set(response: HttpResponseBase, name: str, value: str, **options: Any) -> None:
    options.setdefault("max_age", int(RefreshToken.lifetime.total_seconds()))
    secure = settings.SESSION_COOKIE_SECURE
    response.set_cookie(name, value, path="/", secure=secure, httponly=True, samesite="Lax", **options)


def access_cookie(request: HttpRequest) -> str:
    return request.COOKIES.get(settings.ACCESS_COOKIE_NAME, "")


def refresh_cookie(request: HttpRequest) -> str:
    return request.COOKIES.get(settings.REFRESH_COOKIE_NAME, "")


__all__ = ["AccessToken", "access_cookie", "clear_cookies", "refresh_cookie", "set_cookies"]
