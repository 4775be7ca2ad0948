"""Letters to staff about money that somebody has to look after."""

from django.utils.formats import date_format

from shared_apps.accounts.models import User
from shared_apps.core.clock import local
from shared_apps.core.templatetags.money import written
from tenant_apps.activity.delivery import subscribe
from tenant_apps.activity.models import OutboxMessage
from tenant_apps.notifications.about import in_language_of
from tenant_apps.notifications.channels import email
from tenant_apps.notifications.sending import tell
from tenant_apps.notifications.topics import Recipient, Text, topic
from tenant_apps.payments.models import Dispute
from tenants import links
from tenants.context import current_tenant


@subscribe("dispute.alert")
def tell_of_dispute(message: OutboxMessage) -> None:
    """Mail one member of the staff that a buyer's bank wants money back; each has a message of their own."""
    reader = User.objects.filter(pk=message.payload.get("user"), is_active=True).first()
    found = Dispute.objects.select_related("payment__order").filter(pk=message.aggregate.partition(":")[2]).first()
    if reader is None or found is None:
        return
    tenant = current_tenant()
    order = found.payment.order
    to = Recipient(user_id=reader.pk, email=reader.email, language=reader.language)
    page = f"/dashboard/orders/{order.code}/"
    with in_language_of(to):
        amount = written(found.amount_minor, found.currency)
        until = date_format(local(found.answer_by, tenant.timezone), "j E Y") if found.answer_by else ""
    values = {"code": order.code, "amount": amount, "reason": found.reason or "", "until": until}

    def mail(text: Text) -> email.Mail:
        context = {"dispute": found, "order": order, "amount": amount, "order_url": links.url(tenant, page)}
        return email.compose(
            "notifications/dispute", context, tenant=tenant, text=text, topic=topic("staff.dispute"), to=to
        )

    tell(message, "staff.dispute", to, values, url=page, mail=mail)
