"""Stripe Billing through its own SDK: the platform's customers, prices, subscriptions and invoices.

Nothing here writes a row of ours. Whatever moves money carries a fixed key, so that asking again is the same call
(O3); whoever calls must not hold a transaction open.

Rules are Stripe's: https://docs.stripe.com/api/idempotent_requests, https://docs.stripe.com/webhooks,
https://docs.stripe.com/billing/subscriptions/prorations, https://docs.stripe.com/currencies#zero-decimal.
"""

import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import stripe
from django.conf import settings

from shared_apps.billing.errors import (
    BillingOff,
    BillingUnavailable,
    CardDeclined,
    SignatureRefused,
    StripeRefused,
)
from shared_apps.billing.models import Plan

TIMEOUT_SECONDS = 10
# O6: neither older nor from a clock further ahead than this.
TOLERANCE_SECONDS = 300
# Stripe keeps two digits for these although ISO 4217 has none.
HUNDREDTHS_AT_STRIPE = frozenset({"ISK", "UGX"})
# Stripe's words for what is over.
ENDED = ("canceled", "incomplete_expired")
# So many of a customer's subscriptions and invoices are read at a time.
PAGE = 100
# Invoices further back are not read again: what they came to does not change.
MOST_INVOICES = 200


@dataclass(frozen=True)
class Sold:
    """One subscription as Stripe has it now. Times in UTC."""

    id: str
    status: str
    created: datetime
    price: str
    plan_slug: str
    item: str
    period_start: datetime | None
    period_end: datetime | None
    trial_end: datetime | None
    cancel_at_period_end: bool
    cancelled_at: datetime | None
    latest_invoice: str

    @property
    def is_over(self) -> bool:
        return self.status in ENDED


@dataclass(frozen=True)
class Bill:
    """One invoice as Stripe has it now; money in our minor units."""

    id: str
    subscription: str
    number: str
    status: str
    reason: str
    currency: str
    total_minor: int
    due_minor: int
    paid_minor: int
    left_minor: int
    issued_at: datetime
    finalized_at: datetime | None
    due_at: datetime | None
    paid_at: datetime | None
    next_try_at: datetime | None
    was_tried: bool
    by_card: bool
    period_start: datetime | None
    period_end: datetime | None
    lines: list[dict[str, Any]] = field(default_factory=list)
    page_url: str = ""
    pdf_url: str = ""

    def owed_since(self, now: datetime) -> datetime | None:
        """Since when it should have been paid; None if nothing is missing."""
        if self.status != "open" or not self.left_minor:
            return None
        if self.by_card:
            return self.finalized_at if self.was_tried else None
        return self.due_at if self.due_at is not None and self.due_at <= now else None


@dataclass(frozen=True)
class Told:
    """All that Stripe says of a customer at one moment."""

    subscriptions: list[Sold]
    invoices: list[Bill]
    is_gone: bool = False


def is_on() -> bool:
    """True if the platform has a Stripe account, so that plans can be sold."""
    return bool(settings.STRIPE_PLATFORM_KEY)


def is_live() -> bool:
    return "_live_" in settings.STRIPE_PLATFORM_KEY


# --- Reading ---------------------------------------------------------------------------------------------------------


def told_of(customer: str) -> Told:
    """Ask for everything about a customer: three calls, none of them kept by anybody."""
    client = _client()
    with _translated():
        found = client.v1.customers.retrieve(customer)
        if getattr(found, "deleted", False):
            return Told([], [], is_gone=True)
        rows = client.v1.subscriptions.list(params={"customer": customer, "status": "all", "limit": PAGE})
        sold = [_sold(row.to_dict()) for row in rows.auto_paging_iter()]
        bills = []
        for row in client.v1.invoices.list(params={"customer": customer, "limit": PAGE}).auto_paging_iter():
            bills.append(_bill(row.to_dict()))
            if len(bills) >= MOST_INVOICES:
                break
    return Told(sold, bills)


