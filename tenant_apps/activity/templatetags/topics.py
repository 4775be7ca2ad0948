"""What happened, in words for people."""

from typing import Any

from django import template
from django.utils.translation import gettext_lazy as _

register = template.Library()

WORDS: dict[str, Any] = {
    "access.refused": _("Access refused"),
    "order.placed": _("Order placed"),
    "order.paid": _("Paid, tickets issued"),
    "order.expired": _("Time to pay ran out"),
    "order.cancelled": _("Order cancelled"),
    "order.contact_changed": _("Contact changed"),
    "order.resend": _("Mail sent again"),
    "payment.succeeded": _("Payment came in"),
    "payment.failed": _("Payment declined"),
    "payment.requires_action": _("Payment started"),
    "payment.cancelled": _("Payment cancelled"),
    "refund.requested": _("Refund started"),
    "refund.succeeded": _("Refund done"),
    "refund.failed": _("Refund failed"),
}


@register.simple_tag
def topic(name: str) -> Any:
    """{% topic entry.topic %}: a topic without words of its own is shown as it is."""
    return WORDS.get(name, name)
