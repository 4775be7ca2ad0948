"""Stripe: hosted Checkout for pages, PaymentIntents for the Payment Element, Connect with the platform's fee.

Rules are Stripe's own: idempotency https://docs.stripe.com/api/idempotent_requests, webhooks
https://docs.stripe.com/webhooks, amounts https://docs.stripe.com/currencies#zero-decimal, Connect direct charges
https://docs.stripe.com/connect/direct-charges.
"""

import json
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import stripe
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from shared_apps.core.errors import FieldError, InvalidInput
from shared_apps.core.money import exponent
from tenant_apps.orders.platform_fees import of_order
from tenant_apps.payments import keys, links
from tenant_apps.payments.models import Payment, ProviderAccount, Refund
from tenant_apps.payments.providers.base import (
    BadSignature,
    Movement,
    Notice,
    Provider,
    ProviderFailed,
    ProviderRefused,
    Refunded,
    Started,
)

TIMEOUT_SECONDS = 10
# O6: neither older nor from a clock further ahead than this.
TOLERANCE_SECONDS = 300
EVENTS = (
    "checkout.session.completed",
    "checkout.session.expired",
    "payment_intent.succeeded",
    "payment_intent.payment_failed",
    "payment_intent.requires_action",
    "payment_intent.canceled",
    "refund.created",
    "refund.updated",
    "refund.failed",
    "charge.dispute.created",
    "charge.dispute.updated",
    "charge.dispute.closed",
    "charge.dispute.funds_withdrawn",
    "charge.dispute.funds_reinstated",
)
INTENT_OUTCOMES = {"succeeded": "succeeded", "canceled": "cancelled", "requires_action": "requires_action"}
REFUND_OUTCOMES = {"succeeded": "succeeded", "failed": "failed", "canceled": "failed"}
# https://docs.stripe.com/api/disputes/object#dispute_object-status
DISPUTE_STATUSES = {
    "warning_needs_response": "open",
    "needs_response": "open",
    "warning_under_review": "review",
    "under_review": "review",
    "warning_closed": "won",
    "prevented": "won",
    "won": "won",
    "lost": "lost",
}
DISPUTE_MOVES = {"charge.dispute.funds_withdrawn": "out", "charge.dispute.funds_reinstated": "in"}
# Stripe keeps two digits for these although ISO 4217 has none.
HUNDREDTHS_AT_STRIPE = frozenset({"ISK", "UGX"})


def to_stripe(amount_minor: int, currency: str) -> int:
    """Return our minor units as the whole number that Stripe wants."""
    return amount_minor * 100 if currency in HUNDREDTHS_AT_STRIPE else amount_minor


def from_stripe(amount: int, currency: str) -> int:
    """Return Stripe's whole number as our minor units."""
    return amount // 100 if currency.upper() in HUNDREDTHS_AT_STRIPE else amount


