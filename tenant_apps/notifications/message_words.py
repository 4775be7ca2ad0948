"""What staff write, filled in for one reader: plain text with a closed list of placeholders (B8)."""

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from django.utils import translation
from django.utils.translation import gettext_lazy as _

from shared_apps.accounts.models import User
from shared_apps.core.errors import InvalidInput
from shared_apps.core.personal import is_erased
from shared_apps.people.models import Phone
from shared_apps.people.phones import number_of
from tenant_apps.events.models import Event
from tenant_apps.notifications import wording
from tenant_apps.notifications.about import event_values
from tenant_apps.notifications.models import MessagePerson
from tenant_apps.notifications.segments import PENDING, Segment
from tenant_apps.notifications.topics import EMAIL, FEED, PUSH, SMS, Recipient, Topic, register, sample_values
from tenant_apps.notifications.wording import Words
from tenant_apps.orders.models import Order
from tenant_apps.ticketing.lifecycle import EXPIRED, GOOD
from tenant_apps.ticketing.models import Ticket
from tenants.context import current_tenant

WAYS = (EMAIL, FEED, PUSH, SMS)
PLACEHOLDERS = ("event", "starts", "venue", "ticket_type")


def _still(values: Mapping[str, Any]) -> bool:
    from tenant_apps.notifications.messages import is_wanted_still  # stands above this module

    return is_wanted_still(values)


# Staff's own words are the whole of it, so a tenant has nothing to edit.
TO_HOLDERS = register(
    Topic(
        "event.message",
        _("News from the organizer about an event"),
        channels=WAYS,
        placeholders=("subject", "text"),
        title="{subject}",
        body="{text}",
        short="{subject}: {text}",
        editable=False,
        still=_still,
    )
)
DIRECT = register(
    Topic(
        "staff.message",
        _("Messages from the organizer to you"),
        channels=WAYS,
        placeholders=("subject", "text"),
        title="{subject}",
        body="{text}",
        short="{subject}: {text}",
        editable=False,
    )
)
# What staff may write: never registered, nobody is told of it.
WRITTEN = Topic("written", "", placeholders=PLACEHOLDERS)


class Told(NamedTuple):
    """One who gets a message, by what they hold, and where they read on."""

    recipient: Recipient
    ticket_type: str
    url: str


def checked(subject: str, text: str) -> Words:
    """Return the words, tidied. Raises InvalidInput that names every fault, in the fields `subject` and `message`."""
    try:
        return wording.check_words(WRITTEN, Words(subject, text, ""))
    except InvalidInput as refusal:
        names = {"title": "subject", "body": "message"}
        errors = [error._replace(field=names.get(error.field, error.field)) for error in refusal.errors]
        raise InvalidInput(errors=errors) from None


def filled(words: Words, recipient: Recipient, event: Event | None, told: Told | None = None) -> dict[str, str]:
    """Return what the topic's words are filled in with: staff's words as this one reads them."""
    tenant = current_tenant()
    language = wording.known_language(recipient.language, tenant.language)
    with translation.override(language):
        values: dict[str, object] = {"ticket_type": told.ticket_type if told else ""}
        if event is not None:
            values |= event_values(event)
        done = wording.filled(
            words, WRITTEN, wording.complete(values, tenant, recipient.name, told.url if told else "")
        )
    return {"subject": done.title, "text": done.body}


def example(words: Words, event: Event) -> dict[str, str]:
    """Return the words as somebody made up would read them."""
    values = {**sample_values(WRITTEN), "site": current_tenant().name}
    recipient = Recipient(name=values["name"])
    return filled(words, recipient, event, Told(recipient, values["ticket_type"], ""))


def recipient_of_user(person: User) -> Recipient:
    return Recipient(person.pk, person.email, number_of(person.pk), person.name, person.language)


def recipients(rows: Collection[MessagePerson], segment: Segment) -> dict[int, Told]:
    """Who each row is, as things are now; without those whose ticket or order is no longer what it was, or who was
    erased. Two statements for all of them.
    """
    found: dict[int, tuple[str, str, Order | None, Ticket | None]] = {}
    for row in rows:
        if row.ticket is not None:
            ticket = row.ticket
            line = getattr(ticket, "order_line", None)
            order = line.order if line is not None else None
            if ticket.status not in (*GOOD, EXPIRED):
                continue
            address = ticket.holder_email or (order.email if order else "")
            name = ticket.holder_name or (order.name if order and not ticket.holder_email else "")
            found[row.pk] = (address, name, order, ticket)
        elif row.order is not None:
            # Who has paid since need not be told to.
            if segment.order_status == PENDING and row.order.status != Order.Status.PENDING:
                continue
            found[row.pk] = (row.order.email, row.order.name, row.order, None)
    by_address = _people({address.lower() for address, *_rest in found.values()})
    ids = [person.pk for person in by_address.values()]
    numbers = dict(Phone.objects.filter(user_id__in=ids).values_list("user_id", "number"))
    told = {}
    for pk, (address, name, order, held) in found.items():
        if not address or is_erased(address):
            continue
        person = by_address.get(address.lower())
        own = order is not None and order.email.lower() == address.lower()
        phone = numbers.get(person.pk, "") if person else ""
        if not phone and own and order is not None:
            phone = str(order.delivery.get("phone", ""))
        language = (person.language if person else "") or (order.language if order and own else "")
        recipient = Recipient(person.pk if person else None, address, phone, name, language)
        told[pk] = Told(recipient, held.ticket_type.name if held else "", _link(held, order, own=own))
    return told


def _people(addresses: Collection[str]) -> dict[str, User]:
    """Accounts by their confirmed address: only proof makes an address somebody's (decision 16)."""
    found = User.objects.filter(email__in=list(addresses), email_verified_at__isnull=False, is_active=True)
    return {person.email.lower(): person for person in found}


def _link(ticket: Ticket | None, order: Order | None, *, own: bool) -> str:
    """Where this one reads on: their ticket's or order's own page, which nobody else is given (T5)."""
    if ticket is not None and ticket.is_passed_on:
        return f"/tickets/{ticket.pk}/{ticket.secret}/"
    return f"/orders/{order.code}/{order.secret}/" if order is not None and own else ""
