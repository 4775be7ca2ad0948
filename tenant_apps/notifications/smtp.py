"""A tenant's own mail server: public addresses only, encrypted, and never waited for long (B7).

The address is checked on the connection itself: what a name meant a moment ago is not asked twice.
"""

import ipaddress
import smtplib
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from shared_apps.core.secrets import CannotDecrypt

PORTS = (465, 587, 25)
# For each step of the talk with a server.
TIMEOUT_SECONDS = 8.0


class NotPublic(Exception):
    """The name leads to an address of an inner network, or to this machine."""


class NotEncrypted(Exception):
    """The server offers no TLS."""


def public_addresses(host: str, port: int) -> list[Any]:
    """Return the addresses that a name leads to. Raises NotPublic if any is not one of the open Internet."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    for *_kind, address in found:
        inner = ipaddress.ip_address(str(address[0]).partition("%")[0])
        seen = getattr(inner, "ipv4_mapped", None) or inner
        if not seen.is_global or seen.is_multicast:
            raise NotPublic(host)
    return [address for *_kind, address in found]


class _Plain(smtplib.SMTP):
    """Connects to an address that was checked, not to a name that is looked up again."""

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        last: OSError | None = None
        for address in public_addresses(host, port)[:2]:
            try:
                return socket.create_connection(address[:2], timeout)
            except OSError as error:
                last = error
        raise last or OSError(host)


class _Wrapped(smtplib.SMTP_SSL, _Plain):
    """TLS from the first byte (port 465)."""


@contextmanager
def session(host: str, port: int, username: str, password: str) -> Iterator[smtplib.SMTP]:
    """Open a session with a server, encrypted and logged in. Raises NotPublic, NotEncrypted, OSError, SMTPException."""
    if port not in PORTS:
        raise NotPublic(f"{host}:{port}")
    context = ssl.create_default_context()
    name = settings.PLATFORM_DOMAIN
    server: smtplib.SMTP
    if port == 465:
        server = _Wrapped(host, port, local_hostname=name, timeout=TIMEOUT_SECONDS, context=context)
    else:
        server = _Plain(host, port, local_hostname=name, timeout=TIMEOUT_SECONDS)
    try:
        if port != 465:
            server.ehlo()
            if not server.has_extn("starttls"):
                raise NotEncrypted(host)
            server.starttls(context=context)
        if username:
            server.login(username, password)
        yield server
        with suppress(OSError, smtplib.SMTPException):  # it has taken the mail
            server.quit()
    finally:
        server.close()


def in_words(error: Exception) -> str:
    """Return what went wrong in one line, for whoever set the server up. Nothing the server said is shown but its
    number and the first of its words."""
    if isinstance(error, NotPublic):
        return _("The server's name leads to an address that is not on the public Internet.")
    if isinstance(error, NotEncrypted):
        return _("The server offers no encryption (STARTTLS). Passwords are not sent in the clear.")
    if isinstance(error, CannotDecrypt):
        return _("The password cannot be opened any more. Please enter it again.")
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return _("The server does not take this user name and password.")
    if isinstance(error, smtplib.SMTPSenderRefused):
        return _("The server does not send as this address ({code}).").format(code=error.smtp_code)
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return _("The server does not take mail for this address.")
    if isinstance(error, smtplib.SMTPResponseException):
        return _("The server refused the mail ({code}).").format(code=error.smtp_code)
    if isinstance(error, ssl.SSLCertVerificationError):
        return _("The server's certificate is not good for this name.")
    if isinstance(error, ssl.SSLError):
        return _("The encrypted connection cannot be made. Is it the right port?")
    if isinstance(error, TimeoutError):
        return _("The server does not answer in time.")
    if isinstance(error, socket.gaierror):
        return _("There is no server of this name.")
    if isinstance(error, ConnectionRefusedError):
        return _("The server takes no connections on this port.")
    if isinstance(error, OSError | smtplib.SMTPException):
        return _("The connection to the server broke off.")
    return _("The mail could not be sent.")
