"""Word of money that went back, with the credit note."""

from urllib.parse import quote

from shared_apps.core.templatetags.money import written
from tenant_apps.activity.delivery import subscribe
from tenant_apps.activity.models import OutboxMessage
from tenant_apps.notifications.about import buyer_of, in_language_of, order_of, order_path
from tenant_apps.notifications.subscribers import tell_buyer
from tenant_apps.orders.models import Invoice
from tenant_apps.payments.models import Refund
from tenants import links
from tenants.context import current_tenant


@subscribe("order.refunded")
def tell_of_refund(message: OutboxMessage) -> None:
    """Mail the buyer how much went back. Money that never paid the order is told of as well."""
    order = order_of(message)
    refund = Refund.objects.filter(pk=message.payload.get("refund")).first()
    if refund is None:
        return
    tenant = current_tenant()
    note = Invoice.objects.filter(cause=f"refund:{refund.pk}").first()
    page = f"{order_path(order)}invoice.pdf?number={quote(note.number)}" if note else ""
    with in_language_of(buyer_of(order)):
        amount = written(refund.amount_minor, refund.currency)
    tell_buyer(
        message, order, "order.refunded", "order_refunded",
        values={"amount": amount},
        extra=lambda: {"amount": amount, "note": note, "note_url": links.url(tenant, page) if note else ""},
    )  # fmt: skip
