"""What the self-check asks about a tenant's address, its schema and whether scheduled work runs at all."""

import ipaddress
import socket
import ssl
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.utils import timezone
from django.utils.timesince import timesince
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from shared_apps.core.checkup import CALL_SECONDS, Finding, check, ok, problem, unknown, warning
from tenants import heartbeats
from tenants.context import current_tenant
from tenants.models import Domain
from tenants.schema_state import current_graph

# Certificates are renewed about 30 days before their end by whoever renews them.
SOON, VERY_SOON = timedelta(days=21), timedelta(days=7)


@check("schedule", gettext_lazy("Scheduled work"), scope="tenant")
def schedule() -> Finding:
    """Whether reminders, expiries and the like run at all. In a tenant's words: nothing of servers or queues (N2)."""
    age, _lag = heartbeats.ages().get(heartbeats.BEAT, (None, None))
    if age is None:
        return unknown(_("Scheduled work has not run yet."), _("Tell the platform's support if this lasts."))
    if age >= heartbeats.STILL:
        return problem(
            _("Scheduled work (reminders, expiries, reports) has not run for %s.") % timesince(timezone.now() - age),
            _("What is due will be done later. Tell the platform's support."),
        )
    return ok(_("Reminders, expiries and reports run."))


@check("database", gettext_lazy("Your data"), scope="tenant")
def database() -> Finding:
    """Whether this tenant's tables are as the code wants them (N6)."""
    missing = current_graph().migrations - current_tenant().migrations_applied
    if missing > 0:
        return problem(
            _("Your data waits for an update of the platform."), _("It is made by the platform: tell its support.")
        )
    return ok(_("Up to date."))


@check("domain", gettext_lazy("Address and certificate"), scope="tenant")
def domain() -> Finding:
    """Whether the primary host is proved and its certificate is good. Calls the host itself, public addresses only."""
    primary = Domain.objects.filter(tenant_id=current_tenant().pk, is_primary=True).first()
    if primary is None:
        return problem(_("No address leads here."), _("Tell the platform's support."))
    host = primary.domain
    own = not host.endswith(f".{settings.PLATFORM_DOMAIN}")
    if own and primary.verified_at is None:
        return problem(
            _("It is not proved that %s is yours, so it does not lead here.") % host,
            _("Add the DNS record that Settings, Address shows, then have it checked."),
        )
    if settings.PLATFORM_SCHEME != "https":
        return ok(_("%s leads here. There is no certificate in development.") % host)
    return _certificate(host)


def _certificate(host: str) -> Finding:
    try:
        ends = certificate_ends(host)
    except ssl.SSLCertVerificationError as error:
        return problem(
            _("The certificate of %(host)s is not valid: %(reason)s.") % {"host": host, "reason": error.verify_message},
            _("Have it renewed for exactly this name."),
        )
    except (OSError, ValueError):
        return unknown(
            _("%s could not be reached from here over HTTPS.") % host,
            _("Open it in a browser. If that fails too, its DNS record or certificate is wrong."),
        )
    left = ends - timezone.now()
    words = _("%(host)s leads here; its certificate is good until %(day)s.") % {
        "host": host, "day": ends.strftime("%Y-%m-%d"),
    }  # fmt: skip
    if left <= SOON:
        todo = _("Have it renewed; it should have been by now.")
        return problem(words, todo) if left <= VERY_SOON else warning(words, todo)
    return ok(words)


def certificate_ends(host: str, port: int = 443) -> datetime:
    """Return when the certificate ends that the host shows for its own name.

    The address that is connected to must be a public one (B7). Raises OSError (ssl.SSLError is one) and ValueError.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    address = str(found[0][4][0])
    if not ipaddress.ip_address(address).is_global:
        raise ValueError(f"{host} has no public address.")
    with (
        socket.create_connection((address, port), timeout=CALL_SECONDS) as plain,
        ssl.create_default_context().wrap_socket(plain, server_hostname=host) as secure,
    ):
        shown = secure.getpeercert() or {}
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(str(shown["notAfter"])), UTC)