def _sold(row: dict[str, Any]) -> Sold:
    item = row["items"]["data"][0]
    price = item["price"]
    return Sold(
        id=row["id"],
        status=row["status"],
        created=_at(row["created"]) or datetime.now(UTC),
        price=price["id"],
        plan_slug=(price.get("metadata") or {}).get("plan", ""),
        item=item["id"],
        period_start=_at(item["current_period_start"]),
        period_end=_at(item["current_period_end"]),
        trial_end=_at(row.get("trial_end")),
        cancel_at_period_end=bool(row["cancel_at_period_end"]),
        cancelled_at=_at(row.get("canceled_at")),
        latest_invoice=str(row.get("latest_invoice") or ""),
    )


def _bill(row: dict[str, Any]) -> Bill:
    currency = row["currency"].upper()
    moves = row["status_transitions"]
    details = (row.get("parent") or {}).get("subscription_details") or {}
    return Bill(
        id=row["id"],
        subscription=str(details.get("subscription") or ""),
        number=row.get("number") or "",
        status=row["status"],
        reason=row.get("billing_reason") or "",
        currency=currency,
        total_minor=from_stripe(row["total"], currency),
        due_minor=from_stripe(row["amount_due"], currency),
        paid_minor=from_stripe(row["amount_paid"], currency),
        left_minor=from_stripe(row["amount_remaining"], currency),
        issued_at=_at(moves["finalized_at"] or row["created"]) or datetime.now(UTC),
        finalized_at=_at(moves["finalized_at"]),
        due_at=_at(row.get("due_date")),
        paid_at=_at(moves["paid_at"]),
        next_try_at=_at(row.get("next_payment_attempt")),
        was_tried=bool(row.get("attempted")),
        by_card=row["collection_method"] == "charge_automatically",
        period_start=_at(row["period_start"]),
        period_end=_at(row["period_end"]),
        lines=[
            {"text": (line["description"] or "")[:200], "amount_minor": from_stripe(line["amount"], currency)}
            for line in row["lines"]["data"]
        ],
        page_url=row.get("hosted_invoice_url") or "",
        pdf_url=row.get("invoice_pdf") or "",
    )


# --- What the owner does ---------------------------------------------------------------------------------------------


def make_customer(tenant: Any) -> str:
    """Make the tenant's customer, once: the key is fixed."""
    owner = tenant.owner
    with _translated():
        made = _client().v1.customers.create(
            params={
                "name": tenant.name,
                "email": owner.email if owner else "",
                "preferred_locales": [tenant.language],
                "metadata": {"tenant": str(tenant.pk), "slug": tenant.slug},
            },
            # The words may have changed since an earlier try; then it is another key, and the first one is nobody's.
            options={"idempotency_key": f"tenant:{tenant.pk}:customer:{owner.pk if owner else 0}:{_mark(tenant.name)}"},
        )
    return str(made["id"])


def price_of(plan: Plan) -> str:
    """Return the id of the plan's price at Stripe; found by its key or made there if it has none yet, or another."""
    currency = plan.currency
    key = f"{plan.slug}:{plan.price_minor}:{currency}:{plan.interval}".lower()
    client = _client()
    with _translated():
        found = client.v1.prices.list(params={"lookup_keys": [key], "active": True, "limit": 1})["data"]
        if found:
            return str(found[0]["id"])
        made = client.v1.prices.create(
            params={
                "currency": currency.lower(),
                "unit_amount": to_stripe(plan.price_minor, currency),
                "recurring": {"interval": plan.interval},
                "lookup_key": key,
                "metadata": {"plan": plan.slug},
                "product_data": {"name": plan.name, "metadata": {"plan": plan.slug}},
            },
            options={"idempotency_key": f"price:{key}"},
        )
    return str(made["id"])


def promotion_of(code: str) -> str:
    """Return the id of a promotion code that people type; empty if there is none that holds."""
    with _translated():
        found = _client().v1.promotion_codes.list(params={"code": code, "active": True, "limit": 1})["data"]
    return str(found[0]["id"]) if found else ""


