"""Word of goods on their way: to the buyer, and to the address that the tenant named for orders with goods."""

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, override

from shared_apps.people.wishes import offer, wants
from tenant_apps.activity.delivery import subscribe
from tenant_apps.activity.models import OutboxMessage
from tenant_apps.notifications.channels import email

# The same app's: who a mail about an order is for, in which language, and what stands in it.
from tenant_apps.notifications.subscribers import _about, _language_of, _order_of
from tenant_apps.orders.models import Order, OrderLine, Parcel
from tenants import links
from tenants.context import current_tenant
from tenants.models import Tenant
from tenants.preferences import preference

STEPS = ("order.packed", "order.shipped", "order.delivered", "order.returned")

offer("order.packed", email.CHANNEL, gettext_lazy("Ordered goods are packed"))
offer("order.shipped", email.CHANNEL, gettext_lazy("Ordered goods are on their way"))
offer("order.delivered", email.CHANNEL, gettext_lazy("Ordered goods are delivered"))
offer("order.returned", email.CHANNEL, gettext_lazy("Returned goods have arrived"))


def _heading(topic: str) -> str:
    return {
        "order.packed": _("Your goods are packed"),
        "order.shipped": _("Your goods are on their way"),
        "order.delivered": _("Your goods are delivered"),
        "order.returned": _("Your goods are back with us"),
    }[topic]


def _news(topic: str) -> str:
    return {
        "order.paid": _("To pack: order %(code)s"),
        "order.cancelled": _("Cancelled: order %(code)s"),
        "order.lines_cancelled": _("Cancelled in part: order %(code)s"),
        "order.packed": _("Packed: order %(code)s"),
        "order.shipped": _("Shipped: order %(code)s"),
        "order.delivered": _("Delivered: order %(code)s"),
        "order.returned": _("Returned: order %(code)s"),
    }[topic]


def confirm(message: OutboxMessage) -> None:
    """Mail the buyer of goods alone that the order is paid. Where there are tickets, their mail says so."""
    order = _order_of(message)
    if email.was_sent(message) or order.status != Order.Status.PAID:
        return
    goods = _goods(message, order)
    if not goods["goods"] or order.lines.filter(kind=OrderLine.Kind.TICKET).exists():
        return
    tenant = current_tenant()
    with _language_of(order, tenant):
        mail = email.compose(
            "notifications/goods_paid",
            {
                **_about(order, tenant),
                **goods,
                # What went over a counter they have in their hands.
                "to_come": any(line.fulfilment != OrderLine.Fulfilment.DELIVERED for line in goods["goods"]),
            },
            tenant=tenant,
            subject=_("Thank you: order %(code)s") % {"code": order.code},
            to=order.email,
            to_name=order.name,
        )
    email.send_once(message, mail)


def tell_buyer(message: OutboxMessage) -> None:
    """Mail the buyer which of their goods made which step, with what the carrier calls the parcel."""
    order = _order_of(message)
    if email.was_sent(message) or not wants(order.user_id, message.topic, email.CHANNEL):
        return
    tenant = current_tenant()
    with _language_of(order, tenant):
        heading = _heading(message.topic)
        mail = email.compose(
            "notifications/goods_step",
            {**_about(order, tenant), **_goods(message, order), "heading": heading},
            tenant=tenant,
            subject=_("%(what)s: order %(code)s") % {"what": heading, "code": order.code},
            to=order.email,
            to_name=order.name,
        )
    email.send_once(message, mail)


def tell_partner(message: OutboxMessage) -> None:
    """Mail whoever packs and sends the goods, if the tenant named an address for that; in the tenant's language."""
    tenant = current_tenant()
    address = preference(tenant, "order_email")
    if not address or email.was_sent(message, email.PARTNER):
        return
    order = _order_of(message)
    goods = _goods(message, order)
    if message.topic == "order.paid":
        # What went over a counter, or is packed by now, nobody has to pack.
        goods["goods"] = [line for line in goods["goods"] if line.fulfilment == OrderLine.Fulfilment.UNPACKED]
    # Of what was not paid for they never heard.
    unheard = order.paid_at is None and message.topic in ("order.cancelled", "order.lines_cancelled")
    if not goods["goods"] or unheard:
        return
    with override(tenant.language):
        news = _news(message.topic) % {"code": order.code}
        mail = email.compose(
            "notifications/goods_partner",
            {**_about(order, tenant), **goods, "heading": news, "desk_url": _desk(tenant, order)},
            tenant=tenant,
            subject=news,
            to=address,
        )
    email.send_once(message, mail, email.PARTNER)


def _goods(message: OutboxMessage, order: Order) -> dict[str, Any]:
    """The goods that a message is about: those that moved, or all of the order."""
    lines = order.lines.filter(kind=OrderLine.Kind.PRODUCT).select_related("variant").order_by("position")
    if moved := message.payload.get("lines"):
        lines = lines.filter(pk__in=moved)
    elif message.topic in ("order.paid", "order.resend"):
        lines = lines.filter(status=OrderLine.Status.ACTIVE)
    parcel = message.payload.get("parcel")
    return {
        "goods": list(lines),
        "parcel": Parcel.objects.filter(pk=parcel).first() if parcel else None,
    }


def _desk(tenant: Tenant, order: Order) -> str:
    return links.url(tenant, f"/dashboard/orders/{order.code}/")


for _topic in STEPS:
    subscribe(_topic)(tell_buyer)
    subscribe(_topic)(tell_partner)
for _topic in ("order.paid", "order.cancelled", "order.lines_cancelled"):
    subscribe(_topic)(tell_partner)
for _topic in ("order.paid", "order.resend"):
    subscribe(_topic)(confirm)
