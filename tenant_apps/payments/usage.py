"""What of the platform's fees was kept back from payments already, by accounts that are connected to the platform's."""

from datetime import datetime

from django.db.models import Sum

from shared_apps.billing.fees import collected_by
from tenant_apps.payments.models import Payment


def collected(begins: datetime, ends: datetime) -> dict[str, int]:
    """Return what was kept back of orders that were paid then, by currency."""
    kept = Payment.objects.filter(
        order__paid_at__gte=begins, order__paid_at__lt=ends, captured_minor__gt=0, fee_minor__gt=0,
        account__public__connected=True,
    )  # fmt: skip
    return dict(kept.order_by("currency").values_list("currency").annotate(total=Sum("fee_minor")))


collected_by(collected)
