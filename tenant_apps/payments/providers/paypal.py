"""PayPal: orders that the buyer approves and we capture.

https://developer.paypal.com/docs/api/orders/v2/, /payments/v2/, idempotency by PayPal-Request-Id
https://developer.paypal.com/api/rest/reference/idempotency/, webhooks https://developer.paypal.com/api/rest/webhooks/rest/.
"""

import base64
import json
import zlib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from django.conf import settings
from django.core.cache import caches
from django.utils.translation import gettext_lazy as _

from shared_apps.core.errors import FieldError, InvalidInput
from shared_apps.core.money import to_minor, to_text
from tenant_apps.orders.models import Order
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
from tenant_apps.payments.providers.calling import call

EVENTS = (
    "CHECKOUT.ORDER.APPROVED",
    "PAYMENT.CAPTURE.COMPLETED",
    "PAYMENT.CAPTURE.DENIED",
    "PAYMENT.CAPTURE.REFUNDED",
    "PAYMENT.REFUND.PENDING",
    "PAYMENT.REFUND.FAILED",
)
REFUND_OUTCOMES = {"COMPLETED": "succeeded", "FAILED": "failed", "CANCELLED": "failed"}
# PayPal takes no fractions of these: https://developer.paypal.com/reference/currency-codes/
WHOLE_ONLY = frozenset({"HUF", "TWD"})
CERTIFICATE_SECONDS = 3600


def amount_of(amount: Mapping[str, str]) -> tuple[int, str]:
    """Return PayPal's amount as minor units and its currency."""
    return to_minor(amount["value"], amount["currency_code"]), amount["currency_code"]


