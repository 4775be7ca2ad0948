"""Conditional reads: who has the answer already is told so, before it is made where that can be known (RFC 9110, 13).

An ETag is `"<version>.<digest of the body>"`. If the version that a view can tell cheaply is the one that the
client names, the view does not run at all; if not, but the body comes out the same, the body is not sent.
"""

import hashlib
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.db import connection
from django.http import HttpResponse, HttpResponseNotModified
from django.utils.cache import patch_vary_headers
from django.utils.translation import get_language

VERSIONLESS = "0"


def etagged(version: Callable[..., Any] | None = None) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Answer `If-None-Match` on a view's GET method.

    `version(view, request, *args, **kwargs)` returns something that changes whenever the answer does (a time of
    change, a counter; several in a tuple), read with less work than the answer needs, or None if it cannot tell.
    Tenant, address, query, language and caller are part of the tag by themselves.
    """

    def decorate(method: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(method)
        def run(view: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
            if request.method not in ("GET", "HEAD"):
                return method(view, request, *args, **kwargs)
            state = None if version is None else version(view, request, *args, **kwargs)
            own = VERSIONLESS if state is None else _hash(repr((*_surroundings(request), state)))
            known = named(request)
            if own != VERSIONLESS and (same := next((tag for tag in known if tag.startswith(f"{own}.")), None)):
                return _not_modified(request, same)
            response = method(view, request, *args, **kwargs)
            if response.status_code != 200:
                return response
            _describe(request, response)
            if not hasattr(response, "add_post_render_callback"):  # a file, whose bytes are there already
                return _finish(request, response, own, known) or response
            response.add_post_render_callback(lambda made: _finish(request, made, own, known))
            return response

        return run

    return decorate


def _surroundings(request: Any) -> tuple[Any, ...]:
    person = request.user.identity if request.user.is_authenticated else None
    return (
        getattr(connection, "schema_name", "public"),
        request.get_host(),
        request.get_full_path(),
        get_language(),
        person,
    )


def named(request: Any) -> list[str]:
    """Return the opaque parts of the tags in If-None-Match. Weak ones compare alike here (RFC 9110, 13.1.2)."""
    # Not `request.headers`, which keeps what it was first asked for: `api.kept` takes the header off the request.
    given = request.META.get("HTTP_IF_NONE_MATCH", "")[:2000]
    return [tag.strip().removeprefix("W/").strip('"') for tag in given.split(",") if tag.strip()]


def _finish(request: Any, response: Any, own: str, known: list[str]) -> HttpResponse | None:
    body = _hash(response.content)
    tag = f"{own}.{body}"
    if any(each == "*" or each.rpartition(".")[2] == body for each in known):
        return _not_modified(request, tag)
    response["ETag"] = f'"{tag}"'
    return None


def _not_modified(request: Any, tag: str) -> HttpResponse:
    response = HttpResponseNotModified(headers={"ETag": f'"{tag}"'})
    _describe(request, response)
    return response


def _describe(request: Any, response: Any) -> None:
    """Let caches keep the answer, and ask each time whether it still holds."""
    response["Cache-Control"] = "private, no-cache" if request.user.is_authenticated else "public, no-cache"
    patch_vary_headers(response, ["Accept-Language", "Authorization", "Cookie"])


def _hash(value: str | bytes) -> str:
    raw = value if isinstance(value, bytes) else value.encode()
    return hashlib.blake2b(raw, digest_size=12).hexdigest()
