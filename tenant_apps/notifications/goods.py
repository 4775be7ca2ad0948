"""Word of goods on their way: to the buyer, and to the address that the tenant named for orders with goods."""

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import override

from tenant_apps.activity.delivery import subscribe
from tenant_apps.activity.models import OutboxMessage
from tenant_apps.notifications.about import about_order, order_of
from tenant_apps.notifications.channels import email
from tenant_apps.notifications.sending import tell
from tenant_apps.notifications.subscribers import tell_buyer
from tenant_apps.notifications.topics import Recipient, Text, topic
from tenant_apps.orders.models import Order, OrderLine, Parcel
from tenants import links
from tenants.context import current_tenant
from tenants.models import Tenant
from tenants.preferences import preference

STEPS = ("order.packed", "order.shipped", "order.delivered", "order.returned")
# To whom the goods are ordered from: beside the buyer's mail, a second one may follow from the same message.
PARTNER = "partner"


def _news(topic_name: str) -> str:
    return {
        "order.paid": _("To pack: order %(code)s"),
        "order.cancelled": _("Cancelled: order %(code)s"),
        "order.lines_cancelled": _("Cancelled in part: order %(code)s"),
        "order.packed": _("Packed: order %(code)s"),
        "order.shipped": _("Shipped: order %(code)s"),
        "order.delivered": _("Delivered: order %(code)s"),
        "order.returned": _("Returned: order %(code)s"),
    }[topic_name]


def confirm(message: OutboxMessage) -> None:
    """Mail the buyer of goods alone that the order is paid. Where there are tickets, their mail says so."""
    order = order_of(message)
    if order.status != Order.Status.PAID:
        return
    goods = _goods(message, order)
    if not goods["goods"] or order.lines.filter(kind=OrderLine.Kind.TICKET).exists():
        return
    # What went over a counter they have in their hands.
    to_come = any(line.fulfilment != OrderLine.Fulfilment.DELIVERED for line in goods["goods"])
    tell_buyer(
        message, order, "order.goods_paid", "goods_paid",
        values=_values(goods), extra=lambda: {**goods, "to_come": to_come}, insist=True,
    )  # fmt: skip


def tell_of_step(message: OutboxMessage) -> None:
    """Mail the buyer which of their goods made which step, with what the carrier calls the parcel."""
    order = order_of(message)
    goods = _goods(message, order)
    tell_buyer(message, order, message.topic, "goods_step", values=_values(goods), extra=lambda: goods)


def tell_partner(message: OutboxMessage) -> None:
    """Mail whoever packs and sends the goods, if the tenant named an address for that; in the tenant's language."""
    tenant = current_tenant()
    address = preference(tenant, "order_email")
    if not address:
        return
    order = order_of(message)
    goods = _goods(message, order)
    if message.topic == "order.paid":
        # What went over a counter, or is packed by now, nobody has to pack.
        goods["goods"] = [line for line in goods["goods"] if line.fulfilment == OrderLine.Fulfilment.UNPACKED]
    # Of what was not paid for they never heard.
    unheard = order.paid_at is None and message.topic in ("order.cancelled", "order.lines_cancelled")
    if not goods["goods"] or unheard:
        return
    partner = Recipient(email=address, language=tenant.language)
    with override(tenant.language):
        news = _news(message.topic) % {"code": order.code}

    def mail(text: Text) -> email.Mail:
        context = {**about_order(order, tenant), **goods, "desk_url": _desk(tenant, order)}
        return email.compose(
            "notifications/goods_partner", context, tenant=tenant, text=text, topic=topic("partner.order"), to=partner
        )

    values = {"news": news, "code": order.code, **_values(goods)}
    tell(message, "partner.order", partner, values, mail=mail, mailed_as=PARTNER)


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


def _values(goods: dict[str, Any]) -> dict[str, str]:
    parcel = goods["parcel"]
    return {
        "goods": ", ".join(f"{line.quantity} × {line.title}" for line in goods["goods"]),
        "carrier": parcel.carrier if parcel else "",
        "tracking": parcel.tracking_number if parcel else "",
    }


def _desk(tenant: Tenant, order: Order) -> str:
    return links.url(tenant, f"/dashboard/orders/{order.code}/")


for _topic in STEPS:
    subscribe(_topic)(tell_of_step)
    subscribe(_topic)(tell_partner)
for _topic in ("order.paid", "order.cancelled", "order.lines_cancelled"):
    subscribe(_topic)(tell_partner)
for _topic in ("order.paid", "order.resend"):
    subscribe(_topic)(confirm)