class PayPalProvider(Provider):
    name = "paypal"
    label = "PayPal"
    needs_account = True

    @property
    def pages(self) -> tuple[str, ...]:  # type: ignore[override]  # read from the settings when it is asked for
        real = ("https://www.paypal.com", "https://www.sandbox.paypal.com")
        return (*real, settings.PAYPAL_SANDBOX_BASE) if settings.DEVELOPMENT else real

    def start(self, payment: Payment, options: dict[str, Any]) -> Started:
        if payment.currency in WHOLE_ONLY and payment.amount_minor % 100:
            raise ProviderRefused(f"PayPal takes whole {payment.currency} only")
        body = {
            "intent": "CAPTURE",
            "purchase_units": [
                {
                    "reference_id": "default",
                    "custom_id": str(payment.pk),
                    "description": links.title(payment),
                    "amount": {
                        "currency_code": payment.currency,
                        "value": to_text(payment.amount_minor, payment.currency),
                    },
                }
            ],
            "payment_source": {
                "paypal": {
                    "experience_context": {
                        "return_url": links.back(payment),
                        "cancel_url": links.back(payment),
                        "user_action": "PAY_NOW",
                        "shipping_preference": "NO_SHIPPING",
                    }
                }
            },
        }
        made = self._post(payment.account, "/v2/checkout/orders", body, key=str(payment.pk))
        address = next((link["href"] for link in made["links"] if link["rel"] in ("payer-action", "approve")), "")
        return Started("pending", "", redirect_url=address, session=made["id"])

    def ask(self, payment: Payment) -> Notice | None:
        """Tells how it stands, and captures what was approved while the order still waits for it."""
        if not payment.session:
            return None
        try:
            order = self._get(payment.account, f"/v2/checkout/orders/{payment.session}")
        except ProviderRefused:  # nobody approved it, and PayPal forgot it
            return Notice(outcome="cancelled", session=payment.session)
        if order["status"] == "APPROVED":
            waiting = Order.objects.filter(pk=payment.order_id, status=Order.Status.PENDING).exists()
            if not waiting:
                return Notice(outcome="cancelled", session=payment.session)
            try:
                path = f"/v2/checkout/orders/{payment.session}/capture"
                order = self._post(payment.account, path, {}, key=f"capture:{payment.pk}")
            except ProviderRefused as refusal:
                if "ORDER_ALREADY_CAPTURED" not in str(refusal):
                    return Notice(outcome="failed", session=payment.session)
                order = self._get(payment.account, f"/v2/checkout/orders/{payment.session}")
        captures = order["purchase_units"][0].get("payments", {}).get("captures", [])
        if not captures:
            return Notice(outcome="cancelled" if order["status"] == "VOIDED" else "pending", session=payment.session)
        return self._of_capture(captures[0], payment.session, live=bool(payment.account and payment.account.live))

    def _of_capture(self, capture: Any, session: str, *, live: bool, event_id: str = "", kind: str = "") -> Notice:
        amount, currency = amount_of(capture["amount"])
        outcome = {"COMPLETED": "succeeded", "DECLINED": "failed", "FAILED": "failed"}.get(capture["status"], "pending")
        return Notice(
            event_id=event_id,
            kind=kind,
            outcome=outcome,
            payment=capture.get("custom_id", ""),
            reference=capture["id"],
            session=session,
            amount_minor=amount if outcome == "succeeded" else None,
            currency=currency,
            live=live,
        )

    def refund(self, refund: Refund) -> Refunded:
        payment = refund.payment
        body = {
            "amount": {"currency_code": refund.currency, "value": to_text(refund.amount_minor, refund.currency)},
            "custom_id": str(refund.pk),
        }
        path = f"/v2/payments/captures/{payment.reference}/refund"
        made = self._post(payment.account, path, body, key=str(refund.pk))
        return Refunded(REFUND_OUTCOMES.get(made["status"], "pending"), made["id"])

    def ask_refund(self, refund: Refund) -> Refunded | None:
        if not refund.reference:
            return self.refund(refund)
        found = self._get(refund.payment.account, f"/v2/payments/refunds/{refund.reference}")
        return Refunded(REFUND_OUTCOMES.get(found["status"], "pending"), found["id"])

    # --- Webhooks ----------------------------------------------------------------------------------------------------

    def read(self, account: ProviderAccount, body: bytes, headers: Mapping[str, str], path: str) -> Notice:
        _verify(account, body, headers)
        event = json.loads(body)
        kind, resource = event["event_type"], event["resource"]
        base: dict[str, Any] = {"event_id": event["id"], "kind": kind, "live": account.live}
        if kind == "CHECKOUT.ORDER.APPROVED":
            return Notice(**base, outcome="ask", session=resource["id"])
        if kind in ("PAYMENT.CAPTURE.COMPLETED", "PAYMENT.CAPTURE.DENIED"):
            session = resource.get("supplementary_data", {}).get("related_ids", {}).get("order_id", "")
            return self._of_capture(resource, session, **base)
        if kind in ("PAYMENT.CAPTURE.REFUNDED", "PAYMENT.REFUND.PENDING", "PAYMENT.REFUND.FAILED"):
            amount, currency = amount_of(resource["amount"])
            capture = next((link["href"].rsplit("/", 1)[-1] for link in resource["links"] if link["rel"] == "up"), "")
            return Notice(
                **base,
                outcome=REFUND_OUTCOMES.get(resource["status"], "pending"),
                refund=resource.get("custom_id") or resource["id"],
                reference=capture,
                session=resource["id"],
                amount_minor=amount,
                currency=currency,
            )
        return Notice(**base)

    # --- The account -------------------------------------------------------------------------------------------------

    def connect(self, given: Mapping[str, str], webhook_url: str) -> tuple[bool, dict[str, Any], dict[str, str]]:
        """Takes `client_id`, `client_secret` and `mode` ("live" or "test", the sandbox)."""
        secrets = {name: given.get(name, "").strip() for name in ("client_id", "client_secret")}
        missing = [FieldError(name, "required", _("This is needed.")) for name, value in secrets.items() if not value]
        if given.get("mode") not in ("live", "test"):
            missing.append(FieldError("mode", "invalid_choice", _("Use live or test.")))
        if missing:
            raise InvalidInput(errors=missing)
        live = given["mode"] == "live"
        try:
            token = _token(_base(live), secrets)
            made = _json(
                call(
                    "POST",
                    f"{_base(live)}/v1/notifications/webhooks",
                    json={"url": webhook_url, "event_types": [{"name": name} for name in EVENTS]},
                    headers={"Authorization": f"Bearer {token}"},
                )
            )
        except ProviderRefused as refusal:
            message = _("PayPal does not accept these: {words}").format(words=str(refusal)[:200])
            raise InvalidInput(errors=[FieldError("client_secret", "refused", message)]) from None
        return live, {"client_id": secrets["client_id"], "webhook_id": made["id"]}, secrets

    def movements(self, account: ProviderAccount, since: datetime, until: datetime) -> Iterator[Movement]:
        # At most 31 days a question: https://developer.paypal.com/docs/api/transaction-search/v1/
        while since < until:
            end = min(until, since + timedelta(days=31))
            yield from self._movements(account, since, end)
            since = end

    def _movements(self, account: ProviderAccount, since: datetime, until: datetime) -> Iterator[Movement]:
        page, pages = 1, 1
        while page <= pages:
            query = {
                "start_date": since.astimezone(UTC).isoformat(),
                "end_date": until.astimezone(UTC).isoformat(),
                "page_size": 100,
                "page": page,
            }
            found = self._get(account, "/v1/reporting/transactions", query)
            for row in found["transaction_details"]:
                info = row["transaction_info"]
                amount, currency = amount_of(info["transaction_amount"])
                kind = "payment" if amount > 0 else "refund"
                at = datetime.fromisoformat(info["transaction_initiation_date"])
                yield Movement(kind, info["transaction_id"], amount, currency, at)
            page, pages = page + 1, found["total_pages"]

    # --- Calls -------------------------------------------------------------------------------------------------------

    def _get(self, account: ProviderAccount | None, path: str, query: dict[str, Any] | None = None) -> Any:
        base, token = _reached(account)
        return _json(call("GET", base + path, params=query, headers={"Authorization": f"Bearer {token}"}))

    def _post(self, account: ProviderAccount | None, path: str, body: Any, *, key: str) -> Any:
        base, token = _reached(account)
        headers = {"Authorization": f"Bearer {token}", "PayPal-Request-Id": key, "Prefer": "return=representation"}
        return _json(call("POST", base + path, json=body, headers=headers))


