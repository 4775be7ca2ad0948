"""The interface that each provider keeps."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, NamedTuple

from tenant_apps.payments.models import Payment, ProviderAccount, Refund


class Started(NamedTuple):
    """What the buyer's side needs to go on, and how the payment stands now.

    `outcome` is "pending", "requires_action", "succeeded" or "failed"; `reference` is the provider's own id of the
    payment, or empty where only a hosted page (`session`) has one yet.
    """

    outcome: str
    reference: str
    redirect_url: str = ""
    client_secret: str = ""
    session: str = ""


@dataclass(frozen=True, slots=True)
class Notice:
    """What a provider says about one payment or refund, whether it was asked or told us by itself.

    `outcome`: a status of Payment ("requires_action", "succeeded", "failed", "cancelled") or, with `refund`, one of
    Refund; "ask" if the provider has to be asked what is true, "" if it is nothing to us. `payment` is our id where
    the provider repeats it. Amounts are minor units of `currency`, and what was really moved.
    """

    event_id: str = ""
    kind: str = ""
    outcome: str = ""
    payment: str = ""
    reference: str = ""
    session: str = ""
    refund: str = ""
    amount_minor: int | None = None
    currency: str = ""
    live: bool = False
    fee_minor: int = 0
    # A dispute: the provider's id of it, one of Dispute's statuses, why, until when staff can answer (ISO 8601), when
    # this was said (seconds since 1970), and "out" or "in" if money was taken for it or came back.
    dispute: str = ""
    dispute_status: str = ""
    reason: str = ""
    answer_by: str = ""
    said_at: float = 0.0
    moved: str = ""

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


class Refunded(NamedTuple):
    """How a refund stands: "pending", "succeeded" or "failed", and the provider's id of it."""

    outcome: str
    reference: str


class Movement(NamedTuple):
    """One line of the provider's own books: kind "payment" or "refund", money in positive, out negative."""

    kind: str
    reference: str
    amount_minor: int
    currency: str
    at: datetime


class ProviderFailed(Exception):
    """The provider did not answer, or answered with an error of its own; what it did is unknown. Ask it later (O3)."""


class ProviderRefused(Exception):
    """The provider said no, for good: a declined card, a wrong key. Its words are for staff, not for buyers."""


class BadSignature(Exception):
    """A webhook that this account's secret did not sign, or one that is too old (O6)."""


class Provider:
    """Moves money. No method is called inside a transaction, and each may be called twice with the same row (O3)."""

    name = ""
    label: Any = ""
    # Only offered on development servers.
    development = False
    # Has keys of the tenant's own: offered only where there is an account that is switched on.
    needs_account = False
    # Takes cards: what `credit_card` of older clients means.
    card = False
    # Money comes days later: the places are held for `bank_transfer_hold_days`.
    slow = False
    # People move the money: `start` speaks to nobody outside, so it is done with the order's own transaction.
    by_hand = False
    # Where the buyer may be sent, for the page's Content-Security-Policy.
    pages: tuple[str, ...] = ()

    def fee_minor(self, payment: Payment) -> int:
        """The platform's part of a payment that is about to be started, in minor units."""
        return 0

    def start(self, payment: Payment, options: dict[str, Any]) -> Started:
        """Ask for the money. The payment's own id is the key under which a repeat is the same try.

        Raises ProviderFailed, ProviderRefused.
        """
        raise NotImplementedError

    def refund(self, refund: Refund) -> Refunded:
        """Send money back. The refund's id is the key (M7). Raises ProviderFailed, ProviderRefused."""
        raise NotImplementedError

    def ask(self, payment: Payment) -> Notice | None:
        """Return how the payment stands in the provider's books; None if the provider cannot be asked (O9).

        May finish what only the shop can finish (capture what the buyer approved). Raises ProviderFailed.
        """
        return None

    def ask_refund(self, refund: Refund) -> Refunded | None:
        """Return how the refund stands; None if the provider cannot be asked. Raises ProviderFailed."""
        return None

    def give_up(self, payment: Payment) -> None:
        """Close what is open at the provider, so that an ended order cannot be paid any more. Raises ProviderFailed."""

    def read(self, account: ProviderAccount, body: bytes, headers: Mapping[str, str], path: str) -> Notice:
        """Verify a webhook's signature over the raw body, and only then read it (O6). Raises BadSignature."""
        raise BadSignature

    def connect(self, given: Mapping[str, str], webhook_url: str) -> tuple[bool, dict[str, Any], dict[str, str]]:
        """Check a tenant's keys with the provider, register the webhook where that can be done, and return
        (live, what may be shown, secrets). Raises InvalidInput naming the field, ProviderFailed."""
        raise NotImplementedError

    def movements(self, account: ProviderAccount, since: datetime, until: datetime) -> Iterator[Movement]:
        """The provider's books of a time, for comparing with ours (M8). Raises ProviderFailed."""
        return iter(())
