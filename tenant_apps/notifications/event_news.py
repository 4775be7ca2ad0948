"""Word to everybody who has a ticket for an event that changes, is postponed, or does not take place.

Holders are read in one query and written to the outbox in batches; each is told once, whatever is repeated: the key
names what happened and the address. What was settled meanwhile (moved again, taken back) is dropped before it is sent.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import override

from tenant_apps.activity.delivery import subscribe
from tenant_apps.activity.models import OutboxMessage
from tenant_apps.activity.queues import BULK
from tenant_apps.events.models import Event, Venue
from tenant_apps.notifications.about import day_and_time, event_values
from tenant_apps.notifications.sending import Notice, notify_many
from tenant_apps.notifications.topics import Recipient
from tenant_apps.notifications.wording import known_language, languages
from tenant_apps.ticketing.lifecycle import GOOD
from tenant_apps.ticketing.models import Ticket
from tenants import links
from tenants.context import current_tenant

Status = Event.Status
AHEAD = (Status.PUBLISHED, Status.POSTPONED)
# So many tickets are held in memory at once.
STRETCH = 2000
# More mails than this go behind what single people wait for.
FEW = 500


@subscribe("event.postponed")
def tell_of_new_date(message: OutboxMessage) -> None:
    """Tell holders the new date and that their tickets stay good."""
    event = _event_of(message)
    was, now = (datetime.fromisoformat(message.payload[name]) for name in ("from", "to"))
    if event is None or event.status not in AHEAD or event.starts_at != now or was == now:
        return
    _tell(message, event, "event.postponed", lambda: {"was": day_and_time(was, event.timezone)})


@subscribe("event.cancelled")
def tell_of_end(message: OutboxMessage) -> None:
    """Tell holders that it does not take place. Where everybody's money goes back, the buyers hear of it with that:
    only who holds somebody else's purchase is told here."""
    event = _event_of(message)
    if event is None or event.status != Status.CANCELLED or event.starts_at < timezone.now():
        return
    reason = str(message.payload.get("reason", ""))
    refunded = bool(message.payload.get("refund"))
    _tell(message, event, "event.cancelled", lambda: {"reason": reason}, buyers=not refunded)


@subscribe("event.updated")
def tell_of_change(message: OutboxMessage) -> None:
    """Tell holders of another time or place. Whatever else was edited concerns nobody who has a ticket."""
    event = _event_of(message)
    changed: Mapping[str, list[Any]] = message.payload.get("news") or {}
    if event is None or event.status not in AHEAD or event.starts_at < timezone.now() or not changed:
        return
    venues = Venue.objects.in_bulk([pk for pk in changed.get("venue", ()) if pk])

    def values() -> dict[str, str]:
        lines = []
        if "title" in changed:
            lines.append(_("New name: {now} (before: {was})").format(now=changed["title"][1], was=changed["title"][0]))
        if {"starts_at", "timezone"} & changed.keys():
            zone = str(changed.get("timezone", [event.timezone])[0])
            was = datetime.fromisoformat(changed["starts_at"][0]) if "starts_at" in changed else event.starts_at
            now = f"{day_and_time(event.starts_at, event.timezone)} ({event.timezone})"
            lines.append(_("New time: {now} (before: {was})").format(now=now, was=day_and_time(was, zone)))
        elif "ends_at" in changed and event.ends_at:
            lines.append(_("New end: {now}").format(now=day_and_time(event.ends_at, event.timezone)))
        if "venue" in changed:
            place = venues.get(changed["venue"][1])
            told = ", ".join(filter(None, (place.name, place.address, place.city))) if place else _("not known yet")
            lines.append(_("New place: {now}").format(now=told))
        return {"changes": "\n".join(lines)}

    if any(name in changed for name in ("title", "starts_at", "timezone", "venue")) or (
        "ends_at" in changed and event.ends_at
    ):
        _tell(message, event, "event.changed", values)


def holders_of(event: Event, *, buyers: bool = True) -> Iterator[Recipient]:
    """Return everybody who holds a good ticket, each address once: who is named on it, else who bought it. Without
    `buyers`, only those who are not their order's buyer."""
    rows = (
        Ticket.objects.filter(event=event, status__in=GOOD)
        .order_by("pk")
        .values_list(
            "holder_email",
            "holder_name",
            "secret",
            "order_line__order__email",
            "order_line__order__name",
            "order_line__order__user_id",
            "order_line__order__language",
        )
    )
    seen: set[str] = set()
    for holder, holder_name, secret, buyer, buyer_name, user_id, language in rows.iterator(chunk_size=STRETCH):
        # A ticket that was passed on says nothing of who bought it.
        is_buyers = not secret and (not holder or (buyer or "").lower() == holder.lower())
        address = holder or ("" if secret else buyer or "")
        if not address or address.lower() in seen or (is_buyers and not buyers):
            continue
        seen.add(address.lower())
        yield Recipient(
            user_id=user_id if is_buyers else None,
            email=address,
            name=(buyer_name if is_buyers else holder_name) or holder_name or "",
            language=language or "",
        )


def _tell(message: OutboxMessage, event: Event, topic_name: str, extra: Any, *, buyers: bool = True) -> None:
    tenant = current_tenant()
    url = links.url(tenant, f"/events/{event.slug}/")
    said: dict[str, dict[str, Any]] = {}
    for language in languages():
        with override(language):
            said[language] = {
                **event_values(event),
                **extra(),
                "event_id": event.pk,
                "status": str(event.status),
                "at": event.starts_at.isoformat(),
            }
    notices = (
        Notice(
            person,
            said[known_language(person.language, tenant.language)],
            f"{message.id}:{person.email.lower()}",
            url,
        )
        for person in holders_of(event, buyers=buyers)
    )
    few = Ticket.objects.filter(event=event, status__in=GOOD)[: FEW + 1].count() <= FEW
    notify_many(topic_name, notices, queue=None if few else BULK)


def _event_of(message: OutboxMessage) -> Event | None:
    found = Event.objects.select_related("venue").filter(pk=message.aggregate.partition(":")[2])
    event: Event | None = found.first()
    return event
