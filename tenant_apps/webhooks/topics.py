"""What programs can be told of, and what each of it says: names, states and amounts, no person's data.

A body leads to the thing (`url`), which the API shows to who may see it, as it is then. So nothing of a person lies
in our log or in the consumer's, a stolen body opens nothing, and a consumer that reads what it is led to cannot be
harmed by disorder (docs/decisions/0041-webhooks.md).
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from shared_apps.core.money import to_text
from tenant_apps.catalog.models import Product, ProductVariant
from tenant_apps.events.models import Event, EventSeries
from tenant_apps.orders.models import Order
from tenant_apps.orders.waiting_models import WaitingEntry
from tenant_apps.payments.models import Dispute, Payment, Refund
from tenant_apps.reviews.models import Review
from tenant_apps.ticketing.models import CheckIn, Quota, Ticket, TicketType

# Whoever takes this one takes all, those too that there will be.
EVERYTHING = "*"
TEST = "webhook.test"
# What a message itself says besides, where it does: ids of lines and of a refund.
TOLD_BY_MESSAGE = ("lines", "refund")

Facts = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of thing: how it is found by its row's id, and what is told of it. `path` is its place in the API."""

    name: str
    model: type[models.Model]
    related: tuple[str, ...]
    path: Callable[[Any], str]
    facts: Callable[[Any], Facts]

    def find(self, pk: str) -> Any:
        """Return the row as it is now; None if it is gone."""
        return self.model._default_manager.select_related(*self.related).filter(pk=pk).first()


def _order(order: Any) -> Facts:
    return {
        "id": order.code,
        "status": order.status,
        "total": to_text(order.total_minor, order.currency),
        "refunded": to_text(order.refunded_minor, order.currency),
        "currency": order.currency,
    }


def _payment(payment: Any) -> Facts:
    return {
        "id": str(payment.pk),
        "status": payment.status,
        "order": payment.order.code,
        "provider": payment.provider,
        "amount": to_text(payment.amount_minor, payment.currency),
        "currency": payment.currency,
    }


def _refund(refund: Any) -> Facts:
    return {
        "id": str(refund.pk),
        "status": refund.status,
        "order": refund.payment.order.code,
        "payment": str(refund.payment.pk),
        "amount": to_text(refund.amount_minor, refund.currency),
        "currency": refund.currency,
    }


def _ticket(ticket: Any) -> Facts:
    return {
        "id": str(ticket.pk),
        "status": ticket.status,
        "event": ticket.event.slug,
        "ticket_type": ticket.ticket_type_id,
    }


def _check_in(check_in: Any) -> Facts:
    return {"id": str(check_in.pk), "ticket": str(check_in.ticket_id) if check_in.ticket_id else None}


def _event(event: Any) -> Facts:
    return {"id": str(event.pk), "slug": event.slug, "status": event.status, "starts_at": _time(event.starts_at)}


def _ticket_type(ticket_type: Any) -> Facts:
    return {"id": str(ticket_type.pk), "event": ticket_type.event.slug}


def _quota(quota: Any) -> Facts:
    return {"id": str(quota.pk), "event": quota.event.slug}


def _named(row: Any) -> Facts:
    return {"id": str(row.pk), "slug": row.slug}


def _variant(variant: Any) -> Facts:
    return {"id": str(variant.pk), "product": variant.product.slug, "sku": variant.sku}


def _waiting(entry: Any) -> Facts:
    return {
        "id": str(entry.pk),
        "status": entry.status,
        "event": entry.ticket_type.event.slug,
        "ticket_type": entry.ticket_type_id,
        "quantity": entry.quantity,
    }


def _review(review: Any) -> Facts:
    return {"id": str(review.pk), "status": review.status, "event": review.event.slug, "rating": review.rating}


def _time(moment: Any) -> str | None:
    return moment.isoformat().replace("+00:00", "Z") if moment else None


KINDS = {
    kind.model._meta.label_lower: kind
    for kind in (
        Kind("order", Order, (), lambda row: f"orders/{row.code}/", _order),
        Kind("payment", Payment, ("order",), lambda row: f"payments/{row.pk}/", _payment),
        Kind("refund", Refund, ("payment__order",), lambda row: f"orders/{row.payment.order.code}/", _refund),
        Kind("dispute", Dispute, ("payment__order",), lambda row: f"orders/{row.payment.order.code}/", _refund),
        Kind("ticket", Ticket, ("event",), lambda row: f"tickets/{row.pk}/", _ticket),
        Kind("check_in", CheckIn, (), lambda row: f"tickets/{row.ticket_id}/", _check_in),
        Kind("event", Event, (), lambda row: f"events/{row.slug}/", _event),
        Kind(
            "ticket_type", TicketType, ("event",),
            lambda row: f"events/{row.event.slug}/ticket-types/{row.pk}/", _ticket_type,
        ),
        Kind("quota", Quota, ("event",), lambda row: f"events/{row.event.slug}/quotas/{row.pk}/", _quota),
        Kind("series", EventSeries, (), lambda row: f"series/{row.slug}/", _named),
        Kind("product", Product, (), lambda row: f"products/{row.slug}/", _named),
        Kind(
            "product_variant", ProductVariant, ("product",),
            lambda row: f"products/{row.product.slug}/variants/{row.pk}/", _variant,
        ),
        Kind(
            "waiting_list_entry", WaitingEntry, ("ticket_type__event",),
            lambda row: f"events/{row.ticket_type.event.slug}/waiting-list/{row.pk}/", _waiting,
        ),
        Kind("review", Review, ("event",), lambda row: f"reviews/{row.pk}/", _review),
    )
}  # fmt: skip