class StripeProvider(Provider):
    name = "stripe"
    label = _("Card (Stripe)")
    needs_account = True
    card = True

    @property
    def pages(self) -> tuple[str, ...]:  # type: ignore[override]  # read from the settings when it is asked for
        return ("https://checkout.stripe.com", *_development_pages())

    # --- Payments ----------------------------------------------------------------------------------------------------

    def start(self, payment: Payment, options: dict[str, Any]) -> Started:
        _refuse_thousandths(payment)
        client, extra = _client(payment.account)
        fee = _fee(payment)
        metadata = {"payment": str(payment.pk), "order": payment.order.code}
        with _translated():
            if options.get("flow") == "element":
                intent = client.v1.payment_intents.create(
                    params={
                        "amount": to_stripe(payment.amount_minor, payment.currency),
                        "currency": payment.currency.lower(),
                        "automatic_payment_methods": {"enabled": True},
                        "metadata": {**metadata, "flow": "element"},
                        **({"application_fee_amount": to_stripe(fee, payment.currency)} if fee else {}),
                    },
                    options={"idempotency_key": f"{payment.pk}:element", **extra},
                )
                return Started("pending", intent.id, client_secret=intent.client_secret or "")
            session = client.v1.checkout.sessions.create(
                params={
                    "mode": "payment",
                    "client_reference_id": payment.order.code,
                    "customer_email": payment.order.email,
                    "success_url": links.back(payment),
                    "cancel_url": links.back(payment),
                    "metadata": metadata,
                    "line_items": [
                        {
                            "quantity": 1,
                            "price_data": {
                                "currency": payment.currency.lower(),
                                "unit_amount": to_stripe(payment.amount_minor, payment.currency),
                                "product_data": {"name": links.title(payment)},
                            },
                        }
                    ],
                    "payment_intent_data": {
                        "metadata": metadata,
                        **({"application_fee_amount": to_stripe(fee, payment.currency)} if fee else {}),
                    },
                },
                options={"idempotency_key": f"{payment.pk}:checkout", **extra},
            )
        return Started("pending", "", redirect_url=session.url or "", session=session.id)

    def fee_minor(self, payment: Payment) -> int:
        return _fee(payment)

    def ask(self, payment: Payment) -> Notice | None:
        client, extra = _client(payment.account)
        identity = payment.reference
        with _translated():
            if not identity:
                if not payment.session:
                    return None
                session = client.v1.checkout.sessions.retrieve(payment.session, options=extra)
                if session.status == "expired":
                    return Notice(outcome="cancelled", session=session.id)
                if not session.payment_intent:
                    return Notice(outcome="pending", session=session.id)
                identity = str(session.payment_intent)
            told = _of_intent(client.v1.payment_intents.retrieve(identity, options=extra), payment.session)
            if payment.reference and payment.session and told.outcome not in ("succeeded", "cancelled"):
                # A closed page may leave an intent that still waits for the buyer's bank: nobody gets back to it.
                session = client.v1.checkout.sessions.retrieve(payment.session, options=extra)
                if session.status == "expired":
                    return Notice(outcome="cancelled", session=session.id)
            return told

    def give_up(self, payment: Payment) -> None:
        client, extra = _client(payment.account)
        try:
            with _translated():
                if payment.session:
                    client.v1.checkout.sessions.expire(payment.session, options=extra)
                elif payment.reference:
                    client.v1.payment_intents.cancel(payment.reference, options=extra)
        except ProviderRefused:
            # It was paid, or closed, in the same moment: the next question tells which.
            return

    # --- Refunds -----------------------------------------------------------------------------------------------------

    def refund(self, refund: Refund) -> Refunded:
        client, extra = _client(refund.payment.account)
        with _translated():
            made = client.v1.refunds.create(
                params={
                    "payment_intent": refund.payment.reference or "",
                    "amount": to_stripe(refund.amount_minor, refund.currency),
                    "metadata": {"refund": str(refund.pk)},
                    **({"refund_application_fee": True} if refund.payment.fee_minor else {}),
                },
                options={"idempotency_key": f"refund:{refund.pk}", **extra},
            )
        return Refunded(REFUND_OUTCOMES.get(made.status or "", "pending"), made.id)

    def ask_refund(self, refund: Refund) -> Refunded | None:
        if not refund.reference:
            # Not known to have been made: making it again under its own key is the question (O3).
            return self.refund(refund)
        client, extra = _client(refund.payment.account)
        with _translated():
            found = client.v1.refunds.retrieve(refund.reference, options=extra)
        return Refunded(REFUND_OUTCOMES.get(found.status or "", "pending"), found.id)

    # --- Webhooks ----------------------------------------------------------------------------------------------------

    def read(self, account: ProviderAccount, body: bytes, headers: Mapping[str, str], path: str) -> Notice:
        # What connected accounts say comes to the platform's address (payments.connected), none of it to the tenant's.
        return notice_of(verified(body, headers, keys.secrets_of(account).get("webhook_secret", "")))

    # --- The account -------------------------------------------------------------------------------------------------

    def connect(self, given: Mapping[str, str], webhook_url: str) -> tuple[bool, dict[str, Any], dict[str, str]]:
        """Takes `secret_key` (sk_… or rk_…) and `publishable_key`, or `account` (acct_…) for Connect.

        `webhook_secret` may be given where the endpoint was made by hand; else it is registered here.
        """
        connected = given.get("account", "").strip()
        key = settings.STRIPE_PLATFORM_KEY if connected else given.get("secret_key", "").strip()
        if not key.startswith(("sk_test_", "sk_live_", "rk_test_", "rk_live_")):
            field = "account" if connected else "secret_key"
            raise InvalidInput(
                errors=[FieldError(field, "invalid", _("A secret key starts with sk_test_ or sk_live_."))]
            )
        live = "_live_" in key
        publishable = given.get("publishable_key", "").strip()
        if publishable and ("pk_live_" if live else "pk_test_") not in publishable:
            message = _("One key is for test payments and the other for real ones.")
            raise InvalidInput(errors=[FieldError("publishable_key", "modes_mixed", message)])
        extra = {"stripe_account": connected} if connected else {}
        client = _client_with(key)
        try:
            with _translated():
                account = client.v1.accounts.retrieve_current(options=extra)
                secret = "" if connected else given.get("webhook_secret", "").strip()
                if not secret and not connected:
                    endpoint = client.v1.webhook_endpoints.create(
                        params={"url": webhook_url, "enabled_events": list(EVENTS)},
                        options=extra,
                    )
                    secret = endpoint.secret or ""
        except ProviderRefused as refusal:
            words = _("Stripe does not accept this key: {words}").format(words=str(refusal)[:200])
            raise InvalidInput(
                errors=[FieldError("account" if connected else "secret_key", "refused", words)]
            ) from None
        public = {"account": account.id, "publishable_key": publishable, "connected": bool(connected)}
        return live, public, {"secret_key": "" if connected else key, "webhook_secret": secret}

    def movements(self, account: ProviderAccount, since: datetime, until: datetime) -> Iterator[Movement]:
        client, extra = _client(account)
        created = {"gte": int(since.timestamp()), "lt": int(until.timestamp())}
        with _translated():
            page = client.v1.balance_transactions.list(
                params={"created": created, "limit": 100, "expand": ["data.source"]},
                options=extra,
            )
            for row in page.auto_paging_iter():
                kind = {"charge": "payment", "payment": "payment", "refund": "refund", "payment_refund": "refund"}.get(
                    row.type
                )
                if kind is None:
                    continue
                source: Any = row.source
                reference = source.id if kind == "refund" else source.payment_intent
                currency = row.currency.upper()
                at = datetime.fromtimestamp(row.created, UTC)
                yield Movement(kind, str(reference), from_stripe(row.amount, currency), currency, at)


