"""A provider for development: its "money" comes and goes as it is told. Never offered in production (P4)."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from shared_apps.core.errors import FieldError, InvalidInput
from tenant_apps.payments.models import Payment, Refund
from tenant_apps.payments.providers.base import Provider, Refunded, Started

OUTCOMES = {"succeed": "succeeded", "decline": "failed", "pending": "requires_action"}


def outcome_of(word: str) -> str:
    """Return the payment's status for `succeed`, `decline` or `pending`. Raises InvalidInput."""
    if word not in OUTCOMES:
        raise InvalidInput(errors=[FieldError("test_outcome", "invalid_choice", _("Use succeed, decline or pending."))])
    return OUTCOMES[word]


class TestProvider(Provider):
    __test__ = False  # its name is no wish to be collected by pytest
    name = "test"
    label = _("Test payment (development)")
    development = True
    card = True

    def start(self, payment: Payment, options: dict[str, Any]) -> Started:
        outcome = outcome_of(options.get("test_outcome") or "pending")
        return Started(outcome, f"test_{payment.pk}", redirect_url=f"/api/v1/payments/{payment.pk}/complete/")

    def refund(self, refund: Refund) -> Refunded:
        return Refunded("succeeded", f"test_{refund.pk}")

    def ask_refund(self, refund: Refund) -> Refunded | None:
        return self.refund(refund)
