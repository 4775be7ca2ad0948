"""Who is told about what: mails that follow from an order's life."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.db.models import Sum
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from shared_apps.core.templatetags.money import written
from shared_apps.people.wishes import offer, wants
from tenant_apps.activity.delivery import subscribe
from tenant_apps.activity.models import OutboxMessage
from tenant_apps.notifications import enclosures
from tenant_apps.notifications.channels import email
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

offer("order.paid", email.CHANNEL, gettext_lazy("Your tickets"), fixed=True)
offer("order.placed", email.CHANNEL, gettext_lazy("How and until when to pay an order"))
offer("order.cancelled", email.CHANNEL, gettext_lazy("An order is cancelled"))


@subscribe("order.paid")
def send_tickets(message: OutboxMessage) -> None:
    """Mail the buyer the tickets with their QR codes, and the link to the order's page."""
    order = _order_of(message)
    if email.was_sent(message) or order.status != Order.Status.PAID:
        return
    tenant = current_tenant()
    lines = list(
        # What was passed on is mailed to its new holder.
        order.lines.filter(ticket__isnull=False, ticket__secret="", status=OrderLine.Status.ACTIVE).select_related(
            "ticket__event__venue", "ticket__event__category", "ticket__ticket_type"
        )
    )
    if not lines:
        return
    tickets: list[dict[str, Any]] = []
    images: list[tuple[str, bytes]] = []
    for ticket in [line.ticket for line in lines if line.ticket is not None]:
        content_id = f"ticket-{ticket.id}@{settings.PLATFORM_DOMAIN}"
        pictured = len(lines) <= MOST_PICTURES
        if pictured:
            images.append((content_id, qr.png(codes.code_text(ticket))))
        tickets.append({"ticket": ticket, "event": ticket.event, "content_id": content_id if pictured else ""})
    with _language_of(order, tenant):
        titles = list(dict.fromkeys(item["event"].title for item in tickets))
        tickets_of_lines = [line.ticket for line in lines if line.ticket is not None]
        files = enclosures.enclosed(tickets_of_lines, tenant, order.code, lambda: ticket_files.order_file(order))
        subject = ngettext("Your ticket for %(event)s", "Your tickets for %(event)s", len(lines)) % {
            "event": titles[0] if len(titles) == 1 else tenant.name
        }
        context = {
            **_about(order, tenant),
            "tickets": tickets,
            "pdf_url": links.url(tenant, f"/orders/{order.code}/{order.secret}/tickets.pdf"),
            "attached": enclosures.has_pdf(files),
        }
        mail = email.compose(
            "notifications/order_paid",
            context,
            tenant=tenant,
            subject=subject,
            to=order.email,
            to_name=order.name,
            images=images,
            files=files,
        )
    email.send_once(message, mail)


@subscribe("order.placed")
def send_how_to_pay(message: OutboxMessage) -> None:
    """Mail the buyer what is held for them, until when, and where to pay. Not if that is settled already."""
    order = _order_of(message)
    if email.was_sent(message) or order.status != Order.Status.PENDING or not _wanted(message, order):
        return
    tenant = current_tenant()
    with _language_of(order, tenant):
        subject = _("Order %(code)s: please pay") % {"code": order.code}
        mail = email.compose(
            "notifications/order_placed",
            {**_about(order, tenant), **_by_transfer(order, tenant)},
            tenant=tenant,
            subject=subject,
            to=order.email,
            to_name=order.name,
        )
    email.send_once(message, mail)


@subscribe("order.cancelled")
def tell_of_cancellation(message: OutboxMessage) -> None:
    """Mail the buyer that the order is cancelled and its tickets no longer admit."""
    order = _order_of(message)
    if email.was_sent(message) or order.status != Order.Status.CANCELLED or not _wanted(message, order):
        return
    tenant = current_tenant()
    with _language_of(order, tenant):
        subject = _("Order %(code)s is cancelled") % {"code": order.code}
        mail = email.compose(
            "notifications/order_cancelled",
            {**_about(order, tenant), "was_paid": order.paid_at is not None, **_money_back(order)},
            tenant=tenant,
            subject=subject,
            to=order.email,
            to_name=order.name,
        )
    email.send_once(message, mail)


@subscribe("order.lines_cancelled")
def tell_of_cancelled_lines(message: OutboxMessage) -> None:
    """Mail the buyer which part of the order is cancelled, and what of its money comes back; the rest stays."""
    order = _order_of(message)
    lines = list(order.lines.filter(pk__in=message.payload.get("lines", [])).select_related("event"))
    if email.was_sent(message) or not lines or not wants(order.user_id, "order.cancelled", email.CHANNEL):
        return
    tenant = current_tenant()
    back = message.payload.get("returned_minor") or 0
    with _language_of(order, tenant):
        mail = email.compose(
            "notifications/order_lines_cancelled",
            {
                **_about(order, tenant),
                "cancelled": lines,
                "called_off": _called_off(lines),
                "back": written(back, order.currency) if back else "",
            },
            tenant=tenant,
            subject=_("Part of order %(code)s is cancelled") % {"code": order.code},
            to=order.email,
            to_name=order.name,
        )
    email.send_once(message, mail)


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
    order = _order_of(message)
    if order.status == Order.Status.PAID:
        send_tickets(message)
    elif order.status == Order.Status.PENDING:
        send_how_to_pay(message)


def _wanted(message: OutboxMessage, order: Order) -> bool:
    """Whether the buyer wants word of this. What staff send again by hand goes out in any case."""
    return message.topic == "order.resend" or wants(order.user_id, message.topic, email.CHANNEL)


def _order_of(message: OutboxMessage) -> Order:
    return Order.objects.get(pk=message.aggregate.partition(":")[2])


@contextmanager
def _language_of(order: Order, tenant: Tenant) -> Iterator[None]:
    """The language that the buyer ordered in, or the tenant's."""
    offered = dict(settings.LANGUAGES)
    with translation.override(next((one for one in (order.language, tenant.language) if one in offered), "en")):
        yield


def _about(order: Order, tenant: Tenant) -> dict[str, object]:
    lines = list(order.lines.select_related("event__venue", "ticket_type"))
    page = f"/orders/{order.code}/{order.secret}/"
    return {
        "order": order,
        "lines": [{"line": line, "price": written(line.total_minor, order.currency)} for line in lines],
        "events": list({line.event_id: line.event for line in lines if line.event}.values()),
        "is_free": order.total_minor == 0,
        "total": written(order.total_minor, order.currency),
        "order_url": links.url(tenant, page),
        "invoice_url": links.url(tenant, f"{page}invoice.pdf") if order.invoices.exists() else "",
        "home_url": links.url(tenant, "/"),
    }