def verified(body: bytes, headers: Mapping[str, str], secret: str) -> dict[str, Any]:
    """Return the event in a webhook's body if this secret signed it, just now (O6). Raises BadSignature.

    No secret signs nothing: an empty one is a key that anybody has.
    """
    header = headers.get("Stripe-Signature", "")
    if not secret:
        raise BadSignature
    try:
        text = body.decode()
        stripe.WebhookSignature.verify_header(text, header, secret, TOLERANCE_SECONDS)
        moment = int(dict(part.split("=", 1) for part in header.split(",") if "=" in part)["t"])
    except (stripe.SignatureVerificationError, UnicodeDecodeError, KeyError, ValueError):
        raise BadSignature from None
    if moment > time.time() + TOLERANCE_SECONDS:
        raise BadSignature
    event = json.loads(text)
    if not isinstance(event, dict):
        raise ValueError("an event is an object")
    return event


def notice_of(event: Mapping[str, Any]) -> Notice:
    """What a verified event says."""
    about = event["data"]["object"]
    if event["type"].startswith("charge.dispute."):
        return _of_dispute(event, about)
    return _of_event(event["id"], event["type"], bool(event["livemode"]), about)


def _client_with(key: str) -> Any:
    # Any: the SDK types each parameter as a TypedDict, which dicts that are put together from parts do not fit.
    return stripe.StripeClient(
        key,
        base_addresses={"api": settings.STRIPE_API_BASE},
        http_client=stripe.RequestsClient(timeout=TIMEOUT_SECONDS),
        # Repeats carry the same key, so they are the same call.
        max_network_retries=1,
    )


def _client(account: ProviderAccount | None) -> tuple[Any, dict[str, Any]]:
    """Return the SDK's client with the account's keys, and the options that each of its calls takes."""
    if account is None:
        raise ProviderRefused("this payment has no account")
    if account.public.get("connected"):
        return _client_with(settings.STRIPE_PLATFORM_KEY), {"stripe_account": account.public["account"]}
    return _client_with(keys.secrets_of(account)["secret_key"]), {}


