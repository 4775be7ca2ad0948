"""Calls to addresses that people gave us (B7): https on port 443, to public machines, with no detour and an end.

The name is resolved once, each of its addresses is judged, and one of those is connected to: a name that answers
differently the second time (DNS rebinding) gains nothing. One deadline holds for all of it, the look-up too, so that
a server that sends a byte now and then costs no more than one that is silent. Nothing is followed, little is read.

`OUTGOING_OWN_SERVERS` names servers ("127.0.0.1:8099", "localhost:*") that development and tests may reach all the
same, without TLS too; production refuses to start with it (P4). Nothing here touches the database.
"""

import functools
import http.client
import io
import ipaddress
import re
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, urlsplit, urlunsplit

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from shared_apps.core.errors import InvalidInput

SECONDS = 5.0
MOST_BYTES = 64 * 1024
MOST_OF_HEADERS = 16 * 1024
MOST_ADDRESSES = 3
LONGEST_ADDRESS = 2000
# What `is_global` lets through, in some version of Python or in all, and what leads elsewhere than it says: IPv4
# within IPv6 (mapped, compatible, translated, 6to4, Teredo), addresses for documentation, sites and relays.
_CLOSED = tuple(
    ipaddress.ip_network(text)
    for text in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
        "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
        "224.0.0.0/3", "::/96", "::ffff:0:0/96", "::ffff:0:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64",
        "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16", "fc00::/7", "fe80::/9", "ff00::/8",
    )
)  # fmt: skip
# Names that stay in the house or are nobody's (RFC 6761, RFC 6762, RFC 8375).
_AT_HOME = frozenset(
    {"localhost", "local", "internal", "localdomain", "home", "lan", "intranet", "invalid", "test", "arpa"}
)
_NAME = re.compile(r"(?=.{1,253}\Z)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class AddressRefused(InvalidInput):
    code = "address_refused"
    message = _("This address cannot be used: it must begin with https:// and lead to a public server.")


class NoAnswer(Exception):
    """Nobody answered in time, or what came was no answer. Its words are for logs: they tell nothing of the inside.

    `why` is "timeout", "no_such_name", "unreachable", "tls" or "bad_reply"; `status` is the answer's if it came so far.
    """

    def __init__(self, why: str, status: int | None = None):
        super().__init__(why)
        self.why, self.status = why, status


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
    """Return the address as it may be kept: its host in small ASCII letters, without a port that goes without saying.

    Raises AddressRefused. Where a name leads to is asked anew at each call; a form need not wait for that.
    """
    parts = _parts_of(address.strip())
    host, port = str(parts.hostname), parts.port
    shown = f"[{host}]" if ":" in host else host
    usual = 443 if parts.scheme == "https" else 80
    netloc = shown if port in (None, usual) else f"{shown}:{port}"
    return urlunsplit((parts.scheme, netloc, parts.path or "/", parts.query, ""))


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
    until = time.monotonic() + seconds
    parts = urlsplit(address) if of_deployment else _parts_of(address)
    secure = parts.scheme == "https"
    host, port = str(parts.hostname), parts.port or (443 if secure else 80)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    status: int | None = None
    try:
        found = _resolved(host, port, until) if of_deployment else public_addresses(host, port, until=until)
        made = _connect(found, until, anywhere=of_deployment or _is_own(host, port))
        try:
            made = _secured(made, host, until) if secure else made
            connection = http.client.HTTPConnection(host, port)
            connection.auto_open = 0
            connection.sock = _Bounded(made, until, most)  # type: ignore[assignment]  # has what http.client asks of a socket
            usual = {"Host": _host_header(host, port, secure), "Accept-Encoding": "identity", "Connection": "close"}
            connection.request("POST", target, body=body, headers={**usual, **headers})
            response = connection.getresponse()
            status = response.status
            return Answer(status, _read(response, most), {key.lower(): value for key, value in response.getheaders()})
        finally:
            made.close()
    except NoAnswer:
        raise
    except TimeoutError:
        raise NoAnswer("timeout", status) from None
    except ssl.SSLError:
        raise NoAnswer("tls", status) from None
    except (OSError, http.client.HTTPException, ValueError):
        raise NoAnswer("bad_reply", status) from None


def public_addresses(host: str, port: int, *, until: float | None = None) -> list[Any]:
    """Return where a name leads to, as `socket.getaddrinfo` gives it, if all of it is public; for calls that are no
    HTTP too. Connect to one of these, not to the name again. `until` is a time of `time.monotonic`.

    Raises AddressRefused, also where only one of its addresses is not public; NoAnswer.
    """
    found = _resolved(host, port, time.monotonic() + SECONDS if until is None else until)
    if not _is_own(host, port) and not all(_is_public(_bare(each[4])) for each in found):
        raise AddressRefused
    return found


def _resolved(host: str, port: int, until: float) -> list[Any]:
    """Ask the resolver, which knows no deadline, in a thread that is left to itself if it is late: it touches nothing
    but its own list, and ends with the resolver's own patience."""
    found: list[Any] = []

    def ask() -> None:
        try:
            found.extend(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError):
            """Nobody of that name."""

    thread = threading.Thread(target=ask, daemon=True, name="resolver")
    thread.start()
    thread.join(max(0.0, until - time.monotonic()))
    if thread.is_alive():
        raise NoAnswer("timeout")
    if not found:
        raise NoAnswer("no_such_name")
    return found


def _bare(place: Any) -> Address:
    """The IP address of a socket's address, without an IPv6 zone."""
    return ipaddress.ip_address(str(place[0]).partition("%")[0])


def _parts_of(address: str) -> SplitResult:
    """The parts of an address that may be called, its host in small ASCII letters."""
    try:
        parts = urlsplit(address)
        port = parts.port
        host = parts.hostname or ""
        host = host if ":" in host else host.rstrip(".").encode("idna").decode("ascii").lower()
    except ValueError:  # UnicodeError is one
        raise AddressRefused from None
    tail = parts.path + parts.query
    if len(address) > LONGEST_ADDRESS or not tail.isascii() or not tail.isprintable() or " " in address:
        raise AddressRefused
    if not host or "@" in parts.netloc or "\\" in address or parts.fragment or "%" in host:
        raise AddressRefused
    shown = f"[{host}]" if ":" in host else host
    parts = parts._replace(netloc=shown if port is None else f"{shown}:{port}")
    if parts.scheme in ("http", "https") and _is_own(host, port or (443 if parts.scheme == "https" else 80)):
        return parts
    if parts.scheme != "https" or port not in (None, 443):
        raise AddressRefused
    literal = _literal(host)
    if literal is not None and not _is_public(literal):
        raise AddressRefused
    if literal is None and not (_NAME.fullmatch(host) and host.rpartition(".")[2] not in _AT_HOME):
        raise AddressRefused
    return parts


def _is_own(host: str, port: int) -> bool:
    """Whether a test or development server is meant that the settings name; production has none (P4)."""
    return settings.DEVELOPMENT and not {f"{host}:{port}", f"{host}:*"}.isdisjoint(settings.OUTGOING_OWN_SERVERS)


def _literal(host: str) -> Address | None:
    """The address that a host is, written in any of the ways that resolvers read: 127.1, 0x7f000001, 2130706433."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        pass
    try:
        return ipaddress.IPv4Address(socket.inet_aton(host)) if re.fullmatch(r"[0-9a-fx.]+", host) else None
    except OSError:
        return None


def _is_public(address: Address) -> bool:
    """Whether an IP address is one of the public Internet's, and stands for no other."""
    if not address.is_global or address.is_multicast or address.is_reserved or address.is_unspecified:
        return False
    return not any(address in network for network in _CLOSED if network.version == address.version)


def _connect(found: list[Any], until: float, *, anywhere: bool) -> socket.socket:
    """Connect to the first of a host's addresses that answers; they were judged before."""
    for family, kind, protocol, _name, place in found[:MOST_ADDRESSES]:
        made = socket.socket(family, kind, protocol)
        try:
            made.settimeout(_left(until))
            made.connect(place)
            # What we are connected to is what counts.
            if not anywhere and not _is_public(_bare(made.getpeername())):
                raise AddressRefused
        except TimeoutError:
            made.close()
            raise
        except OSError:
            made.close()
        except BaseException:
            made.close()
            raise
        else:
            return made
    raise NoAnswer("unreachable")


def _secured(plain: socket.socket, host: str, until: float) -> ssl.SSLSocket:
    plain.settimeout(_left(until))
    return _tls().wrap_socket(plain, server_hostname=host)


@functools.cache
def _tls() -> ssl.SSLContext:
    """Reading the authorities' certificates takes longer than a call."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _host_header(host: str, port: int, secure: bool) -> str:
    shown = f"[{host}]" if ":" in host else host
    return shown if port == (443 if secure else 80) else f"{shown}:{port}"


def _read(response: http.client.HTTPResponse, most: int) -> bytes:
    """The beginning of the body; the rest is not waited for. The status was said: a body that breaks off changes
    nothing, but one that drips beyond the deadline makes a slow server."""
    try:
        return response.read(most)
    except http.client.IncompleteRead as broken:
        return broken.partial[:most]
    except TimeoutError:
        raise
    except (OSError, http.client.HTTPException):
        return b""


def _left(until: float) -> float:
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


class _Bounded:
    """A socket of which every read and write ends with one deadline. It has what http.client asks of one."""

    def __init__(self, made: socket.socket, until: float, most: int):
        self._made, self._until, self._most = made, until, most

    def sendall(self, content: Any) -> None:
        rest = memoryview(content)
        while rest:
            # A TLS socket's own `sendall` would begin the time anew with each piece.
            self._made.settimeout(_left(self._until))
            rest = rest[self._made.send(rest) :]

    def makefile(self, mode: str, *unused: Any, **options: Any) -> io.BufferedReader:
        return io.BufferedReader(_Reader(self._made, self._until, self._most + MOST_OF_HEADERS))

    def close(self) -> None:
        """Left to who made it: http.client closes it while the answer is still read."""


class _Reader(io.RawIOBase):
    """Reads so many bytes from a socket, until the deadline; then it has come to its end."""

    def __init__(self, made: socket.socket, until: float, most: int):
        super().__init__()
        self._made, self._until, self._rest = made, until, most

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._made.settimeout(_left(self._until))
        room = memoryview(buffer)[: self._rest]
        count = self._made.recv_into(room) if room else 0
        self._rest -= count
        return count
