"""Questions to DNS, each with an end. Asked by people or jobs, never inside a transaction (O3)."""

from typing import Any

import dns.exception
import dns.resolver
from django.conf import settings

# What one name may say; the rest is not read.
MOST_RECORDS = 50


class NothingThere(LookupError):
    """The name does not exist, or has no record of this kind. Somebody answered, and that is what they said."""


class NobodyAnswered(Exception):
    """No answer, or none that could be used, in time. It proves nothing, either way."""


def texts(name: str, seconds: float) -> list[str]:
    """Return the TXT records of a name, each as one line. Raises NothingThere and NobodyAnswered."""
    rows = _asked(name, "TXT", seconds)
    found = [b"".join(row.strings).decode("utf-8", "replace") for row in rows]
    return ["".join(c if c.isprintable() else " " for c in text)[:2000] for text in found]


def addresses(name: str, seconds: float) -> list[str]:
    """Return the IPv4 and IPv6 addresses that a name leads to, sorted. Raises NothingThere and NobodyAnswered."""
    found: set[str] = set()
    silent = 0
    for kind in ("A", "AAAA"):
        try:
            found.update(str(row.address) for row in _asked(name, kind, seconds / 2))
        except NothingThere:
            continue
        except NobodyAnswered:
            silent += 1
    if found:
        return sorted(found)
    raise NobodyAnswered(name) if silent else NothingThere(name)


def _asked(name: str, kind: str, seconds: float) -> list[Any]:
    # Aliases are followed by the resolver that is asked.
    try:
        return list(_resolver().resolve(name, kind, lifetime=seconds, search=False))[:MOST_RECORDS]
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        raise NothingThere(name) from None
    except (dns.exception.DNSException, OSError, ValueError):
        raise NobodyAnswered(name) from None


def _resolver() -> dns.resolver.Resolver:
    resolver = dns.resolver.Resolver(configure=not settings.DNS_SERVERS)
    if settings.DNS_SERVERS:
        resolver.nameservers = [each.partition(":")[0] for each in settings.DNS_SERVERS]
        resolver.nameserver_ports = {
            host: int(port) for host, _colon, port in (each.partition(":") for each in settings.DNS_SERVERS) if port
        }
    return resolver
