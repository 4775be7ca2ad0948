"""Host names in the one form that they are stored and looked up in."""

from functools import lru_cache

from django.conf import settings
from django.core.exceptions import DisallowedHost, ValidationError
from django.http import HttpRequest
from django.http.request import split_domain_port
from django.utils.translation import gettext_lazy as _


def normal(host: str) -> str:
    """Return a host without trailing dot, in small letters, as IDNA A-labels. Raises ValidationError if it is none."""
    host = host.strip().rstrip(".").lower()
    try:
        host = host.encode("idna").decode("ascii") if not host.isascii() else host
    except UnicodeError:
        raise ValidationError(_("This is no host name."), code="host_invalid") from None
    if not host or len(host) > 253:
        raise ValidationError(_("This is no host name."), code="host_invalid")
    return host


def of_request(request: HttpRequest) -> str | None:
    """Return the normalised host that the request names, without its port; None if it names none we could know.

    Forwarded headers do not count (N1): Django reads them only under USE_X_FORWARDED_HOST, which stays off.
    """
    try:
        return normal(split_domain_port(request.get_host())[0])
    except (DisallowedHost, ValidationError):
        return None


@lru_cache(maxsize=8)
def _platform_hosts(domain: str, development: bool) -> frozenset[str]:
    own = {domain.lower(), f"www.{domain.lower()}"}
    return frozenset(own | {"localhost", "127.0.0.1", "[::1]"} if development else own)


def platform_hosts() -> frozenset[str]:
    """The hosts of the platform's own site."""
    return _platform_hosts(settings.PLATFORM_DOMAIN, settings.DEVELOPMENT)
