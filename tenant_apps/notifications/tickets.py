"""Letters about what became of a ticket: to whoever holds it now, and to whoever held it.

A new holder gets the ticket's own link, never the order's: that one opens what somebody else bought and paid (T5).
"""

from collections.abc import Collection
from typing import Any

from django.conf import settings

from tenant_apps.activity.delivery import subscribe
from tenant_apps.activity.models import OutboxMessage
from tenant_apps.notifications import enclosures
from tenant_apps.notifications.about import event_values, in_language_of
from tenant_apps.notifications.channels import email
from tenant_apps.notifications.sending import tell
from tenant_apps.notifications.subscribers import MOST_PICTURES
from tenant_apps.notifications.topics import Recipient, Text, topic
from tenant_apps.orders import ticket_files
from tenant_apps.orders.models import OrderLine
from tenant_apps.orders.passing_on import line_of
from tenant_apps.ticketing import codes, qr
from tenant_apps.ticketing.lifecycle import GOOD
from tenant_apps.ticketing.models import Handover, Ticket
from tenants import links
from tenants.context import current_tenant
from tenants.models import Tenant


@subscribe("ticket.received")
def welcome_holder(message: OutboxMessage) -> None:
    """Mail the new holder their ticket and the link that only they have."""
    ticket = _ticket_of(message)
    came = Handover.objects.select_related("old").filter(new=ticket).first()
    giver = came.old.holder_name if came else ""
    _send_tickets(message, [ticket], "received", giver=giver)


@subscribe("ticket.transferred")
def confirm_to_giver(message: OutboxMessage) -> None:
    """Mail whoever had the ticket that it is somebody else's now: also because it may not have been they."""
    _send_end(message, "transferred")


@subscribe("ticket.resent")
def send_again(message: OutboxMessage) -> None:
    """Staff asked for it: mail the holder their ticket once more."""
    _send_tickets(message, [_ticket_of(message)], "resent")


@subscribe("ticket.reissued")
def send_new_code(message: OutboxMessage) -> None:
    """Mail the holder the new code; the one they had is dead."""
    _send_tickets(message, [_ticket_of(message)], "new_code")


@subscribe("ticket.codes_changed")
def send_new_codes(message: OutboxMessage) -> None:
    """Mail one holder the new codes of all their tickets: the key that signed the old ones was disowned."""
    found = _tickets().filter(pk__in=message.payload.get("tickets", []))
    _send_tickets(message, list(found.order_by("pk")), "new_code")


@subscribe("ticket.revoked")
def tell_of_revocation(message: OutboxMessage) -> None:
    """Mail the holder that the ticket admits nobody any more. Why, staff know; the organizer answers."""
    _send_end(message, "revoked")


@subscribe("ticket.reinstated")
def tell_of_reinstatement(message: OutboxMessage) -> None:
    """Mail the holder that the ticket is good again."""
    _send_tickets(message, [_ticket_of(message)], "reinstated")


# Under which topic holders hear of it.
_TOPICS = {
    "received": "ticket.received",
    "resent": "ticket.resent",
    "new_code": "ticket.reissued",
    "reinstated": "ticket.reinstated",
    "transferred": "ticket.transferred",
    "revoked": "ticket.revoked",
}


def _send_tickets(message: OutboxMessage, tickets: Collection[Ticket], why: str, giver: str = "") -> None:
    """Mail the tickets that are still good, with their present codes, to the one address that holds them."""
    good = [ticket for ticket in tickets if ticket.status in GOOD and ticket.holder_email]
    if not good:
        return
    tenant = current_tenant()
    line = line_of(good[0])
    to = _holder(good[0], line)
    with in_language_of(to):
        values = {**event_values(good[0].event), "ticket_type": good[0].ticket_type.name, "who": giver}
    pages = [_link(tenant, ticket, line_of(ticket)) for ticket in good]

    def mail(text: Text) -> email.Mail:
        texts = codes.code_texts(good)
        items: list[dict[str, Any]] = []
        images: list[tuple[str, bytes]] = []
        for ticket, page in zip(good, pages, strict=True):
            content_id = f"ticket-{ticket.id}@{settings.PLATFORM_DOMAIN}" if len(good) <= MOST_PICTURES else ""
            if content_id:
                images.append((content_id, qr.png(texts[ticket.pk])))
            items.append({"ticket": ticket, "event": ticket.event, "content_id": content_id, "url": page})
        ids = [ticket.pk for ticket in good]
        files = enclosures.enclosed(good, tenant, good[0].short_code, lambda: ticket_files.ticket_file(*ids))
        context = {"tickets": items, "why": why, "giver": giver, "attached": enclosures.has_pdf(files)}
        return email.compose(
            "notifications/ticket_yours", context, tenant=tenant, text=text, topic=topic(_TOPICS[why]), to=to,
            images=images, files=files,
        )  # fmt: skip

    tell(message, _TOPICS[why], to, values, url=pages[0], mail=mail)


def _send_end(message: OutboxMessage, why: str) -> None:
    """Mail whoever had the ticket that it is not theirs or not good any more, unless that changed meanwhile."""
    ticket = _ticket_of(message)
    if ticket.status != why or not ticket.holder_email:
        return
    tenant = current_tenant()
    handed = Handover.objects.select_related("new").filter(old=ticket).first()
    to = _holder(ticket, line_of(ticket))
    with in_language_of(to):
        receiver = handed.new.holder_name if handed else ""
        values = {**event_values(ticket.event), "ticket_type": ticket.ticket_type.name, "who": receiver}

    def mail(text: Text) -> email.Mail:
        context = {"ticket": ticket, "event": ticket.event, "why": why, "receiver": receiver}
        return email.compose(
            "notifications/ticket_gone", context, tenant=tenant, text=text, topic=topic(_TOPICS[why]), to=to
        )

    tell(message, _TOPICS[why], to, values, mail=mail)


def _holder(ticket: Ticket, line: OrderLine | None) -> Recipient:
    """Who holds it, in the language of the order: nobody has asked a new holder for theirs. They have an account here
    only as far as we know: the buyer, of what they did not pass on."""
    own = line is not None and not ticket.is_passed_on and line.order.email.lower() == ticket.holder_email.lower()
    return Recipient(
        user_id=line.order.user_id if line is not None and own else None,
        email=ticket.holder_email,
        name=ticket.holder_name,
        language=line.order.language if line is not None else "",
    )


def _link(tenant: Tenant, ticket: Ticket, line: OrderLine | None) -> str:
    """Where this holder finds the ticket: its own page, or the order's if they are the buyer; else nowhere."""
    if ticket.is_passed_on:
        return links.url(tenant, f"/tickets/{ticket.pk}/{ticket.secret}/")
    if line is not None and line.order.email.lower() == ticket.holder_email.lower():
        return links.url(tenant, f"/orders/{line.order.code}/{line.order.secret}/")
    return ""


def _tickets() -> Any:
    return Ticket.objects.select_related("event__venue", "event__category", "ticket_type")


def _ticket_of(message: OutboxMessage) -> Ticket:
    found: Ticket = _tickets().get(pk=message.aggregate.partition(":")[2])
    return found
