"""Where a request came from."""

import ipaddress
from functools import lru_cache

from django.conf import settings
from django.http import HttpRequest


def client_address(request: HttpRequest) -> str | None:
    """Return the caller's IP address; None if nobody can say.

    `X-Forwarded-For` counts only where settings.PROXY_HOPS says how many proxies of ours stand in front, and then
    only the entry that the outermost of them wrote: whatever stands before it came from the caller (N1).
    """
    address = request.META.get("REMOTE_ADDR", "")
    hops = getattr(settings, "PROXY_HOPS", 0)
    if hops:
        entries = [entry.strip() for entry in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")]
        if len(entries) >= hops and entries[-hops]:
            address = entries[-hops]
    return _normal(address)


@lru_cache(maxsize=10_000)
def _normal(address: str) -> str | None:
    try:
        return str(ipaddress.ip_address(address))
    except ValueError:
        return None


def network_of(address: str | None) -> str:
    """Return what a limit counts as one source: an IPv4 address, or the /64 that an IPv6 caller commands."""
    if address is None:
        return "unknown"
    parsed = ipaddress.ip_address(address)
    if parsed.version == 4:
        return address
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, 64), strict=False))