def open_checkout(
    *, customer: str, price: str, trial_days: int, promotion: str, back: str, key: str, tenant: Any
) -> tuple[str, str]:
    """Open the page that asks for a card; returns its id and address. The same key gives the same page."""
    data: dict[str, Any] = {"metadata": {"tenant": str(tenant.pk)}}
    if trial_days:
        data["trial_period_days"] = trial_days
    params: dict[str, Any] = {
        "mode": "subscription",
        "customer": customer,
        "client_reference_id": str(tenant.pk),
        "line_items": [{"price": price, "quantity": 1}],
        "success_url": f"{back}?checkout=done",
        "cancel_url": f"{back}?checkout=left",
        "subscription_data": data,
    }
    if promotion:
        params["discounts"] = [{"promotion_code": promotion}]
    else:
        params["allow_promotion_codes"] = True
    with _translated():
        made = _client().v1.checkout.sessions.create(params=params, options={"idempotency_key": key})
    return str(made["id"]), str(made["url"])


def checkout_state(session: str) -> tuple[str, str]:
    """Return a page's state (`open`, `complete`, `expired`) and its address."""
    with _translated():
        found = _client().v1.checkout.sessions.retrieve(session)
    return str(found["status"]), str(found["url"] or "")


def close_checkout(session: str) -> None:
    """Let nobody pay on this page any more; one that was paid, or closed, stays what it is."""
    try:
        with _translated():
            _client().v1.checkout.sessions.expire(session)
    except StripeRefused:
        return


def change_price(sold: Sold, price: str, *, at_once: bool) -> None:
    """Move a subscription to another price: the rest of the period is reckoned out to the second, charged now if
    `at_once`, else with the next invoice. A card that is declined leaves everything as it was: raises CardDeclined.

    It needs no key of ours: the price is a state, and moving to it a second time reckons nothing out.
    """
    with _translated():
        _client().v1.subscriptions.update(
            sold.id,
            params={
                "items": [{"id": sold.item, "price": price}],
                "proration_behavior": "always_invoice" if at_once else "create_prorations",
                "payment_behavior": "error_if_incomplete",
            },
        )


def preview(customer: str, sold: Sold, price: str) -> tuple[int, int, str]:
    """Return what a change now would come to, what of it would be due, and the currency; money in minor units."""
    with _translated():
        found = _client().v1.invoices.create_preview(
            params={
                "customer": customer,
                "subscription": sold.id,
                "subscription_details": {
                    "items": [{"id": sold.item, "price": price}],
                    "proration_behavior": "always_invoice",
                },
            }
        )
    currency = found["currency"].upper()
    return from_stripe(found["total"], currency), from_stripe(found["amount_due"], currency), currency


def end_with_period(sold: Sold, *, yes: bool) -> None:
    """Let a subscription end with what is paid for, or take that back. Twice is once."""
    with _translated():
        _client().v1.subscriptions.update(sold.id, params={"cancel_at_period_end": yes})


def end_now(subscription: str) -> None:
    """End a subscription at once; nothing is reckoned out. One that is over stays over."""
    try:
        with _translated():
            _client().v1.subscriptions.cancel(subscription, params={"prorate": False, "invoice_now": False})
    except StripeRefused:
        return


def give_back(invoice: str) -> bool:
    """Give back what was paid for an invoice, once; returns whether anything was, now or before.

    Raises StripeRefused where the money cannot go back yet, as while the account holds too little.
    """
    client = _client()
    with _translated():
        found = client.v1.invoices.retrieve(invoice, params={"expand": ["payments"]}).to_dict()
    intents = [row["payment"].get("payment_intent") for row in (found.get("payments") or {"data": []})["data"]]
    paid = [str(intent) for intent in intents if intent]
    for intent in paid:
        try:
            with _translated():
                # All that is left of it: a second time Stripe itself refuses. Its word for a key is kept for a day,
                # refusals too, so tomorrow's try has another.
                key = f"double:{invoice}:{intent}:{datetime.now(UTC):%Y%m%d}"
                client.v1.refunds.create(params={"payment_intent": intent}, options={"idempotency_key": key})
        except StripeRefused as refusal:
            if refusal.why != "charge_already_refunded":
                raise
    return bool(paid)


def open_portal(customer: str, back: str) -> str:
    """Return the address of the page on which cards, addresses and invoices are looked after."""
    with _translated():
        made = _client().v1.billing_portal.sessions.create(params={"customer": customer, "return_url": back})
    return str(made["url"])


