"""Word of money that went back, with the credit note."""

from urllib.parse import quote

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from shared_apps.core.templatetags.money import written
from shared_apps.people.wishes import offer, wants
from tenant_apps.activity.delivery import subscribe
from tenant_apps.activity.models import OutboxMessage
from tenant_apps.notifications.channels import email

# The same app's: who a mail about an order is for, in which language, and what stands in it.
from tenant_apps.notifications.subscribers import _about, _language_of, _order_of
from tenant_apps.orders.models import Invoice
from tenant_apps.payments.models import Refund
from tenants import links
from tenants.context import current_tenant

offer("order.refunded", email.CHANNEL, gettext_lazy("Money of an order went back"))


@subscribe("order.refunded")
def tell_of_refund(message: OutboxMessage) -> None:
    """Mail the buyer how much went back. Money that never paid the order is told of as well."""
    order = _order_of(message)
    refund = Refund.objects.filter(pk=message.payload.get("refund")).first()
    if refund is None or email.was_sent(message) or not wants(order.user_id, message.topic, email.CHANNEL):
        return
    tenant = current_tenant()
    note = Invoice.objects.filter(cause=f"refund:{refund.pk}").first()
    page = f"/orders/{order.code}/{order.secret}/"
    with _language_of(order, tenant):
        amount = written(refund.amount_minor, refund.currency)
        mail = email.compose(
            "notifications/order_refunded",
            {
                **_about(order, tenant),
                "amount": amount,
                "note": note,
                "note_url": links.url(tenant, f"{page}invoice.pdf?number={quote(note.number)}") if note else "",
            },
            tenant=tenant,
            subject=_("%(amount)s goes back to you: order %(code)s") % {"amount": amount, "code": order.code},
            to=order.email,
            to_name=order.name,
        )
    email.send_once(message, mail)
