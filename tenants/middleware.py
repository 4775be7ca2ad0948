"""Host -> tenant, missing slashes, language and time zone: what every request passes on its way to a view."""

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import cast
from zoneinfo import ZoneInfo

from django.conf import settings
from django.http import (
    FileResponse,
    HttpRequest,
    HttpResponseBase,
    HttpResponsePermanentRedirect,
    StreamingHttpResponse,
)
from django.http.request import validate_host
from django.urls import is_valid_path
from django.utils import timezone, translation
from django.utils.cache import patch_vary_headers
from django.utils.translation.trans_real import parse_accept_lang_header

from shared_apps.core.errors import DomainError
from tenants import answers, context, hosts, links, lookup, schema_state
from tenants.database import connection
from tenants.errors import HostUnknown, TenantClosing, TenantNotReady, TenantSuspended
from tenants.models import Tenant

GetResponse = Callable[[HttpRequest], HttpResponseBase]

# What a suspended tenant may still do: sign in, pay what is due, take its data along (N6).
_OPEN_WHILE_SUSPENDED = re.compile(
    r"^/((dashboard/)?(billing|exports?)|account|static|api/(v1/)?(auth|billing|exports?))(/|$)"
)
_NOT_SERVING: dict[str, type[DomainError]] = {
    Tenant.Status.SUSPENDED: TenantSuspended,
    Tenant.Status.CLOSING: TenantClosing,
}
_NEVER_A_SLASH = ("/static/", "/media/")


# What programs and files ask for is answered at each of a tenant's hosts: providers' messages follow no redirect.
_EVERYWHERE = re.compile(r"^/(api|static|media|certificates|healthz|readyz)(/|$)")
# Who works here gets in by the subdomain, whatever became of the domain of their own.
_AT_SUBDOMAIN = re.compile(r"^/(dashboard|account|scan|invitations)(/|$)")


class KnownHostMiddleware:
    """Lets a tenant's own domain count as an allowed host (N1).

    ALLOWED_HOSTS names the platform's hosts only; for any other the tenants' table is asked, and a request with a host
    that somebody has proved may name it wherever Django asks. All others are refused as before.
    """

    def __init__(self, get_response: GetResponse):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        host = hosts.named(request)
        # The port that it came in by is the same question; a host of ours costs one comparison.
        if host is not None and not validate_host(host, settings.ALLOWED_HOSTS):
            connection.set_schema_to_public()
            if lookup.by_host(host) is not None:
                written = request.META["HTTP_HOST"]
                request.get_host = lambda: written  # type: ignore[method-assign]  # this request's, no other's
        return self.get_response(request)


class TenantMiddleware:
    """Enters the schema of the tenant that the host leads to, and leaves it whatever happens (N1, N4).

    On a warm process this costs one GET at the shared cache and no SQL.
    """

    def __init__(self, get_response: GetResponse):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        # A thread that died half-way through its last request may have left its connection anywhere.
        connection.set_schema_to_public()
        host = hosts.of_request(request)
        if host in hosts.platform_hosts():
            request.tenant = _platform()  # type: ignore[attr-defined]  # read wherever the request goes
            request.urlconf = settings.PUBLIC_SCHEMA_URLCONF
            return self.get_response(request)
        tenant = lookup.by_host(host) if host else None
        if tenant is None or tenant.status == Tenant.Status.CLOSED:
            return answers.refuse(request, HostUnknown())
        if tenant.status == Tenant.Status.OPENING or schema_state.is_behind(tenant):
            return answers.refuse(request, TenantNotReady())
        if tenant.status in _NOT_SERVING and not _OPEN_WHILE_SUSPENDED.match(request.path_info):
            return answers.refuse(request, _NOT_SERVING[tenant.status]())
        if host is not None and _is_elsewhere(request, tenant, host):
            # Not kept by browsers: who goes back to an earlier name must not send them round in a circle.
            target = links.url(tenant, request.get_full_path())
            return HttpResponsePermanentRedirect(target, preserve_request=True, headers={"Cache-Control": "no-store"})
        request.tenant = tenant  # type: ignore[attr-defined]  # read wherever the request goes
        return self._inside(request, tenant)

    def _inside(self, request: HttpRequest, tenant: Tenant) -> HttpResponseBase:
        connection.set_tenant(tenant)
        try:
            response = self.get_response(request)
        finally:
            connection.set_schema_to_public()
        _produce_within(response, partial(context.entered, tenant))
        return response


