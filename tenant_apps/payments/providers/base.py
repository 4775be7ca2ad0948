"""The interface that each provider keeps."""

from typing import Any, NamedTuple

from tenant_apps.payments.models import Payment, Refund


class Started(NamedTuple):
    """What the buyer's side needs to go on, and how the payment stands now.

    `outcome` is "pending", "requires_action", "succeeded" or "failed"; `reference` is the provider's own id.
    """

    outcome: str
    reference: str
    redirect_url: str = ""
    client_secret: str = ""


class Provider:
    """Moves money. No method is called inside a transaction, and each may be called twice with the same row (O3)."""

    name = ""
    label: Any = ""
    # Only offered on development servers.
    development = False

    def start(self, payment: Payment, options: dict[str, Any]) -> Started:
        """Ask for the money. The payment's own id is the key under which a repeat is the same try."""
        raise NotImplementedError

    def refund(self, refund: Refund) -> str:
        """Send money back and return the provider's id of the refund. The refund's id is the key (M7)."""
        raise NotImplementedError
