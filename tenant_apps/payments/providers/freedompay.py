"""FreedomPay (formerly PayBox): a signed form in, signed XML back, and a signed call to our result address.

https://docs.freedompay.kz/ (init_payment.php, get_status3.php, revoke.php). The signature is the MD5 of the script's
name, the values of all parameters in the order of their names, and the secret key, joined by `;`; MD5 is their choice.
"""

import hashlib
import hmac
import secrets as random
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl

from django.conf import settings
from django.db.models import Sum
from django.utils.translation import gettext_lazy as _

from shared_apps.core.errors import FieldError, InvalidInput
from shared_apps.core.money import to_minor, to_text
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

OUTCOMES = {"success": "succeeded", "ok": "succeeded", "error": "failed", "failed": "failed", "revoked": "succeeded"}


def signature(script: str, fields: Mapping[str, str], secret: str) -> str:
    """Return pg_sig over every field that is sent (O6)."""
    values = [fields[name] for name in sorted(fields) if name != "pg_sig"]
    return hashlib.md5(";".join([script, *values, secret]).encode(), usedforsecurity=False).hexdigest()


class FreedomPayProvider(Provider):
    name = "freedompay"
    label = _("Card (FreedomPay)")
    needs_account = True
    card = True

    @property
    def pages(self) -> tuple[str, ...]:  # type: ignore[override]  # read from the settings when it is asked for
        real = ("https://customer.freedompay.kz", "https://customer.freedompay.money", "https://pay.freedompay.kz")
        return (*real, settings.FREEDOMPAY_API_BASE) if settings.DEVELOPMENT else real

    def start(self, payment: Payment, options: dict[str, Any]) -> Started:
        account = _of(payment)
        fields = {
            "pg_order_id": str(payment.pk),
            "pg_amount": to_text(payment.amount_minor, payment.currency),
            "pg_currency": payment.currency,
            "pg_description": links.title(payment),
            "pg_result_url": keys.webhook_url(self.name),
            "pg_success_url": links.back(payment),
            "pg_failure_url": links.back(payment),
            "pg_request_method": "POST",
            "pg_success_url_method": "GET",
            "pg_failure_url_method": "GET",
            "pg_user_contact_email": payment.order.email,
            "pg_testing_mode": "0" if account.live else "1",
        }
        answer = _ask(account, "init_payment.php", fields)
        return Started("pending", answer["pg_payment_id"], redirect_url=answer["pg_redirect_url"])

    def ask(self, payment: Payment) -> Notice | None:
        account = _of(payment)
        found = {"pg_payment_id": payment.reference} if payment.reference else {"pg_order_id": str(payment.pk)}
        try:
            answer = _ask(account, "get_status3.php", found)
        except ProviderRefused:
            return None if payment.reference else Notice(outcome="cancelled")
        outcome = OUTCOMES.get(answer.get("pg_payment_status", ""), "pending")
        currency = answer.get("pg_currency", payment.currency)
        return Notice(
            outcome=outcome,
            payment=answer.get("pg_order_id", ""),
            reference=answer["pg_payment_id"],
            amount_minor=to_minor(answer["pg_amount"], currency) if outcome == "succeeded" else None,
            currency=currency,
            live=answer.get("pg_testing_mode", "0") != "1",
        )

    def refund(self, refund: Refund) -> Refunded:
        """Revoking has no keys for idempotency: what was sent back is asked for first, so nothing is sent twice."""
        payment = refund.payment
        account = _of(payment)
        done = payment.refunds.filter(status=Refund.Status.SUCCEEDED).exclude(pk=refund.pk)
        ours = done.aggregate(sum=Sum("amount_minor"))["sum"] or 0
        answer = _ask(account, "get_status3.php", {"pg_payment_id": payment.reference or ""})
        theirs = to_minor(str(Decimal(answer.get("pg_refund_amount") or 0)), refund.currency)
        if theirs < ours + refund.amount_minor:
            amount = to_text(refund.amount_minor, refund.currency)
            _ask(account, "revoke.php", {"pg_payment_id": payment.reference or "", "pg_refund_amount": amount})
        return Refunded("succeeded", f"{payment.reference}-{refund.pk}")

    def ask_refund(self, refund: Refund) -> Refunded | None:
        return self.refund(refund)

    def read(self, account: ProviderAccount, body: bytes, headers: Mapping[str, str], path: str) -> Notice:
        try:
            pairs = parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=True)
        except (UnicodeDecodeError, ValueError):
            raise BadSignature from None
        fields = dict(pairs)
        if len(fields) != len(pairs):
            raise BadSignature
        wanted = signature(path.rsplit("/", 1)[-1], fields, keys.secrets_of(account)["secret_key"])
        if not hmac.compare_digest(wanted.encode(), fields.get("pg_sig", "").encode()):
            raise BadSignature
        paid = fields["pg_result"] == "1"
        currency = fields["pg_currency"]
        return Notice(
            # They number no events: the content is the key; their salt is new with each repetition (O8).
            event_id=hashlib.sha256(
                "\n".join(
                    f"{name}={fields[name]}" for name in sorted(fields) if name not in ("pg_salt", "pg_sig")
                ).encode()
            ).hexdigest(),
            kind="result",
            outcome="succeeded" if paid else "failed",
            payment=fields["pg_order_id"],
            reference=fields["pg_payment_id"],
            amount_minor=to_minor(fields["pg_amount"], currency) if paid else None,
            currency=currency,
            live=fields.get("pg_testing_mode", "0") != "1",
        )

    def movements(self, account: ProviderAccount, since: datetime, until: datetime) -> Iterator[Movement]:
        """They list no movements: each of our payments is asked about, and what went back is compared as a sum."""
        ours = Payment.objects.filter(account=account, created_at__gte=since, created_at__lt=until)
        for payment in ours.exclude(reference=None):
            try:
                answer = _ask(account, "get_status3.php", {"pg_payment_id": payment.reference or ""})
            except ProviderRefused:
                continue
            if OUTCOMES.get(answer.get("pg_payment_status", "")) != "succeeded":
                continue
            currency = answer["pg_currency"]
            amount = to_minor(answer["pg_amount"], currency)
            yield Movement("payment", answer["pg_payment_id"], amount, currency, payment.created_at)
            back = to_minor(str(Decimal(answer.get("pg_refund_amount") or 0)), currency)
            refunds = list(payment.refunds.filter(status=Refund.Status.SUCCEEDED))
            if back == sum(refund.amount_minor for refund in refunds):
                for refund in refunds:
                    reference = refund.reference or ""
                    yield Movement("refund", reference, -refund.amount_minor, currency, refund.created_at)
            elif back:
                yield Movement("refund", answer["pg_payment_id"], -back, currency, payment.created_at)

    def connect(self, given: Mapping[str, str], webhook_url: str) -> tuple[bool, dict[str, Any], dict[str, str]]:
        """Takes `merchant_id`, `secret_key` and `mode` ("live" or "test")."""
        merchant, secret = given.get("merchant_id", "").strip(), given.get("secret_key", "").strip()
        missing = [
            FieldError(name, "required", _("This is needed."))
            for name, value in (("merchant_id", merchant), ("secret_key", secret))
            if not value
        ]
        if given.get("mode") not in ("live", "test"):
            missing.append(FieldError("mode", "invalid_choice", _("Use live or test.")))
        if missing:
            raise InvalidInput(errors=missing)
        try:
            _send("get_status3.php", {"pg_merchant_id": merchant, "pg_order_id": "0"}, secret)
        except ProviderRefused as refusal:
            # "No such payment" is the right answer to this question; a wrong key gets another one.
            if "9998" in str(refusal) or "signature" in str(refusal).lower():
                message = _("FreedomPay does not accept this merchant number with this key.")
                raise InvalidInput(errors=[FieldError("secret_key", "refused", message)]) from None
        return given["mode"] == "live", {"merchant_id": merchant}, {"secret_key": secret}


