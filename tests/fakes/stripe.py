"""Stripe as its own SDK sees it: Checkout, PaymentIntents with 3-D Secure, refunds, Connect fees, webhooks; Billing.

Written from https://docs.stripe.com/api (objects and errors), https://docs.stripe.com/testing (test cards) and
https://docs.stripe.com/webhooks#verify-manually (signatures). Accounts are told apart by their secret key.
"""

import hashlib
import hmac
import html
import json
import time
from typing import Any
from urllib.parse import parse_qsl

from tests.fakes.server import Answer, Fake, Request, html_answer, json_answer, new_id, redirect
from tests.fakes.stripe_billing import Billing

# https://docs.stripe.com/testing
DECLINED = {
    "4000000000000002": ("card_declined", "generic_decline"),
    "4000000000009995": ("card_declined", "insufficient_funds"),
    "4000000000000069": ("expired_card", "expired_card"),
    "4000000000000127": ("incorrect_cvc", "incorrect_cvc"),
}
NEEDS_3DS = {"4000002500003155", "4000002760003184", "4000000000003220"}
PAYMENT_METHODS = {
    "pm_card_visa": "4242424242424242",
    "pm_card_threeDSecure2Required": "4000000000003220",
    "pm_card_visa_chargeDeclined": "4000000000000002",
    "pm_card_chargeDeclined": "4000000000000002",
}


def nested(form: list[tuple[str, str]]) -> dict[str, Any]:
    """`a[b][0]=c` as the nested objects that it means."""
    result: dict[str, Any] = {}
    for name, value in form:
        keys = name.replace("]", "").split("[")
        place = result
        for key in keys[:-1]:
            place = place.setdefault(key, {})
        place[keys[-1]] = value
    return result