def invoice_fees(
    *, customer: str, currency: str, amount_minor: int, text: str, begins: datetime, ends: datetime, days: int, key: str
) -> str:
    """Make an invoice of one line that is paid within so many days, and return its id. The same key: the same one."""
    client = _client()
    with _translated():
        made = client.v1.invoices.create(
            params={
                "customer": customer,
                "currency": currency.lower(),
                "collection_method": "send_invoice",
                "days_until_due": days,
                "pending_invoice_items_behavior": "exclude",
                "metadata": {"key": key},
            },
            options={"idempotency_key": f"{key}:invoice"},
        )
        client.v1.invoice_items.create(
            params={
                "customer": customer,
                "invoice": made["id"],
                "amount": to_stripe(amount_minor, currency),
                "currency": currency.lower(),
                "description": text,
                "period": {"start": int(begins.timestamp()), "end": int(ends.timestamp())},
            },
            options={"idempotency_key": f"{key}:line"},
        )
        client.v1.invoices.finalize_invoice(made["id"], options={"idempotency_key": f"{key}:final"})
    return str(made["id"])


# --- Messages --------------------------------------------------------------------------------------------------------


def verified(body: bytes, headers: Mapping[str, str]) -> dict[str, Any]:
    """Return the event in a message if one of the platform's secrets signed these very bytes, just now (O6).

    Raises SignatureRefused, also where there is no secret: an empty one is a key that anybody has.
    """
    header = headers.get("Stripe-Signature", "")
    secrets = [secret.strip() for secret in settings.STRIPE_BILLING_WEBHOOK_SECRET.split(",") if secret.strip()]
    try:
        text = body.decode()
        moment = int(dict(part.split("=", 1) for part in header.split(",") if "=" in part)["t"])
    except (UnicodeDecodeError, KeyError, ValueError):
        raise SignatureRefused from None
    if abs(moment - time.time()) > TOLERANCE_SECONDS or not any(_signs(text, header, secret) for secret in secrets):
        raise SignatureRefused
    try:
        event = json.loads(text)
    except ValueError:
        raise SignatureRefused from None
    if not isinstance(event, dict):
        raise SignatureRefused
    return event


def _signs(text: str, header: str, secret: str) -> bool:
    try:
        return bool(stripe.WebhookSignature.verify_header(text, header, secret, TOLERANCE_SECONDS))
    except (stripe.SignatureVerificationError, ValueError):
        return False


# --- Helpers of this module ------------------------------------------------------------------------------------------


def to_stripe(amount_minor: int, currency: str) -> int:
    """Return our minor units as the whole number that Stripe wants."""
    return amount_minor * 100 if currency in HUNDREDTHS_AT_STRIPE else amount_minor


def from_stripe(amount: int, currency: str) -> int:
    """Return Stripe's whole number as our minor units."""
    return amount // 100 if currency.upper() in HUNDREDTHS_AT_STRIPE else amount


def _at(moment: Any) -> datetime | None:
    return datetime.fromtimestamp(int(moment), UTC) if moment else None


def _mark(text: str) -> str:
    """A few letters that change with the text, for a key."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _client() -> Any:
    # Any: the SDK types each parameter as a TypedDict, which dicts that are put together from parts do not fit.
    if not is_on():
        raise BillingOff
    return stripe.StripeClient(
        settings.STRIPE_PLATFORM_KEY,
        base_addresses={"api": settings.STRIPE_API_BASE},
        http_client=stripe.RequestsClient(timeout=TIMEOUT_SECONDS),
        # Repeats carry the same key, so they are the same call.
        max_network_retries=1,
    )


class _translated:
    """The SDK's errors as ours: what is unknown must be asked again, what was refused must not (O3)."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if not isinstance(error, stripe.StripeError):
            return
        # Whom it does not let in has learned nothing of what was asked: a key that is changed is no answer.
        shut_out = (stripe.AuthenticationError, stripe.PermissionError)
        unknown = (stripe.APIConnectionError, stripe.APIError, stripe.RateLimitError, *shut_out)
        if isinstance(error, unknown) or (error.http_status or 0) >= 500:
            raise BillingUnavailable from error
        if isinstance(error, stripe.CardError):
            raise CardDeclined(words=str(error.user_message or "")[:200]) from error
        words = str(error.user_message or type(error).__name__)[:200]
        raise StripeRefused(words=words, why=str(error.code or "")) from error
