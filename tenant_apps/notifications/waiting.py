"""Letters about waiting lists: that one is on it, that places are held, that the time to answer is over."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone, translation
from django.utils.translation import gettext_lazy

from tenant_apps.activity.delivery import subscribe
from tenant_apps.activity.models import OutboxMessage
from tenant_apps.notifications.channels import email
from tenant_apps.orders.models import WaitingEntry
from tenants import links
from tenants.context import current_tenant

Status = WaitingEntry.Status
# Who is told less than this before the end of an offer could not answer it.
TOO_LATE = timedelta(minutes=1)


@subscribe("waiting.joined")
@subscribe("waiting.joined_again")
def tell_who_waits(message: OutboxMessage) -> None:
    """Mail that they are on the list, with the link to leave it: somebody else may have typed their address."""
    entry = _entry_of(message)
    if email.was_sent(message) or entry.status not in (Status.WAITING, Status.COLLECTING):
        return
    _send(message, entry, "waiting_joined", gettext_lazy("You are on the waiting list for %(event)s"))


@subscribe("waiting.offered")
def tell_of_offer(message: OutboxMessage) -> None:
    """Mail that places are held, until when, and where to take them. Not if that was settled meanwhile."""
    entry = _entry_of(message)
    open_ = entry.expires_at is not None and entry.expires_at > timezone.now() + TOO_LATE
    if email.was_sent(message) or entry.status != Status.OFFERED or not open_:
        return
    _send(message, entry, "waiting_offered", gettext_lazy("Places for %(event)s: they are held for you"))


@subscribe("waiting.lapsed")
def tell_of_lapse(message: OutboxMessage) -> None:
    """Mail that the time to answer is over; one may join again."""
    entry = _entry_of(message)
    if email.was_sent(message) or entry.status != Status.LAPSED:
        return
    _send(message, entry, "waiting_lapsed", gettext_lazy("The offer for %(event)s is over"))


def _entry_of(message: OutboxMessage) -> WaitingEntry:
    found = WaitingEntry.objects.select_related("ticket_type__event__venue")
    return found.get(pk=message.aggregate.partition(":")[2])


def _send(message: OutboxMessage, entry: WaitingEntry, template: str, subject: Any) -> None:
    tenant = current_tenant()
    event = entry.ticket_type.event
    context: Mapping[str, Any] = {
        "entry": entry,
        "event": event,
        "ticket_type": entry.ticket_type,
        "entry_url": links.url(tenant, f"/waiting-list/{entry.secret}/"),
        "event_url": links.url(tenant, f"/events/{event.slug}/"),
        "home_url": links.url(tenant, "/"),
    }
    offered = dict(settings.LANGUAGES)
    language = next((one for one in (entry.language, tenant.language) if one in offered), "en")
    with translation.override(language):
        mail = email.compose(
            f"notifications/{template}",
            context,
            tenant=tenant,
            subject=subject % {"event": event.title},
            to=entry.email,
        )
    email.send_once(message, mail)
