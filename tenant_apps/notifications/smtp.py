"""A tenant's own mail server: public addresses only, encrypted, and never waited for long (B7).

The address is checked on the connection itself: what a name meant a moment ago is not asked twice.
"""

import smtplib
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from django.conf import settings
from django.utils.translation import gettext as _

from shared_apps.core import outgoing
from shared_apps.core.secrets import CannotDecrypt

PORTS = (465, 587, 25)
# For each step of the talk with a server.
TIMEOUT_SECONDS = 8.0


class NotEncrypted(Exception):
    """The server offers no TLS."""


class _Plain(smtplib.SMTP):
    """Connects to an address that was judged, not to a name that is looked up again."""

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        last: OSError | None = None
        for family, kind, protocol, _name, place in outgoing.public_addresses(host, port)[:2]:
            made = socket.socket(family, kind, protocol)
            made.settimeout(timeout)
            try:
                made.connect(place)
            except OSError as error:
                made.close()
                last = error
            else:
                return made
        raise last or OSError(host)


class _Wrapped(smtplib.SMTP_SSL, _Plain):
    """TLS from the first byte (port 465)."""


@contextmanager
def session(host: str, port: int, username: str, password: str) -> Iterator[smtplib.SMTP]:
    """Open a session with a server, encrypted and logged in. Raises AddressRefused,
    NoAnswer, NotEncrypted, OSError, SMTPException."""
    if port not in PORTS:
        raise outgoing.AddressRefused
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
    if isinstance(error, outgoing.AddressRefused):
        return _("The server's name leads to an address that is not on the public Internet.")
    if isinstance(error, outgoing.NoAnswer):
        return _("There is no server of this name.")
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
    if isinstance(error, smtplib.SMTPServerDisconnected) and "timed out" in str(error):
        return _("The server does not answer in time.")
    if isinstance(error, smtplib.SMTPResponseException):
        return _("The server refused the mail ({code}).").format(code=error.smtp_code)
    if isinstance(error, ssl.SSLCertVerificationError):
        return _("The server's certificate is not good for this name.")
    if isinstance(error, ssl.SSLError):
        return _("The encrypted connection cannot be made. Is it the right port?")
    if isinstance(error, TimeoutError):
        return _("The server does not answer in time.")
    if isinstance(error, ConnectionRefusedError):
        return _("The server takes no connections on this port.")
    if isinstance(error, OSError | smtplib.SMTPException):
        return _("The connection to the server broke off.")
    return _("The mail could not be sent.")
