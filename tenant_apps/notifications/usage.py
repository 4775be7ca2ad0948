"""What of notifications the platform charges by."""

from datetime import datetime

from shared_apps.billing.usage import meter
from tenant_apps.notifications.models import Delivery


def mails(begins: datetime, ends: datetime) -> int:
    """Mails that left in that time."""
    # Further channels of one message are other mails: "partner" is a second reader of the same.
    sent = Delivery.objects.filter(sent_at__gte=begins, sent_at__lt=ends)
    return sent.filter(channel__in=("email", "partner")).count()


meter("mails", mails)
