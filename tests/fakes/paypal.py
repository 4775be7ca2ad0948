"""PayPal's REST API as a shop sees it: orders, captures, refunds, transactions, webhooks signed with a certificate.

Written from https://developer.paypal.com/docs/api/orders/v2/, /payments/v2/, /transaction-search/v1/ and
https://developer.paypal.com/api/rest/webhooks/rest/ (the signed text is id|time|webhook id|crc32 of the body).
"""

import base64
import datetime
import html
import json
import zlib
from decimal import Decimal
from functools import lru_cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

from tests.fakes.server import Answer, Fake, Request, html_answer, json_answer, new_id, redirect

DIGITS = {"JPY": 0, "HUF": 0, "TWD": 0}


def minor(amount: dict[str, str]) -> int:
    return int(Decimal(amount["value"]).scaleb(DIGITS.get(amount["currency_code"], 2)))


def money(amount: int, currency: str) -> dict[str, str]:
    digits = DIGITS.get(currency, 2)
    return {"currency_code": currency, "value": f"{Decimal(amount).scaleb(-digits):.{digits}f}"}


@lru_cache(maxsize=1)
def certificate() -> tuple[rsa.RSAPrivateKey, bytes]:
    """A key and a certificate for it, made once per process."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "messageverificationcerts.paypal.com")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=365))
        .sign(key, hashes.SHA256())
    )
    return key, made.public_bytes(serialization.Encoding.PEM)


class PayPal(Fake):
    """The API at `url`, the buyer's approval page at `url/checkoutnow?token=…`."""

    name = "paypal"

    def handle(self, request: Request) -> Answer:
        if request.path == "/checkoutnow":
            return self._approval_page(request)
        if request.path.startswith("/certs/"):
            return Answer(200, certificate()[1], "application/x-pem-file")
        if request.path == "/v1/oauth2/token":
            return self._token(request)
        account = self._account(request)
        if account is None:
            return json_answer(
                {"error": "invalid_token", "error_description": "Token signature verification failed"}, 401
            )
        if request.method == "GET":
            return self._read(request, account)
        key = request.headers.get("paypal-request-id", "")
        return self.once(
            key and f"{account} {request.path} {key}",
            request,
            lambda: self._write(request, account),
            conflict=lambda: self.issue("DUPLICATE_REQUEST_ID", 422),
        )

    def issue(self, name: str, status: int = 422) -> Answer:
        return json_answer(
            {"name": "UNPROCESSABLE_ENTITY", "details": [{"issue": name}], "debug_id": new_id("")}, status
        )

    def _token(self, request: Request) -> Answer:
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        client, _, secret = base64.b64decode(given or "").decode().partition(":") if scheme == "Basic" else ("", "", "")
        if not client or not secret or secret == "wrong":
            return json_answer({"error": "invalid_client", "error_description": "Client Authentication failed"}, 401)
        return json_answer(
            {
                "access_token": f"A21.{base64.urlsafe_b64encode(client.encode()).decode()}",
                "token_type": "Bearer",
                "expires_in": 32400,
            }
        )

    def _account(self, request: Request) -> str | None:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if not token.startswith("A21."):
            return None
        return base64.urlsafe_b64decode(token.removeprefix("A21.")).decode()

    # --- The API -----------------------------------------------------------------------------------------------------

    def _read(self, request: Request, account: str) -> Answer:
        match request.path.strip("/").split("/"):
            case ["v2", "checkout", "orders", identity]:
                found = self.books.get(identity, "order", account)
            case ["v2", "payments", "captures", identity]:
                found = self.books.get(identity, "capture", account)
            case ["v2", "payments", "refunds", identity]:
                found = self.books.get(identity, "refund", account)
            case ["v1", "reporting", "transactions"]:
                return self._transactions(request, account)
            case _:
                found = None
        return json_answer(found) if found else json_answer({"name": "RESOURCE_NOT_FOUND"}, 404)

    def _transactions(self, request: Request, account: str) -> Answer:
        def moment(name: str) -> float:
            return datetime.datetime.fromisoformat(request.query[name]).timestamp()

        rows = [row for row in self.books.movements(account) if moment("start_date") <= row["at"] <= moment("end_date")]
        size, page = int(request.query.get("page_size", 100)), int(request.query.get("page", 1))
        details = [
            {
                "transaction_info": {
                    "transaction_id": row["id"],
                    "paypal_reference_id": row["of"],
                    "transaction_event_code": "T0006" if row["kind"] == "payment" else "T1107",
                    "transaction_amount": money(row["amount"], row["currency"]),
                    "transaction_initiation_date": datetime.datetime.fromtimestamp(row["at"], datetime.UTC).isoformat(),
                    "transaction_status": "S",
                }
            }
            for row in rows
        ]
        pages = max(1, -(-len(details) // size))
        return json_answer(
            {"transaction_details": details[(page - 1) * size : page * size], "total_pages": pages, "page": page}
        )

    def _write(self, request: Request, account: str) -> Answer:
        match request.path.strip("/").split("/"):
            case ["v2", "checkout", "orders"]:
                return self._open(request, account)
            case ["v2", "checkout", "orders", identity, "capture"]:
                return self._capture(account, identity)
            case ["v2", "payments", "captures", identity, "refund"]:
                return self._refund(request, account, identity)
            case ["v1", "notifications", "webhooks"]:
                given = request.json
                made = {"id": new_id("WH-"), "url": given["url"], "event_types": given["event_types"]}
                return json_answer(self.books.put("endpoint", account, made), 201)
            case _:
                return json_answer({"name": "RESOURCE_NOT_FOUND"}, 404)

    def _open(self, request: Request, account: str) -> Answer:
        given = request.json
        unit = given["purchase_units"][0]
        identity = new_id("")[:17].upper()
        context = given.get("payment_source", {}).get("paypal", {}).get("experience_context", {})
        order = {
            "id": identity, "status": "PAYER_ACTION_REQUIRED", "intent": given["intent"], "purchase_units": [unit],
            "links": [{"rel": "payer-action", "href": f"{self.url}/checkoutnow?token={identity}", "method": "GET"}],
            "_return": context.get("return_url", ""), "_cancel": context.get("cancel_url", ""),
        }  # fmt: skip
        return json_answer(self.books.put("order", account, order), 201)

    def _capture(self, account: str, identity: str) -> Answer:
        order = self.books.get(identity, "order", account)
        if order is None:
            return json_answer({"name": "RESOURCE_NOT_FOUND"}, 404)
        if order["status"] == "COMPLETED":
            return self.issue("ORDER_ALREADY_CAPTURED")
        if order["status"] != "APPROVED":
            return self.issue("ORDER_NOT_APPROVED")
        unit = order["purchase_units"][0]
        if order.get("_card") == "declined":
            return self.issue("INSTRUMENT_DECLINED")
        currency = self.knobs.wrong_currency or unit["amount"]["currency_code"]
        amount = minor(unit["amount"]) + self.knobs.wrong_amount_minor
        capture = {
            "id": new_id("")[:17].upper(), "status": "COMPLETED", "amount": money(amount, currency),
            "final_capture": True, "custom_id": unit.get("custom_id", ""),
            "supplementary_data": {"related_ids": {"order_id": identity}},
        }  # fmt: skip
        order["status"] = "COMPLETED"
        unit["payments"] = {"captures": [capture]}
        self.books.put("order", account, order)
        self.books.put("capture", account, capture)
        self.books.move("payment", account, capture["id"], amount, currency, of=identity)
        self._announce(account, "PAYMENT.CAPTURE.COMPLETED", "capture", capture)
        return json_answer(order, 201)

    def _refund(self, request: Request, account: str, identity: str) -> Answer:
        capture = self.books.get(identity, "capture", account)
        if capture is None:
            return json_answer({"name": "RESOURCE_NOT_FOUND"}, 404)
        taken, currency = minor(capture["amount"]), capture["amount"]["currency_code"]
        back = sum(minor(row["amount"]) for row in self.books.all("refund", account) if row["_capture"] == identity)
        amount = minor(request.json["amount"]) if request.json.get("amount") else taken - back
        if back == taken:
            return self.issue("CAPTURE_FULLY_REFUNDED")
        if back + amount > taken:
            return self.issue("REFUND_AMOUNT_EXCEEDED")
        status = "PENDING" if self.knobs.refunds_stay_pending else "COMPLETED"
        refund = {
            "id": new_id("")[:17].upper(), "status": status, "amount": money(amount, currency), "_capture": identity,
            "custom_id": request.json.get("custom_id", ""),
            "links": [{"rel": "up", "href": f"{self.url}/v2/payments/captures/{identity}", "method": "GET"}],
        }  # fmt: skip
        self.books.put("refund", account, refund)
        if status == "COMPLETED":
            self.books.move("refund", account, refund["id"], -amount, currency, of=identity)
        kind = "PAYMENT.CAPTURE.REFUNDED" if status == "COMPLETED" else "PAYMENT.REFUND.PENDING"
        self._announce(account, kind, "refund", refund)
        return json_answer(refund, 201)

    # --- The buyer ---------------------------------------------------------------------------------------------------

    def _approval_page(self, request: Request) -> Answer:
        identity = request.query.get("token", "")
        order = self.books.get(identity, "order")
        if order is None:
            return html_answer("<h1>No such order</h1>", 404)
        if request.method == "GET":
            unit = order["purchase_units"][0]["amount"]
            return html_answer(
                f"<h1>Pay {html.escape(unit['value'])} {html.escape(unit['currency_code'])}</h1>"
                "<p>This is a fake of PayPal.</p>"
                "<form method=post><button name=answer value=yes>Pay now</button>"
                "<button name=answer value=declined>Pay with a card that is declined</button>"
                "<button name=answer value=no>Cancel and go back</button></form>"
            )
        if request.form.get("answer") == "no":
            return redirect(order["_cancel"])
        account = self.books.account_of(identity)
        if order["status"] == "PAYER_ACTION_REQUIRED":
            order |= {"status": "APPROVED", "_card": request.form.get("answer")}
            self.books.put("order", account, order)
            self._announce(account, "CHECKOUT.ORDER.APPROVED", "checkout-order", order)
        address = order["_return"]
        return redirect(f"{address}{'&' if '?' in address else '?'}token={identity}&PayerID=FAKEPAYER")

    # --- Webhooks ----------------------------------------------------------------------------------------------------

    def _announce(self, account: str, kind: str, resource_type: str, content: dict[str, Any]) -> None:
        event = {
            "id": new_id("WH-"), "event_type": kind, "resource_type": resource_type, "event_version": "1.0",
            "create_time": datetime.datetime.now(datetime.UTC).isoformat(),
            "resource": {name: value for name, value in content.items() if name[0] != "_"},
        }  # fmt: skip
        self.books.put("event", account, event)
        for endpoint in self.books.all("endpoint", account):
            if {"*", kind} & {each["name"] for each in endpoint["event_types"]}:
                self.tell(endpoint["url"], lambda e=endpoint: self.signed(event, e["id"]))  # type: ignore[misc]  # a default binds the loop's value

    def signed(self, event: dict[str, Any], webhook: str, cert_url: str = "") -> tuple[bytes, dict[str, str]]:
        """The event's body and its PAYPAL-* headers."""
        body = json.dumps(event).encode()
        identity, at = new_id(""), datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        text = f"{identity}|{at}|{webhook}|{zlib.crc32(body)}".encode()
        if self.knobs.bad_signature:
            text += b"!"
        signature = certificate()[0].sign(text, padding.PKCS1v15(), hashes.SHA256())
        headers = {
            "Paypal-Transmission-Id": identity, "Paypal-Transmission-Time": at, "Paypal-Auth-Algo": "SHA256withRSA",
            "Paypal-Cert-Url": cert_url or f"{self.url}/certs/CERT-360caa42-fca2a594",
            "Paypal-Transmission-Sig": base64.b64encode(signature).decode(), "Content-Type": "application/json",
        }  # fmt: skip
        return body, headers
