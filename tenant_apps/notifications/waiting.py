"""Letters about waiting lists: that one is on it, that places are held, that the time to answer is over."""

from datetime import timedelta

from django.utils import timezone

from tenant_apps.activity.delivery import subscribe
from tenant_apps.activity.models import OutboxMessage
from tenant_apps.notifications.about import day_and_time, event_values, in_language_of
from tenant_apps.notifications.channels import email
from tenant_apps.notifications.sending import tell
from tenant_apps.notifications.topics import Recipient, Text, topic
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
    if entry.status in (Status.WAITING, Status.COLLECTING):
        _tell(message, entry, "waiting.joined", "waiting_joined")


@subscribe("waiting.offered")
def tell_of_offer(message: OutboxMessage) -> None:
    """Mail that places are held, until when, and where to take them. Not if that was settled meanwhile."""
    entry = _entry_of(message)
    open_ = entry.expires_at is not None and entry.expires_at > timezone.now() + TOO_LATE
    if entry.status == Status.OFFERED and open_:
        _tell(message, entry, "waiting.offered", "waiting_offered")


@subscribe("waiting.lapsed")
def tell_of_lapse(message: OutboxMessage) -> None:
    """Mail that the time to answer is over; one may join again."""
    entry = _entry_of(message)
    if entry.status == Status.LAPSED:
        _tell(message, entry, "waiting.lapsed", "waiting_lapsed")


def _entry_of(message: OutboxMessage) -> WaitingEntry:
    found = WaitingEntry.objects.select_related("ticket_type__event__venue")
    return found.get(pk=message.aggregate.partition(":")[2])


def _tell(message: OutboxMessage, entry: WaitingEntry, topic_name: str, template: str) -> None:
    tenant = current_tenant()
    event = entry.ticket_type.event
    to = Recipient(user_id=entry.user_id, email=entry.email, language=entry.language)
    page = f"/waiting-list/{entry.secret}/"
    with in_language_of(to):
        until = f"{day_and_time(entry.expires_at, tenant.timezone)} ({tenant.timezone})" if entry.expires_at else ""
        values = {
            **event_values(event),
            "ticket_type": entry.ticket_type.name,
            "quantity": str(entry.quantity),
            "until": until,
        }

    def mail(text: Text) -> email.Mail:
        context = {
            "entry": entry,
            "event": event,
            "ticket_type": entry.ticket_type,
            "entry_url": links.url(tenant, page),
            "event_url": links.url(tenant, f"/events/{event.slug}/"),
        }
        return email.compose(
            f"notifications/{template}", context, tenant=tenant, text=text, topic=topic(topic_name), to=to
        )

    tell(message, topic_name, to, values, url=page, mail=mail)
