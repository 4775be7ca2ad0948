"""Absolute addresses, always by the stored primary host, never by what a request said its host was (N1)."""

from django.conf import settings

from tenants import lookup
from tenants.models import Tenant


def url(tenant: Tenant, path: str = "/") -> str:
    """Return the absolute address of a path on the tenant's site."""
    return _absolute(lookup.primary_host(tenant), path)


def platform_url(path: str = "/") -> str:
    """Return the absolute address of a path on the platform's own site."""
    return _absolute(settings.PLATFORM_DOMAIN, path)


def any_subdomain() -> str:
    """Return the source that stands for all tenants' subdomains in a Content-Security-Policy."""
    return _absolute(f"*.{settings.PLATFORM_DOMAIN}", "/").rstrip("/")


def _absolute(host: str, path: str) -> str:
    if not path.startswith("/"):
        raise ValueError(f"A path starts with a slash: {path!r}.")
    return f"{settings.PLATFORM_SCHEME}://{host}{settings.PLATFORM_PORT}{path}"
