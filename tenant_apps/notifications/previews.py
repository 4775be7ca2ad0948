"""A message as one of its readers sees it, and how many get it, before it is sent."""

from collections.abc import Collection
from typing import Any, NamedTuple

from tenant_apps.events.models import Event
from tenant_apps.notifications import message_words, messages, segments, sms_accounts
from tenant_apps.notifications.channels import gsm
from tenant_apps.notifications.models import MessagePerson
from tenant_apps.notifications.topics import SMS
from tenant_apps.orders.models import Order
from tenant_apps.staff.permissions import allowed
from tenant_apps.ticketing.models import Ticket, TicketType


class Preview(NamedTuple):
    """`reader` is empty where the person may not see who buys: then the words are shown for somebody made up."""

    people: int
    without_address: int
    subject: str
    text: str
    reader: str
    channels: list[str]
    # Of a text message: its alphabet and parts, and how many parts may still be sent today. None without text messages.
    sms: gsm.Size | None
    sms_left: int


def preview(
    event: Event,
    segment: segments.Segment,
    *,
    subject: str,
    text: str,
    channels: Collection[str] | None = None,
    actor: Any = None,
) -> Preview:
    """Return what would be sent. Raises InvalidInput for words with unknown placeholders."""
    words = message_words.checked(subject, text)
    wanted = messages.checked_channels(channels)
    shown, reader = message_words.example(words, event), ""
    if allowed(actor, "view_orders", event):
        told = _somebody(event, segment)
        if told is not None:
            shown, reader = message_words.filled(words, told.recipient, event, told), told.recipient.email
    account = sms_accounts.usable() if SMS in wanted else None
    return Preview(
        people=segments.count(event, segment),
        without_address=segments.without_address(event, segment),
        subject=shown["subject"],
        text=shown["text"],
        reader=reader,
        channels=wanted,
        sms=gsm.size(gsm.plain(" ".join(f"{shown['subject']}: {shown['text']}".split()))) if account else None,
        sms_left=sms_accounts.left_today(account) if account else 0,
    )


def _somebody(event: Event, segment: segments.Segment) -> message_words.Told | None:
    """The first who would get it."""
    for ticket, order in segments.keys(event, segment):
        row = MessagePerson(
            pk=0,
            ticket=Ticket.objects.select_related("ticket_type", "order_line__order").get(pk=ticket) if ticket else None,
            order=Order.objects.get(pk=order) if order else None,
        )
        return message_words.recipients([row], segment).get(0)
    return None


def in_words(event: Event, segment: segments.Segment) -> list[str]:
    """Return who gets it, as a list of sentences' parts."""
    said = [str(segments.ORDERS[segment.order_status])]
    if segment.ticket_types:
        said += TicketType.objects.filter(event=event, pk__in=segment.ticket_types).values_list("name", flat=True)
    if segment.attendance != segments.ALL:
        said.append(str(segments.ATTENDANCE[segment.attendance]))
    if segment.check_in_list is not None:
        said += event.check_in_lists.filter(pk=segment.check_in_list).values_list("name", flat=True)
    return said