class Stripe(Billing, Fake):
    """The API at `url`, hosted pages at `url/c/pay/…`, `url/3ds/…`, `url/i/…` and `url/p/session/…`."""

    name = "stripe"
    # Where the platform is told about connected accounts (acct_…), and what that is signed with.
    connect_endpoint: tuple[str, str] | None = None

    def handle(self, request: Request) -> Answer:
        if request.path.startswith("/c/pay/"):
            return self._checkout_page(request)
        if request.path.startswith("/3ds/"):
            return self._three_d_secure(request)
        if request.path.startswith("/p/session/"):
            return self.portal_page(request)
        if request.path.startswith("/i/"):
            return self.invoice_page(request)
        key = request.headers.get("authorization", "").removeprefix("Bearer ")
        if not key.startswith(("sk_test_", "sk_live_", "rk_test_", "rk_live_")):
            return self.error(401, "invalid_request_error", f"Invalid API Key provided: {key[:8]}", "")
        account = request.headers.get("stripe-account") or key
        if request.method == "GET":
            return self._read(request, account)
        idempotency = request.headers.get("idempotency-key", "")
        return self.once(
            idempotency and f"{account} {idempotency}",
            request,
            lambda: self._write(request, account, nested(parse_qsl(request.body.decode(), keep_blank_values=True))),
            conflict=lambda: self.error(
                400, "idempotency_error", "Keys for idempotent requests can only be used once."
            ),
        )

    def error(self, status: int, kind: str, message: str, code: str = "", **more: Any) -> Answer:
        return json_answer({"error": {"type": kind, "message": message, "code": code, **more}}, status)

    def _missing(self, identity: str) -> Answer:
        return self.error(404, "invalid_request_error", f"No such object: '{identity}'", "resource_missing")

    # --- Reading ---------------------------------------------------------------------------------------------------

    def _read(self, request: Request, account: str) -> Answer:
        parts = request.path.strip("/").split("/")[1:]
        if (answer := self.read_billing(request, account, parts)) is not None:
            return answer
        match parts:
            case ["account"]:
                return json_answer(
                    {
                        "id": account
                        if account.startswith("acct_")
                        else f"acct_{hashlib.sha256(account.encode()).hexdigest()[:16]}",
                        "object": "account",
                        "livemode": "_live_" in account,
                    }
                )
            case ["checkout", "sessions", identity]:
                found = self.books.get(identity, "session", account)
            case ["payment_intents", identity]:
                found = self.books.get(identity, "intent", account)
            case ["refunds", identity]:
                found = self.books.get(identity, "refund", account)
            case ["balance_transactions"]:
                return self._balance_transactions(request, account)
            case ["events"]:
                return json_answer(
                    {"object": "list", "has_more": False, "data": self.books.all("event", account)[::-1]}
                )
            case ["refunds"]:
                wanted = request.query.get("payment_intent")
                rows = [row for row in self.books.all("refund", account) if wanted in (None, row["payment_intent"])]
                return json_answer({"object": "list", "has_more": False, "data": rows[::-1]})
            case _:
                return self._missing(request.path)
        return json_answer(found) if found else self._missing(parts[-1])

    def _balance_transactions(self, request: Request, account: str) -> Answer:
        since = float(request.query.get("created[gte]", 0))
        until = float(request.query.get("created[lt]", time.time() + 1))
        rows = []
        for moved in reversed(self.books.movements(account)):
            if not since <= moved["at"] < until:
                continue
            # The source is the charge; expanded, it names its PaymentIntent.
            kind = "charge" if moved["kind"] == "payment" else "refund"
            source: Any = {"id": moved["id"], "object": kind, "payment_intent": moved["of"] or moved["id"]}
            rows.append(
                {
                    "id": f"txn_{kind}_{moved['id']}", "object": "balance_transaction", "amount": moved["amount"],
                    "currency": moved["currency"].lower(), "fee": moved["fee"], "created": int(moved["at"]),
                    "type": kind, "reporting_category": kind, "source": source,
                }
            )  # fmt: skip
        after = request.query.get("starting_after")
        if after:
            rows = rows[[row["id"] for row in rows].index(after) + 1 :]
        limit = int(request.query.get("limit", 10))
        return json_answer({"object": "list", "url": request.path, "has_more": len(rows) > limit, "data": rows[:limit]})

    # --- Writing ---------------------------------------------------------------------------------------------------

    def _behind_the_scenes(self, request: Request) -> Answer:
        return self.behind_billing(request) or super()._behind_the_scenes(request)

    def _write(self, request: Request, account: str, given: dict[str, Any]) -> Answer:
        if (answer := self.write_billing(request, account, given)) is not None:
            return answer
        match request.path.strip("/").split("/")[1:]:
            case ["checkout", "sessions"]:
                return self._open_session(account, given)
            case ["checkout", "sessions", identity, "expire"]:
                return self._expire_session(account, identity)
            case ["payment_intents"]:
                return json_answer(self._intent(account, given))
            case ["payment_intents", identity, "confirm"]:
                return self._confirm(account, identity, given)
            case ["payment_intents", identity, "cancel"]:
                return self._cancel(account, identity)
            case ["refunds"]:
                return self._refund(account, given)
            case ["webhook_endpoints"]:
                return self._endpoint(account, given)
            case ["webhook_endpoints", identity] if request.method == "DELETE":
                self.books.put("gone_endpoint", account, {"id": identity})
                self.books.db.execute("DELETE FROM object WHERE id = ?", (identity,))
                return json_answer({"id": identity, "object": "webhook_endpoint", "deleted": True})
            case _:
                return self._missing(request.path)

    def _endpoint(self, account: str, given: dict[str, Any]) -> Answer:
        made = {
            "id": new_id("we_"), "object": "webhook_endpoint", "url": given["url"], "secret": new_id("whsec_"),
            "enabled_events": list(given.get("enabled_events", {}).values()), "status": "enabled",
        }  # fmt: skip
        return json_answer(self.books.put("endpoint", account, made))

    def _intent(self, account: str, given: dict[str, Any], **more: Any) -> dict[str, Any]:
        identity = new_id("pi_")
        intent = {
            "id": identity, "object": "payment_intent", "amount": int(given["amount"]), "amount_received": 0,
            "currency": given["currency"].lower(), "status": "requires_payment_method",
            "client_secret": f"{identity}_secret_{new_id('')}", "metadata": given.get("metadata", {}),
            "application_fee_amount": int(given.get("application_fee_amount") or 0), "latest_charge": None,
            "livemode": "_live_" in account, "next_action": None, "last_payment_error": None,
            "created": int(time.time()), **more,
        }  # fmt: skip
        return self.books.put("intent", account, intent)

    def _open_session(self, account: str, given: dict[str, Any]) -> Answer:
        for name in ("mode", "success_url", "line_items"):
            if name not in given:
                return self.error(400, "invalid_request_error", f"Missing required param: {name}.", "parameter_missing")
        if given["mode"] == "subscription":
            return self.open_subscription_session(account, given)
        items = given["line_items"].values()
        amount = sum(int(item["price_data"]["unit_amount"]) * int(item.get("quantity", 1)) for item in items)
        currency = next(iter(items))["price_data"]["currency"].lower()
        identity = new_id("cs_live_" if "_live_" in account else "cs_test_")
        data = given.get("payment_intent_data", {})
        session = {
            "id": identity, "object": "checkout.session", "mode": given["mode"], "status": "open",
            "payment_status": "unpaid", "amount_total": amount, "currency": currency, "payment_intent": None,
            "url": f"{self.url}/c/pay/{identity}", "success_url": given["success_url"],
            "cancel_url": given.get("cancel_url", given["success_url"]), "metadata": given.get("metadata", {}),
            "client_reference_id": given.get("client_reference_id"), "livemode": "_live_" in account,
            "expires_at": int(given.get("expires_at") or time.time() + 86400), "created": int(time.time()),
            "customer_email": given.get("customer_email"), "_intent_data": data,
        }  # fmt: skip
        return json_answer(self.books.put("session", account, session))

    def _expire_session(self, account: str, identity: str) -> Answer:
        session = self.books.get(identity, "session", account)
        if session is None:
            return self._missing(identity)
        if session["status"] != "open":
            return self.error(
                400, "invalid_request_error", 'Only Checkout Sessions with a status in ["open"] can be expired.'
            )
        session["status"] = "expired"
        self.books.put("session", account, session)
        self._announce(account, "checkout.session.expired", session)
        return json_answer(session)

    def _confirm(self, account: str, identity: str, given: dict[str, Any]) -> Answer:
        intent = self.books.get(identity, "intent", account)
        if intent is None:
            return self._missing(identity)
        card = PAYMENT_METHODS.get(given.get("payment_method", ""), "4242424242424242")
        intent = self.pay(account, intent, card)
        error = intent["last_payment_error"]
        if error:
            return self.error(402, "card_error", error["message"], error["code"], payment_intent=intent)
        return json_answer(intent)

    def _cancel(self, account: str, identity: str) -> Answer:
        intent = self.books.get(identity, "intent", account)
        if intent is None:
            return self._missing(identity)
        if intent["status"] in ("succeeded", "canceled"):
            return self.error(
                400,
                "invalid_request_error",
                f"You cannot cancel this PaymentIntent because it has a status of {intent['status']}.",
                "payment_intent_unexpected_state",
            )
        intent["status"] = "canceled"
        self.books.put("intent", account, intent)
        self._announce(account, "payment_intent.canceled", intent)
        return json_answer(intent)

    def _refund(self, account: str, given: dict[str, Any]) -> Answer:
        intent = self.books.get(given.get("payment_intent", ""), "intent", account)
        if intent is None:
            return self._missing(given.get("payment_intent", ""))
        back = sum(
            row["amount"]
            for row in self.books.all("refund", account)
            if row["payment_intent"] == intent["id"] and row["status"] != "failed"
        )
        amount = int(given.get("amount") or intent["amount_received"] - back)
        left = intent["amount_received"] - back
        if amount > left:
            return self.error(
                400,
                "invalid_request_error",
                f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})",
                "" if left else "charge_already_refunded",
            )
        refund = {
            "id": new_id("re_"), "object": "refund", "amount": amount, "currency": intent["currency"],
            "payment_intent": intent["id"], "charge": intent["latest_charge"], "created": int(time.time()),
            "status": "pending" if self.knobs.refunds_stay_pending else "succeeded",
            "metadata": given.get("metadata", {}),
        }  # fmt: skip
        self.books.put("refund", account, refund)
        if refund["status"] == "succeeded":
            self.books.move("refund", account, refund["id"], -amount, intent["currency"], of=intent["id"])
        self._announce(account, "refund.created", refund)
        return json_answer(refund)

    def finish_refund(self, identity: str, status: str = "succeeded") -> None:
        """Let a refund that stayed pending come to its end: `succeeded` or `failed`."""
        account = self.books.account_of(identity)
        refund = self.books.get(identity, "refund", account)
        if refund is None or refund["status"] != "pending":
            raise LookupError(identity)
        refund["status"] = status
        self.books.put("refund", account, refund)
        if status == "succeeded":
            self.books.move(
                "refund", account, identity, -refund["amount"], refund["currency"], of=refund["payment_intent"]
            )
        self._announce(account, "refund.updated" if status == "succeeded" else "refund.failed", refund)

    def dispute(self, intent: str, status: str = "needs_response", reason: str = "fraudulent") -> dict[str, Any]:
        """The buyer's bank wants the money of a PaymentIntent back, or moves on with that: `won`, `lost`, …"""
        account = self.books.account_of(intent)
        paid = self.books.get(intent, "intent", account) or {}
        found = next((row for row in self.books.all("dispute", account) if row["payment_intent"] == intent), None)
        dispute = found or {
            "id": new_id("dp_"), "object": "dispute", "amount": paid["amount_received"], "currency": paid["currency"],
            "charge": paid["latest_charge"], "payment_intent": intent, "created": int(time.time()), "reason": reason,
            "livemode": "_live_" in account, "metadata": {}, "is_charge_refundable": False,
            "evidence_details": {"due_by": int(time.time()) + 7 * 86400, "has_evidence": False},
            "balance_transactions": [{"id": new_id("txn_"), "amount": -paid["amount_received"], "fee": 1500}],
        }  # fmt: skip
        dispute["status"] = status
        self.books.put("dispute", account, dispute)
        if found is None:
            self._announce(account, "charge.dispute.created", dispute)
            self._announce(account, "charge.dispute.funds_withdrawn", dispute)
        elif status in ("won", "lost"):
            self._announce(account, "charge.dispute.closed", dispute)
            if status == "won":
                self._announce(account, "charge.dispute.funds_reinstated", dispute)
        else:
            self._announce(account, "charge.dispute.updated", dispute)
        return dispute

    # --- What a card does --------------------------------------------------------------------------------------------

    def pay(self, account: str, intent: dict[str, Any], card: str, *, authenticated: bool = False) -> dict[str, Any]:
        """Charge the card: succeeded, declined, or 3-D Secure first."""
        with self.books.lock:
            if intent["status"] in ("succeeded", "canceled"):
                return intent
            intent["last_payment_error"] = None
            if card in DECLINED:
                code, decline = DECLINED[card]
                intent["status"] = "requires_payment_method"
                intent["last_payment_error"] = {
                    "code": code,
                    "decline_code": decline,
                    "message": "Your card was declined.",
                }
                event = "payment_intent.payment_failed"
            elif card in NEEDS_3DS and not authenticated:
                intent["status"] = "requires_action"
                intent["next_action"] = {
                    "type": "redirect_to_url",
                    "redirect_to_url": {"url": f"{self.url}/3ds/{intent['id']}", "return_url": None},
                }
                event = "payment_intent.requires_action"
            else:
                self._capture(account, intent)
                event = "payment_intent.succeeded"
            self.books.put("intent", account, intent)
        self._announce(account, event, intent)
        return intent

    def _capture(self, account: str, intent: dict[str, Any]) -> None:
        amount = intent["amount"] + self.knobs.wrong_amount_minor
        intent["currency"] = self.knobs.wrong_currency.lower() or intent["currency"]
        intent |= {
            "status": "succeeded",
            "amount_received": amount,
            "latest_charge": new_id("ch_"),
            "next_action": None,
        }
        self.books.move(
            "payment", account, intent["latest_charge"], amount, intent["currency"], of=intent["id"],
            fee=intent["application_fee_amount"],
        )  # fmt: skip

    # --- Hosted pages ------------------------------------------------------------------------------------------------

    def _checkout_page(self, request: Request) -> Answer:
        identity = request.path.rsplit("/", 1)[-1]
        session = self.books.get(identity, "session")
        if session is None:
            return html_answer("<h1>No such session</h1>", 404)
        if session["status"] == "complete":
            return redirect(session["success_url"].replace("{CHECKOUT_SESSION_ID}", identity))
        if session["status"] == "expired" or session["expires_at"] < self.now():
            return html_answer(
                f"<h1>This page has expired</h1><p><a href='{html.escape(session['cancel_url'])}'>Back</a>", 410
            )
        if request.method == "GET":
            return self._card_form(session)
        account = self.books.account_of(identity)
        card = request.form.get("card", "").replace(" ", "")
        if session["mode"] == "subscription":
            code = request.form.get("code", "").strip()
            if code and not self.with_code(account, session, code):
                return self._card_form(session, "This code is not valid.")
            session["_card"] = card
            self.books.put("session", account, session)
            if session["amount_total"] == 0:
                if card in DECLINED:
                    return self._card_form(session, "Your card was declined.")
                return self._complete(account, session)
        intent = self.books.get(session["payment_intent"] or "", "intent", account)
        if intent is None:
            intent = self._intent(
                account, {**session["_intent_data"], "amount": session["amount_total"], "currency": session["currency"]}
            )
            session["payment_intent"] = intent["id"]
            self.books.put("session", account, session)
        intent = self.pay(account, intent, card)
        if intent["last_payment_error"]:
            return self._card_form(session, intent["last_payment_error"]["message"])
        if intent["status"] == "requires_action":
            return redirect(f"/3ds/{intent['id']}?session={identity}&card={card}")
        return self._complete(account, session)

    def _card_form(self, session: dict[str, Any], error: str = "") -> Answer:
        told = f"<p class=alert role=alert>{html.escape(error)}</p>" if error else ""
        codes = "<label>Promotion code <input name=code></label>" if session.get("_codes") else ""
        return html_answer(
            f"<h1>Pay {session['amount_total']} {session['currency'].upper()} (minor units)</h1>"
            "<p>This is a fake of Stripe Checkout for development. 4242 4242 4242 4242 pays, 4000 0000 0000 3220 asks"
            f" for 3-D Secure, 4000 0000 0000 0002 is declined.</p>{told}<form method=post>"
            "<label>Card number <input name=card value='4242 4242 4242 4242' inputmode=numeric></label>"
            f"{codes}<button>Pay</button></form>"
            f"<p><a href='{html.escape(session['cancel_url'])}'>Back to the shop</a></p>",
            402 if error else 200,
        )

    def _three_d_secure(self, request: Request) -> Answer:
        identity = request.path.rsplit("/", 1)[-1]
        intent = self.books.get(identity, "intent")
        if intent is None:
            return html_answer("<h1>No such payment</h1>", 404)
        if request.method == "GET":
            return html_answer(
                "<h1>3-D Secure</h1><p>Your bank asks: is it you who pays?</p><form method=post>"
                "<button name=answer value=yes>Yes, it is me</button><button name=answer value=no>No</button></form>"
            )
        account = self.books.account_of(identity)
        session = self.books.get(request.query.get("session", ""), "session", account)
        if request.form.get("answer") == "yes":
            self.pay(account, intent, request.query.get("card", ""), authenticated=True)
            return self._complete(account, session) if session else html_answer("<h1>Done</h1>")
        intent |= {"status": "requires_payment_method", "next_action": None}
        intent["last_payment_error"] = {
            "code": "payment_intent_authentication_failure",
            "message": "Not authenticated.",
        }
        self.books.put("intent", account, intent)
        self._announce(account, "payment_intent.payment_failed", intent)
        return redirect(f"/c/pay/{session['id']}") if session else html_answer("<h1>Not paid</h1>")

    def _complete(self, account: str, session: dict[str, Any]) -> Answer:
        if session["mode"] == "subscription":
            with self.books.lock:
                self.subscribe(account, session)
                session |= {
                    "status": "complete",
                    "payment_status": "paid" if session["amount_total"] else "no_payment_required",
                }
        else:
            intent = self.books.get(session["payment_intent"], "intent", account) or {}
            session |= {
                "status": "complete",
                "payment_status": "paid",
                "amount_total": intent["amount_received"],
                "currency": intent["currency"],
            }
        self.books.put("session", account, session)
        self._announce(account, "checkout.session.completed", session)
        return redirect(session["success_url"].replace("{CHECKOUT_SESSION_ID}", session["id"]))

    # --- Webhooks ----------------------------------------------------------------------------------------------------

    def _announce(self, account: str, kind: str, content: dict[str, Any]) -> None:
        event = {
            "id": new_id("evt_"), "object": "event", "type": kind, "created": self.now(),
            "livemode": "_live_" in account, "data": {"object": {k: v for k, v in content.items() if k[0] != "_"}},
            "api_version": "2026-10-28.endive",
            **({"account": account} if account.startswith("acct_") else {}),
        }  # fmt: skip
        self.books.put("event", account, event)
        if self.connect_endpoint and account.startswith("acct_"):
            url, secret = self.connect_endpoint
            self.tell(url, lambda: self.signed(event, secret))
        for endpoint in self.books.all("endpoint", account):
            if {"*", kind} & set(endpoint["enabled_events"]):
                self.tell(endpoint["url"], lambda e=endpoint: self.signed(event, e["secret"]))  # type: ignore[misc]  # a default binds the loop's value

    def signed(self, event: dict[str, Any], secret: str, at: int | None = None) -> tuple[bytes, dict[str, str]]:
        """The event's body and its Stripe-Signature header."""
        body, moment = json.dumps(event).encode(), at or int(time.time())
        key = "whsec_wrong" if self.knobs.bad_signature else secret
        signature = hmac.new(key.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
        return body, {"Stripe-Signature": f"t={moment},v1={signature}", "Content-Type": "application/json"}
