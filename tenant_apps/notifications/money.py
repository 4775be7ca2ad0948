"""Letters to staff about money that somebody has to look after."""

from typing import Any

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _

from shared_apps.accounts.models import User
from shared_apps.core.templatetags.money import written
from tenant_apps.activity.delivery import subscribe
from tenant_apps.activity.models import OutboxMessage
from tenant_apps.notifications.channels import email
from tenant_apps.payments.models import Dispute
from tenants import links
from tenants.context import current_tenant


@subscribe("dispute.alert")
def tell_of_dispute(message: OutboxMessage) -> None:
    """Mail one member of the staff that a buyer's bank wants money back; each has a message of their own."""
    if email.was_sent(message):
        return
    reader = User.objects.filter(pk=message.payload.get("user"), is_active=True).first()
    found = Dispute.objects.select_related("payment__order").filter(pk=message.aggregate.partition(":")[2]).first()
    if reader is None or found is None:
        return
    tenant = current_tenant()
    offered: Any = dict(settings.LANGUAGES)
    with translation.override(next((one for one in (reader.language, tenant.language) if one in offered), "en")):
        order = found.payment.order
        mail = email.compose(
            "notifications/dispute",
            {
                "dispute": found,
                "order": order,
                "amount": written(found.amount_minor, found.currency),
                "order_url": links.url(tenant, f"/dashboard/orders/{order.code}/"),
                "home_url": links.url(tenant, "/"),
            },
            tenant=tenant,
            subject=_("Order %(code)s: the payment is disputed") % {"code": order.code},
            to=reader.email,
        )
    email.send_once(message, mail)
