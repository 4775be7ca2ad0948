"""Who is told about what: mails that follow from an order's life."""

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.db.models import Sum
from django.utils.translation import gettext as _

from shared_apps.core.templatetags.money import written
from tenant_apps.activity.delivery import subscribe
from tenant_apps.activity.models import OutboxMessage
from tenant_apps.notifications import enclosures
from tenant_apps.notifications.about import about_order, buyer_of, in_language_of, order_of, order_path, order_values
from tenant_apps.notifications.channels import email
from tenant_apps.notifications.sending import tell
from tenant_apps.notifications.topics import Text, topic
from tenant_apps.orders import ticket_files
from tenant_apps.orders.models import Order, OrderLine
from tenant_apps.payments.models import Refund
from tenant_apps.payments.services import BY_HAND
from tenant_apps.ticketing import codes, qr
from tenants import links
from tenants.context import current_tenant
from tenants.models import Tenant
from tenants.preferences import preference

# More pictures than this make a mail that servers refuse; the order's page shows all of them.
MOST_PICTURES = 30


@subscribe("order.paid")
def send_tickets(message: OutboxMessage) -> None:
    """Mail the buyer the tickets with their QR codes, and the link to the order's page."""
    order = order_of(message)
    if order.status != Order.Status.PAID:
        return
    tenant, buyer = current_tenant(), buyer_of(order)
    lines = list(
        # What was passed on is mailed to its new holder.
        order.lines.filter(ticket__isnull=False, ticket__secret="", status=OrderLine.Status.ACTIVE).select_related(
            "ticket__event__venue", "ticket__event__category", "ticket__ticket_type"
        )
    )
    tickets = [line.ticket for line in lines if line.ticket is not None]
    if not tickets:
        return
    with in_language_of(buyer):
        titles = list(dict.fromkeys(ticket.event.title for ticket in tickets))
        values = {
            **order_values(order, tenant),
            "event": titles[0] if len(titles) == 1 else tenant.name,
            "tickets": _("Your ticket") if len(tickets) == 1 else _("Your tickets"),
            "count": str(len(tickets)),
        }

    def mail(text: Text) -> email.Mail:
        items: list[dict[str, Any]] = []
        images: list[tuple[str, bytes]] = []
        for ticket in tickets:
            content_id = f"ticket-{ticket.id}@{settings.PLATFORM_DOMAIN}" if len(tickets) <= MOST_PICTURES else ""
            if content_id:
                images.append((content_id, qr.png(codes.code_text(ticket))))
            items.append({"ticket": ticket, "event": ticket.event, "content_id": content_id})
        files = enclosures.enclosed(tickets, tenant, order.code, lambda: ticket_files.order_file(order))
        context = {
            **about_order(order, tenant),
            "tickets": items,
            "pdf_url": links.url(tenant, f"{order_path(order)}tickets.pdf"),
            "attached": enclosures.has_pdf(files),
        }
        return email.compose(
            "notifications/order_paid", context, tenant=tenant, text=text, topic=topic("order.paid"), to=buyer,
            images=images, files=files,
        )  # fmt: skip

    tell(message, "order.paid", buyer, values, url=order_path(order), mail=mail, insist=_by_hand(message))


@subscribe("order.placed")
def send_how_to_pay(message: OutboxMessage) -> None:
    """Mail the buyer what is held for them, until when, and where to pay. Not if that is settled already."""
    order = order_of(message)
    if order.status == Order.Status.PENDING:
        tell_buyer(
            message, order, "order.placed", "order_placed",
            extra=lambda: _by_transfer(order, current_tenant()), insist=_by_hand(message),
        )  # fmt: skip


@subscribe("order.cancelled")
def tell_of_cancellation(message: OutboxMessage) -> None:
    """Mail the buyer that the order is cancelled and its tickets no longer admit."""
    order = order_of(message)
    if order.status == Order.Status.CANCELLED:
        tell_buyer(
            message, order, "order.cancelled", "order_cancelled",
            extra=lambda: {"was_paid": order.paid_at is not None, **_money_back(order)},
        )  # fmt: skip


@subscribe("order.lines_cancelled")
def tell_of_cancelled_lines(message: OutboxMessage) -> None:
    """Mail the buyer which part of the order is cancelled, and what of its money comes back; the rest stays."""
    order = order_of(message)
    lines = list(order.lines.filter(pk__in=message.payload.get("lines", [])).select_related("event"))
    if not lines:
        return
    back = message.payload.get("returned_minor") or 0
    tell_buyer(
        message, order, "order.lines_cancelled", "order_lines_cancelled",
        extra=lambda: {
            "cancelled": lines,
            "called_off": _called_off(lines),
            "back": written(back, order.currency) if back else "",
        },
    )  # fmt: skip


def tell_buyer(
    message: OutboxMessage,
    order: Order,
    topic_name: str,
    template: str,
    *,
    values: dict[str, str] | None = None,
    extra: Any = dict,
    insist: bool = False,
) -> None:
    """Tell an order's buyer what a message stands for; `extra` returns what the mail shows besides the order."""
    tenant, buyer = current_tenant(), buyer_of(order)
    with in_language_of(buyer):
        said = {**order_values(order, tenant), **(values or {})}

    def mail(text: Text) -> email.Mail:
        context = {**about_order(order, tenant), **extra()}
        return email.compose(
            f"notifications/{template}", context, tenant=tenant, text=text, topic=topic(topic_name), to=buyer
        )

    tell(message, topic_name, buyer, said, url=order_path(order), mail=mail, insist=insist)


def _by_transfer(order: Order, tenant: Tenant) -> dict[str, object]:
    """Whether the buyer chose to pay by hand, and where the money goes."""
    chosen = set(order.payments.filter(provider__in=BY_HAND).values_list("provider", flat=True))
    details = preference(tenant, "bank_transfer_details") if chosen - {"cash"} else []
    return {"by_transfer": bool(chosen), "bank_details": details}


def _called_off(lines: Iterable[OrderLine]) -> list[str]:
    """The titles of the events that do not take place."""
    return list(dict.fromkeys(line.event.title for line in lines if line.event and line.event.status == "cancelled"))


def _money_back(order: Order) -> dict[str, object]:
    """What of the order's money is on its way back, and why if it is not the buyer's doing."""
    own = Refund.objects.filter(payment__order=order, currency=order.currency).exclude(status=Refund.Status.FAILED)
    back = own.aggregate(sum=Sum("amount_minor"))["sum"] or 0
    return {
        "back": written(back, order.currency) if back else "",
        "called_off": _called_off(order.lines.select_related("event")),
    }


@subscribe("order.resend")
def send_again(message: OutboxMessage) -> None:
    """Staff asked for it: mail the tickets, or how to pay, once more."""
    order = order_of(message)
    if order.status == Order.Status.PAID:
        send_tickets(message)
    elif order.status == Order.Status.PENDING:
        send_how_to_pay(message)


def _by_hand(message: OutboxMessage) -> bool:
    """What staff send again by hand goes out whatever the buyer wishes."""
    return message.topic == "order.resend"
