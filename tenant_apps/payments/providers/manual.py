"""Money that people move: by bank transfer, in cash. Staff mark the order as paid when it is there."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from tenant_apps.payments.models import Payment, Refund
from tenant_apps.payments.providers.base import Provider, Refunded, Started


class ManualProvider(Provider):
    name = "manual"
    label = _("Bank transfer or cash")
    by_hand = True

    def start(self, payment: Payment, options: dict[str, Any]) -> Started:
        return Started("pending", str(payment.pk))

    def refund(self, refund: Refund) -> Refunded:
        # Staff hand the money over themselves; recording the refund is the act.
        return Refunded("succeeded", str(refund.pk))

    def ask_refund(self, refund: Refund) -> Refunded | None:
        return self.refund(refund)


class TransferProvider(ManualProvider):
    """The order's code is the reference; a statement's CSV marks what it finds as paid (payments.statements)."""

    name = "bank_transfer"
    label = _("Bank transfer")
    slow = True


class CashProvider(ManualProvider):
    name = "cash"
    label = _("Cash")