# What an endpoint can ask for, and when it happens. Names never change; there may be more.
TOPICS: dict[str, Any] = {
    "order.placed": _("An order waits for its payment."),
    "order.paid": _("An order is paid, or was free; its tickets are issued."),
    "order.expired": _("The time to pay an order ran out."),
    "order.cancelled": _("An order is cancelled."),
    "order.lines_cancelled": _("A part of an order is cancelled."),
    "order.refunded": _("Money of an order went back."),
    "order.contact_changed": _("An order's contact data changed."),
    "order.attendee_changed": _("An order's attendee changed."),
    "order.ticket_passed_on": _("A ticket of an order was passed on to somebody else."),
    "order.packed": _("Goods of an order are packed."),
    "order.shipped": _("Goods of an order are on their way."),
    "order.delivered": _("Goods of an order are delivered."),
    "order.returned": _("Goods of an order came back."),
    "payment.succeeded": _("Money came in."),
    "payment.failed": _("A payment was declined."),
    "payment.cancelled": _("A payment was given up."),
    "refund.requested": _("A refund was asked for."),
    "refund.failed": _("A refund failed: somebody has to look at it."),
    "dispute.changed": _("A buyer's bank wants money back, or has decided."),
    "ticket.received": _("A ticket was passed on: this is the new one."),
    "ticket.reissued": _("A ticket has a new code; the old one is refused."),
    "ticket.revoked": _("A ticket was revoked: it does not admit any more."),
    "ticket.reinstated": _("A revoked ticket is good again."),
    "check_in.undone": _("An admission was taken back."),
    "waiting.joined": _("Somebody joined a waiting list."),
    "waiting.offered": _("Places were offered to somebody on a waiting list."),
    "waiting.lapsed": _("An offer of places was not answered in time."),
    "review.written": _("Somebody reviewed an event; `status` tells whether it is shown or waits."),
    "review.changed": _("A review was changed by its author."),
    "review.withdrawn": _("A review was taken back by its author."),
    "review.approved": _("Staff decided that a review is shown."),
    "review.rejected": _("Staff decided that a review is not shown."),
    "review.answered": _("A review was answered."),
    "review.answer_changed": _("The answer to a review was changed or taken away."),
    "review.reported": _("Somebody says that a review breaks the rules."),
    "event.created": _("An event was made; it is a draft."),
    "event.updated": _("An event changed."),
    "event.published": _("An event is on show."),
    "event.postponed": _("An event takes place at another time."),
    "event.cancelled": _("An event is called off."),
    "event.finished": _("An event is over."),
    "event.archived": _("An event was put away."),
    "event.duplicated": _("An event was made after another one."),
    "event.deleted": _("An event is gone."),
    "ticket_type.created": _("A ticket type was made."),
    "ticket_type.updated": _("A ticket type changed."),
    "ticket_type.deleted": _("A ticket type is gone."),
    "quota.created": _("A quota was made."),
    "quota.updated": _("A quota changed."),
    "quota.deleted": _("A quota is gone."),
    "series.created": _("A series was made."),
    "series.updated": _("A series changed."),
    "series.dates_changed": _("Dates of a series came, moved or went."),
    "series.deleted": _("A series is gone."),
    "product.created": _("A product was made."),
    "product.updated": _("A product changed."),
    "product.deleted": _("A product is gone."),
    "product_variant.created": _("A variant of a product was made."),
    "product_variant.updated": _("A variant of a product changed, or its stock."),
    "product_variant.deleted": _("A variant of a product is gone."),
}
# Topics of the outbox that no program is told of, and why. A test fails for one that stands in neither list.
PRIVATE: dict[str, str] = {
    "api_key.": "secrets' life is for the audit trail",
    "books.": "the platform's own book-keeping",
    "dispute.alert": "a letter to one member of the staff",
    "grant.": "who works here",
    "import.": "the import's own page and API tell its progress",
    "legal_text.": "pages show which text holds",
    "mass_refund.": "each refund of it is told",
    "message.": "what staff write to people",
    "notify.": "a letter to one person",
    "outbox.": "about the outbox itself",
    "event_media.": "a picture's file is taken away",
    "operator.": "visits of the platform's operators are for the owners",
    "order.claimed": "the buyer's account, a person's data",
    "order.forgotten": "a person's data went after its time",
    "order.resend": "a mail is sent again",
    "payments.account_": "providers' keys",
    "plan.": "a letter to staff about what the platform allows",
    "product_image.": "a picture's file is taken away",
    "report.": "a report for one member of the staff",
    "role.": "who works here",
    "sms.": "the staff's own letters about text messages",
    "staff.": "who works here",
    "statement.": "the booked payments are told",
    "stock.": "a letter to staff; product_variant.updated tells the stock",
    "ticket.codes_changed": "a letter to holders; each ticket is told by ticket.reissued",
    "ticket.resent": "a mail is sent again",
    "ticket.transferred": "told by ticket.received",
    "waiting.joined_again": "a mail is sent again",
    "webhook.": "about webhooks themselves: an endpoint that is told of its own fate would chase its tail",
}


def is_private(topic: str) -> bool:
    """Tell whether the topic stands in `PRIVATE`, by its name or by its beginning."""
    return any(topic == name or (name.endswith((".", "_")) and topic.startswith(name)) for name in PRIVATE)


def unknown(topics: Iterable[str]) -> list[str]:
    """Return which of these are no topics."""
    return [topic for topic in topics if topic != EVERYTHING and topic not in TOPICS]


def area(topic: str) -> str:
    """Return what stands before the dot, by which pages group topics."""
    return topic.partition(".")[0]