class SlashMiddleware:
    """Sends a path that lacks only its slash to the one with it, by 308: method, body and query stay the same."""

    def __init__(self, get_response: GetResponse):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        path = request.path_info
        if not path.endswith("/") and not path.startswith(_NEVER_A_SLASH):
            urlconf = getattr(request, "urlconf", None)
            if not is_valid_path(path, urlconf) and is_valid_path(f"{path}/", urlconf):
                # get_full_path escapes a leading "//", which a browser would take for another host.
                target = request.get_full_path(force_append_slash=True)
                return HttpResponsePermanentRedirect(target, preserve_request=True)
        return self.get_response(request)


class LocaleMiddleware:
    """Sets language and time zone for the request.

    Language: `?lang=` (kept in a cookie), the cookie, the signed-in person's, the browser's if offered, the tenant's.
    Time zone: the person's or the tenant's.
    """

    def __init__(self, get_response: GetResponse):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        chosen = _offered(request.GET.get("lang"))
        person = _person(request)
        tenants = request.tenant.language  # type: ignore[attr-defined]  # TenantMiddleware sets it
        language = chosen or language_of(request, tenants, getattr(person, "language", None))
        zone = getattr(person, "timezone", "") or request.tenant.timezone  # type: ignore[attr-defined]  # TenantMiddleware sets it
        request.LANGUAGE_CODE = language
        with _localised(language, zone):
            response = self.get_response(request)
        _produce_within(response, partial(_localised, language, zone))
        response.headers.setdefault("Content-Language", language)
        patch_vary_headers(response, ("Accept-Language", "Cookie"))
        if chosen:
            response.set_cookie(
                settings.LANGUAGE_COOKIE_NAME,
                chosen,
                max_age=365 * 24 * 3600,
                secure=settings.LANGUAGE_COOKIE_SECURE,
                httponly=settings.LANGUAGE_COOKIE_HTTPONLY,
                samesite="Lax",
            )
        return response


def language_of(request: HttpRequest, tenants: str, persons: str | None = None) -> str:
    """Return the language to answer in where the address names none; `tenants` is the tenant's, `persons` one's own."""
    return (
        _offered(request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME))
        or _offered(persons)
        or _browsers(request)
        or _offered(tenants)
        or settings.LANGUAGE_CODE
    )


def _is_elsewhere(request: HttpRequest, tenant: Tenant, host: str) -> bool:
    """Whether a page that is asked for at this host is at home at another: the primary one.

    What was sent is taken where it came to: its form was made there. Then it is the next page that leads on.
    """
    primary = tenant.__dict__.get("primary_host")
    if primary is None or primary == host or request.method not in ("GET", "HEAD"):
        return False
    if _EVERYWHERE.match(request.path_info):
        return False
    at_subdomain = host == f"{tenant.slug}.{settings.PLATFORM_DOMAIN}"
    return not (at_subdomain and _AT_SUBDOMAIN.match(request.path_info))


def _platform() -> Tenant:
    """The stand-in for the platform's own site; never saved."""
    return Tenant(schema_name="public", name="Foyer", status=Tenant.Status.OPEN)


def _offered(language: str | None) -> str | None:
    if not language:
        return None
    try:
        return translation.get_supported_language_variant(language)
    except LookupError:
        return None


def _browsers(request: HttpRequest) -> str | None:
    for language, _quality in parse_accept_lang_header(request.headers.get("Accept-Language", "")):
        if offered := _offered(language):
            return offered
    return None


def _person(request: HttpRequest) -> object | None:
    """The signed-in person, asked for only where a cookie says that there may be one: API keys cost no SQL here."""
    if not {settings.ACCESS_COOKIE_NAME, settings.REFRESH_COOKIE_NAME} & request.COOKIES.keys():
        return None
    person = getattr(request, "user", None)
    return person if person is not None and person.is_authenticated else None


@contextmanager
def _localised(language: str, zone: str) -> Iterator[None]:
    with translation.override(language), timezone.override(ZoneInfo(zone)):
        yield


def _produce_within(response: HttpResponseBase, enter: Callable[[], AbstractContextManager[object]]) -> None:
    """Let a streamed body be produced inside the context: it is, after the middleware has returned (N4)."""
    if not isinstance(response, StreamingHttpResponse):
        return
    if isinstance(response, FileResponse) and response.file_to_stream is not None:
        return  # bytes of an open file; the server may send it without us
    response.streaming_content = _each_within(cast("Iterable[bytes]", response.streaming_content), enter)


def _each_within(parts: Iterable[bytes], enter: Callable[[], AbstractContextManager[object]]) -> Iterator[bytes]:
    """Each part is made inside; between two parts the thread may serve others."""
    source = iter(parts)
    try:
        while True:
            with enter():
                try:
                    part = next(source)
                except StopIteration:
                    return
            yield part
    finally:
        close = getattr(source, "close", None)
        if close is not None:
            with enter():
                close()