def _base(live: bool) -> str:
    return str(settings.PAYPAL_API_BASE if live else settings.PAYPAL_SANDBOX_BASE)


def _reached(account: ProviderAccount | None) -> tuple[str, str]:
    if account is None:
        raise ProviderRefused("this payment has no account")
    base = _base(account.live)
    return base, _token(base, keys.secrets_of(account))


def _token(base: str, secrets: Mapping[str, str]) -> str:
    answer = call(
        "POST",
        f"{base}/v1/oauth2/token",
        data={"grant_type": "client_credentials"},
        auth=(secrets["client_id"], secrets["client_secret"]),
    )
    return str(_json(answer)["access_token"])


def _json(answer: Any) -> Any:
    try:
        content = answer.json()
    except ValueError:
        raise ProviderFailed("no JSON") from None
    if answer.status_code >= 400:
        issues = [detail.get("issue", "") for detail in content.get("details", [])]
        raise ProviderRefused(" ".join([content.get("name") or content.get("error_description") or "", *issues]))
    return content


# --- Signatures (O6) -------------------------------------------------------------------------------------------------


def _verify(account: ProviderAccount, body: bytes, headers: Mapping[str, str]) -> None:
    """Check that PayPal signed `id|time|webhook id|crc32 of the body`. Raises BadSignature."""
    if headers.get("Paypal-Auth-Algo") != "SHA256withRSA":
        raise BadSignature
    parts = [headers.get(f"Paypal-Transmission-{name}", "") for name in ("Id", "Time")]
    text = "|".join([*parts, account.public.get("webhook_id", ""), str(zlib.crc32(body))])
    try:
        sent = datetime.fromisoformat(parts[1])
        signature = base64.b64decode(headers.get("Paypal-Transmission-Sig", ""), validate=True)
        key = _certificate(headers.get("Paypal-Cert-Url", "")).public_key()
        if not isinstance(key, rsa.RSAPublicKey) or sent.tzinfo is None:
            raise BadSignature
        key.verify(signature, text.encode(), padding.PKCS1v15(), hashes.SHA256())
    except (ValueError, InvalidSignature, ProviderFailed):
        raise BadSignature from None


def _certificate(address: str) -> x509.Certificate:
    """Fetch the certificate, from PayPal's own hosts only, and keep it for an hour."""
    if not _is_paypal(address):
        raise BadSignature
    cache = caches["global"]
    key = f"paypal-certificate:{address}"
    pem = cache.get(key)
    if pem is None:
        answer = call("GET", address)
        if answer.status_code != 200:
            raise BadSignature
        pem = answer.content
        cache.set(key, pem, CERTIFICATE_SECONDS)
    certificate = x509.load_pem_x509_certificate(pem)
    now = datetime.now(UTC)
    if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
        raise BadSignature
    return certificate


def _is_paypal(address: str) -> bool:
    try:
        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return False
    if settings.DEVELOPMENT and address.startswith(f"{settings.PAYPAL_SANDBOX_BASE}/certs/"):
        return True
    real = parts.scheme == "https" and port in (None, 443) and not parts.username
    return real and (host == "paypal.com" or host.endswith(".paypal.com"))