def reply(account: ProviderAccount, path: str, *, accepted: bool) -> bytes:
    """The signed XML that FreedomPay wants back from its result address."""
    script = path.rsplit("/", 1)[-1]
    fields = {"pg_salt": random.token_hex(8), "pg_status": "ok" if accepted else "error"}
    fields["pg_sig"] = signature(script, fields, keys.secrets_of(account)["secret_key"])
    inside = "".join(f"<{name}>{value}</{name}>" for name, value in fields.items())
    return f'<?xml version="1.0" encoding="utf-8"?><response>{inside}</response>'.encode()


def _of(payment: Payment) -> ProviderAccount:
    if payment.account is None:
        raise ProviderRefused("this payment has no account")
    return payment.account


def _ask(account: ProviderAccount, script: str, fields: dict[str, str]) -> dict[str, str]:
    secret = keys.secrets_of(account)["secret_key"]
    return _send(script, {"pg_merchant_id": account.public["merchant_id"], **fields}, secret)


def _send(script: str, fields: dict[str, str], secret: str) -> dict[str, str]:
    fields = {**fields, "pg_salt": random.token_hex(8)}
    fields["pg_sig"] = signature(script, fields, secret)
    answer = call("POST", f"{settings.FREEDOMPAY_API_BASE}/{script}", data=fields)
    try:
        root = ElementTree.fromstring(answer.content)  # noqa: S314  (our provider's answer; expat bounds entities)
    except ElementTree.ParseError:
        raise ProviderFailed("no XML") from None
    content = {child.tag: child.text or "" for child in root}
    if content.get("pg_status") != "ok":
        raise ProviderRefused(f"{content.get('pg_error_code', '')} {content.get('pg_error_description', '')}")
    if not hmac.compare_digest(signature(script, content, secret).encode(), content.get("pg_sig", "").encode()):
        raise ProviderFailed("the answer is not signed with our key")
    return content
