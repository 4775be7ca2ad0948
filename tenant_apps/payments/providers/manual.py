"""Money that people move: bank transfer, cash. Staff mark the order as paid when it is there."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from tenant_apps.payments.models import Payment, Refund
from tenant_apps.payments.providers.base import Provider, Started


class ManualProvider(Provider):
    name = "manual"
    label = _("Bank transfer or cash")

    def start(self, payment: Payment, options: dict[str, Any]) -> Started:
        return Started("pending", str(payment.pk))

    def refund(self, refund: Refund) -> str:
        # Staff hand the money over themselves; recording the refund is the act.
        return str(refund.pk)
