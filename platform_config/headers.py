"""Security headers on every answer (P6): pages, JSON, files, refusals before any view, and faults.

It stands outermost. Whoever makes an answer may say something else; here is what holds where nobody did. The policy
for pages, with its nonces, is django-csp's; what is no page gets one under which a browser runs nothing.
"""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

NOTHING_RUNS = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
DEFAULTS = {
    "Content-Security-Policy": NOTHING_RUNS,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    # The door's camera, and "near me", which asks after a click; everything else is asked by nobody here.
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=(self), payment=(), usb=(), browsing-topics=()",
}


class SecurityHeadersMiddleware:
    """Adds what is missing, and keeps what one person was shown out of every cache."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        for name, value in DEFAULTS.items():
            response.headers.setdefault(name, value)
        if "Cache-Control" not in response.headers and _is_private(request, response):
            response.headers["Cache-Control"] = "private, no-store"
        return response


def _is_private(request: HttpRequest, response: HttpResponseBase) -> bool:
    """Made for somebody who is signed in, or carrying a cookie."""
    signs_in = {settings.ACCESS_COOKIE_NAME, settings.REFRESH_COOKIE_NAME, settings.SESSION_COOKIE_NAME}
    return bool(signs_in & request.COOKIES.keys()) or bool(response.cookies)
