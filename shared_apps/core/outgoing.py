"""Calls to addresses that people gave us (B7): https on port 443, to public machines, with no detour and an end.

The name is resolved once and the address that is connected to is the one that was looked at: a name that answers
differently the second time (DNS rebinding) gains nothing. One deadline holds for all of it, so that a server that
sends a byte now and then costs no more than one that is silent. Nothing is followed, and little is read.
"""

import http.client
import io
import ipaddress
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, urlsplit

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from shared_apps.core.errors import InvalidInput

SECONDS = 5.0
MOST_BYTES = 64 * 1024
LONGEST_ADDRESS = 2000
# What stands for an IPv4 address in IPv6 (RFC 6052, RFC 3056): behind it may be a private one.
_TRANSLATED = (ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("64:ff9b:1::/48"))


class AddressRefused(InvalidInput):
    code = "address_refused"
    message = _("This address cannot be used: it must begin with https:// and lead to a public server.")


class NoAnswer(Exception):
    """Nobody answered in time, or what came was no answer. Its words are for logs: they tell nothing of the inside."""


@dataclass(frozen=True)
class Answer:
    """What came back: at most 64 KB of it, for telling apart and for logs, never for showing."""

    status: int
    body: bytes
    headers: Mapping[str, str]

    @property
    def retry_after(self) -> int | None:
        """In how many seconds the server wants to be asked again, if it says so in seconds."""
        text = self.headers.get("retry-after", "")
        return min(int(text), 24 * 3600) if text.isascii() and text.isdigit() and len(text) < 10 else None


def check_address(address: str) -> str:
    """Return the address if it may be kept. Raises AddressRefused.

    Where its name leads to is asked anew at each call; a form need not wait for that.
    """
    _parts_of(address)
    return address


def post(
    address: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    seconds: float = SECONDS,
    most: int = MOST_BYTES,
    of_deployment: bool = False,
) -> Answer:
    """Send the body and return the answer, whatever its status; redirects are answers like others.

    `of_deployment`: the address is one of the settings' (P4), which may lead wherever the operator wants. Never inside
    a transaction (O3). Raises AddressRefused, NoAnswer.
    """
    parts = urlsplit(address) if of_deployment else _parts_of(address)
    until = time.monotonic() + seconds
    host, port = str(parts.hostname), parts.port or (443 if parts.scheme == "https" else 80)
    connection = http.client.HTTPConnection(host, port)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM) if of_deployment else public_addresses(host, port)
        plain = _connect(found, until)
        try:
            connection.sock = _Bounded(_secured(plain, host, until) if parts.scheme == "https" else plain, until)  # type: ignore[assignment]  # has what http.client asks of a socket
            connection.request("POST", target, body=body, headers={"Accept-Encoding": "identity", **headers})
            with connection.getresponse() as response:
                read = response.read(most)
                return Answer(response.status, read, {name.lower(): value for name, value in response.getheaders()})
        finally:
            connection.close()
            plain.close()
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise NoAnswer(type(error).__name__) from None


def public_addresses(host: str, port: int) -> list[Any]:
    """Return where a name leads to, as `socket.getaddrinfo` gives it, if all of it is public; for calls that are no
    HTTP. Connect to one of these, not to the name again. Raises AddressRefused, OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    if not found:
        raise AddressRefused
    if not _is_own(host, port) and not all(_is_public(ipaddress.ip_address(_bare(each[4]))) for each in found):
        raise AddressRefused
    return list(found)


def _bare(place: Any) -> str:
    """The IP address of a socket's address, without an IPv6 zone."""
    return str(place[0]).partition("%")[0]


def _parts_of(address: str) -> SplitResult:
    """The parts of an address that may be called."""
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        raise AddressRefused from None
    host = parts.hostname or ""
    if len(address) > LONGEST_ADDRESS or not address.isascii() or not address.isprintable() or " " in address:
        raise AddressRefused
    if not host or parts.username is not None or parts.password is not None or parts.fragment or "%" in host:
        raise AddressRefused
    if _is_own(host, port):
        return parts
    if parts.scheme != "https" or port not in (None, 443):
        raise AddressRefused
    literal = _literal(host)
    if literal is not None and not _is_public(literal):
        raise AddressRefused
    # A name without a dot is one of this network's; those ending so are nobody's (RFC 6761, RFC 6762).
    if literal is None and ("." not in host.rstrip(".") or host.rstrip(".").endswith((".localhost", ".local", ".internal"))):
        raise AddressRefused
    return parts


def _is_own(host: str, port: int | None) -> bool:
    """Whether a test or development server is meant that the settings name; production has none (P4)."""
    return settings.DEVELOPMENT and f"{host}:{port}" in settings.OUTGOING_OWN_SERVERS


def _literal(host: str) -> Any:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _is_public(address: Any) -> bool:
    """Whether an IP address is one of the public Internet's, also where it stands for another."""
    inner = getattr(address, "ipv4_mapped", None) or getattr(address, "sixtofour", None)
    if inner is not None:
        return _is_public(inner)
    if address.version == 6 and any(address in network for network in _TRANSLATED):
        return _is_public(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    if getattr(address, "teredo", None) is not None:
        return False
    return bool(address.is_global) and not address.is_multicast and not address.is_reserved


def _connect(found: list[Any], until: float) -> socket.socket:
    """Connect to the first of a host's addresses that answers; they were looked at before."""
    failure: OSError = TimeoutError()
    for family, kind, protocol, _name, place in found[:3]:
        made = socket.socket(family, kind, protocol)
        try:
            made.settimeout(_left(until))
            made.connect(place)
        except OSError as error:
            made.close()
            failure = error
        else:
            return made
    raise failure


def _secured(plain: socket.socket, host: str, until: float) -> ssl.SSLSocket:
    plain.settimeout(_left(until))
    return ssl.create_default_context().wrap_socket(plain, server_hostname=host)


def _left(until: float) -> float:
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


class _Bounded:
    """A socket of which every read and write ends with one deadline. It has what http.client asks of one."""

    def __init__(self, made: socket.socket, until: float):
        self._made, self._until = made, until

    def sendall(self, content: Any) -> None:
        self._made.settimeout(_left(self._until))
        self._made.sendall(content)

    def makefile(self, mode: str, *unused: Any, **options: Any) -> io.BufferedReader:
        return io.BufferedReader(_Reader(self._made, self._until))

    def close(self) -> None:
        self._made.close()


class _Reader(io.RawIOBase):
    """Reads from a socket until the deadline. Closing it leaves the socket to its owner."""

    def __init__(self, made: socket.socket, until: float):
        self._made, self._until = made, until

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._made.settimeout(_left(self._until))
        return self._made.recv_into(buffer)
