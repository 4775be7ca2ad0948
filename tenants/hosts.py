"""Host names in the one form that they are stored and looked up in."""

import re
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


_LABEL = r"(?!-)[a-z0-9-]{1,63}(?<!-)"
_NAME = re.compile(rf"(?=.{{1,253}}\Z)({_LABEL}\.)+(?![0-9]+\Z){_LABEL}")
# Names that no public DNS knows (RFC 6761, 6762, 7686, 9476), and where addresses are turned round.
_NOWHERE = ("localhost", "local", "internal", "invalid", "onion", "alt", "arpa", "home", "lan", "corp")


def own_domain(text: str) -> str:
    """Return a host that an organizer may claim as its own. Raises ValidationError (`domain_invalid`) for addresses,
    single words, names that public DNS does not know, and whatever is below the platform's own domain."""
    refused = ValidationError(
        _("This is no domain that could be yours. Write a whole name such as tickets.example.org."),
        code="domain_invalid",
    )
    try:
        host = normal(text.strip().removeprefix("https://").removeprefix("http://").removesuffix("/"))
    except ValidationError:
        raise refused from None
    if not _NAME.fullmatch(host) or host.rpartition(".")[2] in _NOWHERE:
        raise refused
    if host in platform_hosts() or is_subdomain(host):
        raise refused
    return host


def is_subdomain(host: str) -> bool:
    """Tell whether a host is below the platform's domain: given by us, and nobody's to prove."""
    return host.endswith(f".{settings.PLATFORM_DOMAIN.lower()}")


def named(request: HttpRequest) -> str | None:
    """Return the normalised host of the Host header, whether it is allowed or not; None if it is none."""
    domain = split_domain_port(request.META.get("HTTP_HOST", ""))[0]
    try:
        return normal(domain) if domain else None
    except ValidationError:
        return None


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