def _fee(payment: Payment) -> int:
    """The platform's part in minor units, as the order has it; only a connected account's money passes by the platform.

    Of an order that is paid in parts, each part bears its own.
    """
    if payment.account is None or not payment.account.public.get("connected") or not payment.order.total_minor:
        return 0
    part = min(payment.amount_minor, payment.order.total_minor)
    return min(of_order(payment.order) * part // payment.order.total_minor, payment.amount_minor)


class _translated:
    """The SDK's errors as ours: what is unknown must be asked again, what was refused must not (O3)."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if not isinstance(error, stripe.StripeError):
            return
        unknown = (stripe.APIConnectionError, stripe.APIError, stripe.RateLimitError)
        status = error.http_status or 0
        if isinstance(error, unknown) or status >= 500 or status == 429:
            raise ProviderFailed(type(error).__name__) from None
        raise ProviderRefused(error.user_message or type(error).__name__) from None


def _of_intent(intent: Any, session: str) -> Notice:
    outcome = INTENT_OUTCOMES.get(intent.status, "pending")
    if outcome == "pending" and not session and intent.last_payment_error:
        outcome = "failed"
    currency = intent.currency.upper()
    return Notice(
        outcome=outcome,
        payment=dict(intent.metadata.to_dict() if intent.metadata else {}).get("payment", ""),
        reference=intent.id,
        session=session,
        amount_minor=from_stripe(intent.amount_received or 0, currency) if outcome == "succeeded" else None,
        currency=currency,
        live=bool(intent.livemode),
    )


def _of_event(identity: str, kind: str, live: bool, about: Any) -> Notice:
    """What one of `EVENTS` says; no outcome for any other (O8)."""
    metadata = about.get("metadata") or {}
    currency = str(about.get("currency") or "").upper()
    base: dict[str, Any] = {"event_id": identity, "kind": kind, "live": live, "currency": currency}
    if kind.startswith("checkout.session."):
        paid = kind.endswith("completed") and about.get("payment_status") == "paid"
        outcome = "succeeded" if paid else "cancelled" if kind.endswith("expired") else ""
        amount = from_stripe(int(about.get("amount_total") or 0), currency) if paid else None
        return Notice(
            **base, outcome=outcome, payment=metadata.get("payment", ""), session=about["id"],
            reference=about.get("payment_intent") or "", amount_minor=amount,
        )  # fmt: skip
    if kind.startswith("payment_intent."):
        outcome = {
            "succeeded": "succeeded",
            "payment_failed": "failed",
            "requires_action": "requires_action",
            "canceled": "cancelled",
        }.get(kind.partition(".")[2], "")
        if outcome != "succeeded" and metadata.get("flow") != "element":
            # On Stripe's own page the buyer goes on with another card; the page's own events tell its end.
            outcome = ""
        amount = from_stripe(int(about.get("amount_received") or 0), currency) if outcome == "succeeded" else None
        return Notice(
            **base, outcome=outcome, payment=metadata.get("payment", ""), reference=about["id"], amount_minor=amount
        )
    if kind in ("refund.created", "refund.updated", "refund.failed"):
        return Notice(
            **base,
            outcome=REFUND_OUTCOMES.get(about.get("status") or "", "pending"),
            refund=metadata.get("refund") or about["id"],
            reference=about.get("payment_intent") or "",
            session=about["id"],
            amount_minor=from_stripe(int(about["amount"]), currency),
        )
    return Notice(**base)


def _of_dispute(event: Mapping[str, Any], about: Mapping[str, Any]) -> Notice:
    currency = str(about["currency"]).upper()
    due = (about.get("evidence_details") or {}).get("due_by")
    moved = DISPUTE_MOVES.get(event["type"], "")
    # Stripe's own charge for it is a part of the movement that takes the money.
    moves = about.get("balance_transactions") or []
    fee = sum(int(row.get("fee") or 0) for row in moves) if moved == "out" else 0
    return Notice(
        event_id=event["id"],
        kind=event["type"],
        outcome="dispute",
        reference=about.get("payment_intent") or "",
        amount_minor=from_stripe(int(about["amount"]), currency),
        currency=currency,
        live=bool(event["livemode"]),
        fee_minor=from_stripe(fee, currency),
        dispute=about["id"],
        dispute_status=DISPUTE_STATUSES.get(about.get("status") or "", "open"),
        reason=str(about.get("reason") or "")[:60],
        answer_by=datetime.fromtimestamp(int(due), UTC).isoformat() if due else "",
        said_at=float(event.get("created") or 0),
        moved=moved,
    )


def _development_pages() -> tuple[str, ...]:
    return (settings.STRIPE_API_BASE,) if settings.DEVELOPMENT else ()


def _refuse_thousandths(payment: Payment) -> None:
    """Three digits end in a zero at Stripe: https://docs.stripe.com/currencies#three-decimal."""
    if exponent(payment.currency) == 3 and payment.amount_minor % 10:
        raise ProviderRefused("the last digit must be 0")
