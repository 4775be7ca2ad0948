"""Who a tenant's mail is from, and the server that it goes through: the tenant's own, or the platform's.

A server of a tenant's that fails harms that tenant alone: after a failure the next mails do not wait for it, they come
again later by the outbox, and after ten tries they are parked. What went wrong stands on the page of the sender.
"""

import smtplib
from datetime import timedelta
from email.utils import parseaddr

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db.models import F
from django.utils import timezone

from shared_apps.core.secrets import CannotDecrypt, decrypt, encrypt
from tenant_apps.notifications import smtp
from tenant_apps.notifications.models import Sender
from tenants.context import current_tenant
from tenants.models import Tenant

FIRST_REST, LONGEST_REST = 30.0, 900.0


class ServerRests(Exception):
    """The tenant's mail server failed a moment ago; nobody waits for it again so soon."""


def own_sender() -> Sender | None:
    """Return what the present tenant set for its mail; one statement."""
    return Sender.objects.first()


def sender_of(tenant: Tenant, own: Sender | None) -> tuple[str, str]:
    """Return the name and address that mail is from.

    The platform's server sends as another address only after its DNS says that we may: else anybody could be whoever
    they like. A server of the tenant's own decides for itself.
    """
    platform = parseaddr(settings.DEFAULT_FROM_EMAIL)[1]
    if own is None:
        return tenant.name, platform
    trusted = own.address and (own.host or own.proven_at)
    return own.name or tenant.name, own.address if trusted else platform


def hand_over(mail: EmailMultiAlternatives, own: Sender | None) -> None:
    """Send through the tenant's own server, or the platform's. Raises whatever the server or the way to it does."""
    if own is None or not own.host:
        mail.send()
        return
    now = timezone.now()
    if own.rest_until is not None and own.rest_until > now:
        raise ServerRests(own.problem)
    try:
        with smtp.session(own.host, own.port, own.username, password_of(own)) as session:
            message = mail.message()
            session.send_message(message, parseaddr(mail.from_email)[1], [parseaddr(each)[1] for each in mail.to])
    except Exception as error:
        _note_failure(own, error)
        raise
    if own.problem or own.worked_at is None or own.worked_at < now - timedelta(minutes=5):
        Sender.objects.update(problem="", failing_since=None, failures=0, rest_until=None, worked_at=now)


def in_words(error: Exception) -> str:
    """Return what went wrong, as one line for whoever looks after the sender."""
    return smtp.in_words(error)


def sealed(password: str) -> bytes:
    """Return the password as it is kept."""
    return encrypt(password.encode(), _purpose())


def password_of(own: Sender) -> str:
    """Return the password of the server. Raises CannotDecrypt after SECRET_KEY was changed without a fallback."""
    return decrypt(own.sealed, _purpose()).decode() if own.sealed else ""


def _purpose() -> str:
    # A row that is copied into another tenant's schema cannot be opened there (N2).
    return f"notifications.{current_tenant().schema_name}"


def _note_failure(own: Sender, error: Exception) -> None:
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return  # the server is well; it does not want this one address
    now = timezone.now()
    rest = min(FIRST_REST * 2 ** min(own.failures, 10), LONGEST_REST)
    Sender.objects.update(
        problem=in_words(error)[:500],
        failing_since=own.failing_since or now,
        failures=F("failures") + 1,
        rest_until=now + timedelta(seconds=rest),
    )


__all__ = ["CannotDecrypt", "ServerRests", "hand_over", "in_words", "own_sender", "password_of", "sealed", "sender_of"]
