"""Stripe Billing: customers, prices, coupons, subscriptions with proration, invoices, the hosted pages, a clock.

Written from https://docs.stripe.com/api (objects of the version that the SDK names: a subscription's period stands on
its item, an invoice names its subscription under `parent`), https://docs.stripe.com/billing/subscriptions/overview
(states), https://docs.stripe.com/billing/subscriptions/prorations and https://docs.stripe.com/billing/testing.
"""

import calendar
import html
import time
from datetime import UTC, datetime
from typing import Any

from tests.fakes.server import Answer, Request, html_answer, json_answer, new_id, redirect

# Such a card can be kept, and every charge of it is refused: https://docs.stripe.com/testing#declined-payments
KEPT_BUT_REFUSED = "4000000000000341"
REFUSED = {
    "4000000000000002", "4000000000009995", "4000000000000069", "4000000000000127", KEPT_BUT_REFUSED,
}  # fmt: skip
DAY = 86_400
# After a refused charge it is tried again so many days later; then it is left past due, as an account can be set to.
TRIED_AGAIN_AFTER = (3, 5, 7)
KINDS = {
    "customers": "customer",
    "products": "product",
    "prices": "price",
    "coupons": "coupon",
    "promotion_codes": "promotion_code",
    "subscriptions": "subscription",
    "invoices": "invoice",
    "invoiceitems": "invoiceitem",
}
LIVE = ("trialing", "active", "past_due", "unpaid", "incomplete")


def public(body: dict[str, Any]) -> dict[str, Any]:
    """The object as Stripe shows it."""
    return {name: value for name, value in body.items() if not name.startswith("_")}


def later(moment: int, interval: str, count: int = 1) -> int:
    """The same day of a later month or year, its last one where there is none such."""
    at = datetime.fromtimestamp(moment, UTC)
    if interval in ("day", "week"):
        return moment + count * DAY * (7 if interval == "week" else 1)
    months = at.month - 1 + count * (12 if interval == "year" else 1)
    year, month = at.year + months // 12, months % 12 + 1
    day = min(at.day, calendar.monthrange(year, month)[1])
    return int(at.replace(year=year, month=month, day=day).timestamp())


class Billing:
    """What the fake of Stripe answers about subscriptions; a part of `Stripe`."""

    # How far Stripe's clock is ahead of this machine's, in seconds; or where it stands until it is moved.
    skew = 0.0
    stands_at: float | None = None
    books: Any
    url: str
    error: Any
    _missing: Any
    _announce: Any
    _intent: Any
    _capture: Any

    def now(self) -> int:
        return int(time.time() + self.skew if self.stands_at is None else self.stands_at)

    # --- Reading -----------------------------------------------------------------------------------------------------

    def read_billing(self, request: Request, account: str, parts: list[str]) -> Answer | None:
        if not parts or parts[0] not in KINDS:
            return None
        kind = KINDS[parts[0]]
        if len(parts) == 2:
            found = self.books.get(parts[1], kind, account)
            return json_answer(public(found)) if found else self._missing(parts[1])
        return self._page(request, [row for row in self.books.all(kind, account) if self._fits(kind, row, request)])

    def _fits(self, kind: str, row: dict[str, Any], request: Request) -> bool:
        query = request.query
        if kind == "subscription" and query.get("status") != "all" and row["status"] == "canceled":
            return False
        keys = [value for name, value in query.items() if name.startswith("lookup_keys")]
        return (
            not row.get("deleted")
            and (not keys or row.get("lookup_key") in keys)
            and all(row.get(name) == query[name] for name in ("customer", "code") if name in query)
            and ("active" not in query or row.get("active", True) == (query["active"].lower() == "true"))
        )

    def _page(self, request: Request, rows: list[dict[str, Any]]) -> Answer:
        rows = rows[::-1]
        after = request.query.get("starting_after")
        if after:
            rows = rows[[row["id"] for row in rows].index(after) + 1 :]
        limit = int(request.query.get("limit", 10))
        return json_answer(
            {
                "object": "list", "url": request.path, "has_more": len(rows) > limit,
                "data": [public(row) for row in rows[:limit]],
            }
        )  # fmt: skip

    # --- Writing -----------------------------------------------------------------------------------------------------

    def write_billing(self, request: Request, account: str, given: dict[str, Any]) -> Answer | None:
        gone = request.method == "DELETE"
        match request.path.strip("/").split("/")[1:]:
            case ["customers"]:
                return self._shown("customer", account, self._customer(account, given))
            case ["customers", identity]:
                return self._change_customer(account, identity, given, gone=gone)
            case ["products"]:
                return self._shown("product", account, self._made("prod_", "product", account, given, active=True))
            case ["prices"]:
                return self._shown("price", account, self._price(account, given))
            case ["coupons"]:
                return self._shown("coupon", account, self._coupon(account, given))
            case ["promotion_codes"]:
                return self._promotion_code(account, given)
            case ["subscriptions", identity]:
                row = self.books.get(identity, "subscription", account)
                if row is None:
                    return self._missing(identity)
                return self._end(account, row, given) if gone else self._change(account, row, given)
            case ["invoices", "create_preview"]:
                return self._preview(account, given)
            case ["invoices"]:
                return self._draft(account, given)
            case ["invoiceitems"]:
                return self._item(account, given)
            case ["invoices", identity, verb]:
                return self._move_invoice(account, identity, verb)
            case ["billing_portal", "sessions"]:
                return self._portal(account, given)
            case ["test_helpers", "test_clocks"]:
                clock = self._made("clock_", "test_helpers.test_clock", account, {}, status="ready")
                clock["frozen_time"] = int(given["frozen_time"])
                return self._shown("clock", account, clock)
            case ["test_helpers", "test_clocks", identity, "advance"]:
                self.advance(to=int(given["frozen_time"]))
                clock = self.books.get(identity, "clock", account) or {}
                return self._shown("clock", account, clock | {"frozen_time": int(given["frozen_time"])})
        return None

    def _shown(self, kind: str, account: str, body: dict[str, Any]) -> Answer:
        return json_answer(public(self.books.put(kind, account, body)))

    def _made(self, prefix: str, name: str, account: str, given: dict[str, Any], **more: Any) -> dict[str, Any]:
        return {
            "id": given.get("id") or new_id(prefix), "object": name, "created": self.now(),
            "livemode": "_live_" in account, "metadata": {}, **given, **more,
        }  # fmt: skip

    def _customer(self, account: str, given: dict[str, Any]) -> dict[str, Any]:
        made = self._made("cus_", "customer", account, given, balance=0, _card="")
        made["invoice_settings"] = {"default_payment_method": None}
        self._announce(account, "customer.created", made)
        return made

    def _change_customer(self, account: str, identity: str, given: dict[str, Any], *, gone: bool) -> Answer:
        row = self.books.get(identity, "customer", account)
        if row is None or (gone and row.get("deleted")):
            return self._missing(identity)
        if not gone:
            self._announce(account, "customer.updated", row | given)
            return self._shown("customer", account, row | given)
        for subscription in self.books.all("subscription", account):
            if subscription["customer"] == identity and subscription["status"] in LIVE:
                self._end(account, subscription, {})
        row = {"id": identity, "object": "customer", "deleted": True}
        self._announce(account, "customer.deleted", row)
        return self._shown("customer", account, row)

    def _price(self, account: str, given: dict[str, Any]) -> dict[str, Any]:
        data = given.get("product_data")
        if data:
            product = self.books.put("product", account, self._made("prod_", "product", account, data, active=True))
            given = {**given, "product": product["id"]}
        recurring = given.get("recurring") or {}
        made = self._made("price_", "price", account, given, active=True, type="recurring")
        made.pop("product_data", None)
        made |= {
            "unit_amount": int(given["unit_amount"]),
            "recurring": {
                "interval": recurring.get("interval"),
                "interval_count": int(recurring.get("interval_count", 1)),
            },
        }
        if given.get("transfer_lookup_key") == "true":
            for other in self.books.all("price", account):
                if other.get("lookup_key") == given.get("lookup_key"):
                    self.books.put("price", account, other | {"lookup_key": None})
        return made

    def _coupon(self, account: str, given: dict[str, Any]) -> dict[str, Any]:
        made = self._made("co_", "coupon", account, given, valid=True)
        return made | {
            "percent_off": float(given["percent_off"]) if "percent_off" in given else None,
            "amount_off": int(given["amount_off"]) if "amount_off" in given else None,
            "duration": given.get("duration", "once"),
        }

    def _promotion_code(self, account: str, given: dict[str, Any]) -> Answer:
        coupon = given.get("promotion", {}).get("coupon", "")
        if self.books.get(coupon, "coupon", account) is None:
            return self._missing(coupon)
        made = self._made("promo_", "promotion_code", account, given, active=True)
        return self._shown("promotion_code", account, made | {"promotion": {"type": "coupon", "coupon": coupon}})

    # --- Subscriptions -----------------------------------------------------------------------------------------------

    def open_subscription_session(self, account: str, given: dict[str, Any]) -> Answer:
        """Checkout for a subscription; the card is asked for on the hosted page."""
        item = next(iter(given["line_items"].values()))
        price = self.books.get(item.get("price", ""), "price", account)
        customer = self.books.get(given.get("customer", ""), "customer", account)
        if price is None or customer is None or customer.get("deleted"):
            return self._missing(item.get("price", "") if price is None else given.get("customer", ""))
        data = given.get("subscription_data", {})
        days = int(data.get("trial_period_days") or 0)
        coupon = self._coupon_of(account, given.get("discounts"))
        amount = 0 if days else price["unit_amount"] - self._off(coupon, price["unit_amount"])
        made = self._made("cs_live_" if "_live_" in account else "cs_test_", "checkout.session", account, {})
        made |= {
            "mode": "subscription", "status": "open", "payment_status": "unpaid", "amount_total": amount,
            "currency": price["currency"], "payment_intent": None, "url": f"{self.url}/c/pay/{made['id']}",
            "success_url": given["success_url"], "cancel_url": given.get("cancel_url", given["success_url"]),
            "metadata": given.get("metadata", {}), "client_reference_id": given.get("client_reference_id"),
            "customer": customer["id"], "subscription": None, "invoice": None,
            "expires_at": int(given.get("expires_at") or self.now() + DAY), "_intent_data": {},
            "_price": price["id"], "_days": days, "_coupon": coupon and coupon["id"], "_data": data,
            "_codes": given.get("allow_promotion_codes") == "true",
        }  # fmt: skip
        return self._shown("session", account, made)

    def with_code(self, account: str, session: dict[str, Any], code: str) -> bool:
        """Take a promotion code that was typed on the hosted page; False if there is no such code."""
        found = next(
            (row for row in self.books.all("promotion_code", account) if row["code"] == code and row["active"]), None
        )
        if found is None or not session["_codes"]:
            return False
        price = self.books.get(session["_price"], "price", account)
        session["_coupon"] = found["promotion"]["coupon"]
        coupon = self.books.get(session["_coupon"], "coupon", account)
        if not session["_days"]:
            session["amount_total"] = price["unit_amount"] - self._off(coupon, price["unit_amount"])
        self.books.put("session", account, session)
        return True

    def subscribe(self, account: str, session: dict[str, Any]) -> None:
        """What a finished Checkout makes: a subscription, its first invoice, a card that is kept."""
        now, price = self.now(), self.books.get(session["_price"], "price", account)
        self.set_card(session["customer"], session.get("_card", ""))
        ends = now + session["_days"] * DAY if session["_days"] else later(now, price["recurring"]["interval"])
        row = self._made("sub_", "subscription", account, session["_data"])
        row.pop("trial_period_days", None)
        trial = (now, ends) if session["_days"] else (None, None)
        row |= {
            "customer": session["customer"], "status": "trialing" if session["_days"] else "active",
            "start_date": now, "currency": price["currency"], "collection_method": "charge_automatically",
            "cancel_at_period_end": False, "cancel_at": None, "canceled_at": None, "ended_at": None,
            "trial_start": trial[0], "trial_end": trial[1], "latest_invoice": None, "discounts": [],
            "billing_mode": {"type": "flexible"}, "_coupon": session["_coupon"], "_invoices": 0,
        }  # fmt: skip
        row["items"] = {"object": "list", "has_more": False, "data": [self._si(row["id"], price, now, ends)]}
        self.books.put("subscription", account, row)
        self._announce(account, "customer.subscription.created", row)
        amount = 0 if session["_days"] else price["unit_amount"]
        lines = [self._line(amount, f"1 × {price['lookup_key'] or price['id']}", now, ends)]
        invoice = self._bill(account, row, lines, "subscription_create", paid_by=session["payment_intent"])
        session |= {"subscription": row["id"], "invoice": invoice["id"]}

    def _si(self, subscription: str, price: dict[str, Any], begins: int, ends: int) -> dict[str, Any]:
        return {
            "id": new_id("si_"), "object": "subscription_item", "subscription": subscription, "quantity": 1,
            "price": price, "current_period_start": begins, "current_period_end": ends, "created": begins,
            "metadata": {},
        }  # fmt: skip

    def _change(self, account: str, row: dict[str, Any], given: dict[str, Any]) -> Answer:
        if row["status"] in ("canceled", "incomplete_expired"):
            return self.error(
                400, "invalid_request_error", "A canceled subscription can only update its cancellation_details."
            )
        if "cancel_at_period_end" in given:
            off = given["cancel_at_period_end"].lower() == "true"
            row["cancel_at_period_end"] = off
            row["canceled_at"] = self.now() if off else None
            row["cancel_at"] = row["items"]["data"][0]["current_period_end"] if off else None
        if "items" in given:
            refusal = self._reprice(account, row, given)
            if refusal is not None:
                return refusal
        row["metadata"] |= given.get("metadata", {})
        self.books.put("subscription", account, row)
        self._announce(account, "customer.subscription.updated", row)
        return json_answer(public(row))

    def _reprice(self, account: str, row: dict[str, Any], given: dict[str, Any]) -> Answer | None:
        """Change the price, as `proration_behavior` and `payment_behavior` say."""
        wanted = next(iter(given["items"].values()))
        price = self.books.get(wanted["price"], "price", account)
        if price is None:
            return self._missing(wanted["price"])
        item = row["items"]["data"][0]
        lines, resets = self._prorated(row, item, price)
        behaviour = given.get("proration_behavior", "create_prorations")
        at_once = bool(lines) and (behaviour == "always_invoice" or resets)
        customer = self.books.get(row["customer"], "customer", account)
        due = sum(line["amount"] for line in lines) + self._pending_sum(account, row["customer"]) + customer["balance"]
        if (
            at_once
            and due > 0
            and customer["_card"] in REFUSED
            and given.get("payment_behavior") == ("error_if_incomplete")
        ):
            return self.error(402, "card_error", "Your card was declined.", "card_declined", decline_code="generic")
        item["price"] = price
        if resets:
            now = self.now()
            item |= {
                "current_period_start": now,
                "current_period_end": later(now, price["recurring"]["interval"]),
            }
        self.books.put("subscription", account, row)
        if behaviour == "none":
            return None
        if at_once:
            self._bill(account, row, lines, "subscription_update")
        else:
            for line in lines:
                waiting = {name: value for name, value in line.items() if name != "id"}
                made = self._made("ii_", "invoiceitem", account, waiting, customer=row["customer"], invoice=None)
                self.books.put("invoiceitem", account, made)
        return None

    def _prorated(
        self, row: dict[str, Any], item: dict[str, Any], price: dict[str, Any]
    ) -> tuple[list[dict[str, Any]], bool]:
        """The lines of a change now, and whether the period begins anew."""
        if row["status"] == "trialing" or item["price"]["id"] == price["id"]:
            return [], False
        now, begins, ends = self.now(), item["current_period_start"], item["current_period_end"]
        left = max(ends - now, 0) / (ends - begins)
        unused = self._line(-round(item["price"]["unit_amount"] * left), "Unused time", now, ends, proration=True)
        resets = item["price"]["recurring"] != price["recurring"]
        if resets:
            until = later(now, price["recurring"]["interval"])
            return [unused, self._line(price["unit_amount"], "New period", now, until)], True
        rest = self._line(round(price["unit_amount"] * left), "Remaining time", now, ends, proration=True)
        return [unused, rest], False

    def _preview(self, account: str, given: dict[str, Any]) -> Answer:
        row = self.books.get(given.get("subscription", ""), "subscription", account)
        details = given.get("subscription_details", {})
        wanted = next(iter(details.get("items", {"0": {}}).values()))
        price = self.books.get(wanted.get("price", ""), "price", account)
        if row is None or price is None:
            return self._missing(given.get("subscription", ""))
        lines, _resets = self._prorated(row, row["items"]["data"][0], price)
        total = sum(line["amount"] for line in lines)
        customer = self.books.get(row["customer"], "customer", account)
        return json_answer(
            {
                "object": "invoice", "total": total, "subtotal": total, "currency": row["currency"],
                "amount_due": max(total + customer["balance"], 0), "starting_balance": customer["balance"],
                "lines": {"object": "list", "has_more": False, "data": lines}, "livemode": row["livemode"],
            }
        )  # fmt: skip

    def _end(self, account: str, row: dict[str, Any], given: dict[str, Any]) -> Answer:
        if row["status"] == "canceled":
            return self._missing(row["id"])
        now = self.now()
        row |= {"status": "canceled", "canceled_at": row["canceled_at"] or now, "ended_at": now}
        self.books.put("subscription", account, row)
        self._announce(account, "customer.subscription.deleted", row)
        return json_answer(public(row))

    # --- Invoices ----------------------------------------------------------------------------------------------------

    def _line(self, amount: int, text: str, begins: int, ends: int, *, proration: bool = False) -> dict[str, Any]:
        return {
            "id": new_id("il_"), "object": "line_item", "amount": amount, "description": text,
            "period": {"start": begins, "end": ends}, "proration": proration,
        }  # fmt: skip

    def _coupon_of(self, account: str, discounts: Any) -> dict[str, Any] | None:
        for given in (discounts or {}).values():
            code = self.books.get(given.get("promotion_code", ""), "promotion_code", account)
            identity = code["promotion"]["coupon"] if code else given.get("coupon", "")
            return self.books.get(identity, "coupon", account)
        return None

    def _off(self, coupon: dict[str, Any] | None, amount: int) -> int:
        if coupon is None or amount <= 0:
            return 0
        if coupon["percent_off"] is not None:
            return round(amount * coupon["percent_off"] / 100)
        return min(coupon["amount_off"], amount)

    def _pending(self, account: str, customer: str) -> list[dict[str, Any]]:
        rows = self.books.all("invoiceitem", account)
        return [row for row in rows if row["customer"] == customer and row["invoice"] is None]

    def _pending_sum(self, account: str, customer: str) -> int:
        return sum(row["amount"] for row in self._pending(account, customer))

    def _invoice(
        self, account: str, customer: dict[str, Any], currency: str, lines: list[dict[str, Any]], reason: str,
        **more: Any,
    ) -> dict[str, Any]:  # fmt: skip
        now = self.now()
        made = self._made("in_", "invoice", account, {})
        return made | {
            "customer": customer["id"], "currency": currency, "billing_reason": reason, "status": "draft",
            "lines": {"object": "list", "has_more": False, "data": lines}, "number": None, "due_date": None,
            "attempt_count": 0, "attempted": False, "next_payment_attempt": None, "auto_advance": True,
            "collection_method": "charge_automatically", "period_start": now, "period_end": now, "amount_paid": 0,
            "status_transitions": {
                "finalized_at": None, "paid_at": None, "voided_at": None, "marked_uncollectible_at": None,
            },
            "hosted_invoice_url": None, "invoice_pdf": None, "parent": None, "description": None,
            "payments": {"object": "list", "has_more": False, "data": []}, "starting_balance": 0,
            "subtotal": 0, "total": 0, "amount_due": 0, "amount_remaining": 0, **more,
        }  # fmt: skip

    def _bill(
        self, account: str, row: dict[str, Any], lines: list[dict[str, Any]], reason: str, paid_by: str | None = None
    ) -> dict[str, Any]:
        """Make a subscription's invoice, with what waits for it, and charge it."""
        customer = self.books.get(row["customer"], "customer", account)
        coupon = self.books.get(row["_coupon"] or "", "coupon", account)
        if coupon is not None and row["_invoices"] and coupon["duration"] == "once":
            coupon = None
        off = self._off(coupon, sum(line["amount"] for line in lines if not line["proration"]))
        for waiting in self._pending(account, customer["id"]):
            lines = [*lines, {name: waiting[name] for name in ("amount", "description", "period", "proration")}]
        item = row["items"]["data"][0]
        invoice = self._invoice(
            account, customer, row["currency"], lines, reason,
            period_start=item["current_period_start"], period_end=item["current_period_end"],
            total_discount_amounts=[{"amount": off}] if off else [],
            parent={
                "type": "subscription_details",
                "subscription_details": {"subscription": row["id"], "metadata": row["metadata"]},
            },
        )  # fmt: skip
        for waiting in self._pending(account, customer["id"]):
            self.books.put("invoiceitem", account, waiting | {"invoice": invoice["id"]})
        row["latest_invoice"], row["_invoices"] = invoice["id"], row["_invoices"] + 1
        self.books.put("subscription", account, row)
        self.books.put("invoice", account, invoice)
        self._announce(account, "invoice.created", invoice)
        self._finalize(account, invoice, off)
        if paid_by is not None or invoice["amount_due"] == 0:
            self._paid(account, invoice, paid_by)
        else:
            self._attempt(account, invoice)
        row |= self.books.get(row["id"], "subscription", account)
        return invoice

    def _finalize(self, account: str, invoice: dict[str, Any], off: int = 0) -> None:
        customer = self.books.get(invoice["customer"], "customer", account)
        subtotal = sum(line["amount"] for line in invoice["lines"]["data"])
        total = subtotal - off
        # What is owed to the customer lessens what is due; a total below nothing is owed to them.
        used = min(-customer["balance"], total) if total > 0 else 0
        self.books.put("customer", account, customer | {"balance": customer["balance"] + used + min(total, 0)})
        due = max(total - used, 0)
        number = len([row for row in self.books.all("invoice", account) if row["number"]]) + 1
        invoice |= {
            "status": "open", "number": f"FAKE-{number:04}", "subtotal": subtotal, "total": total, "amount_due": due,
            "amount_remaining": due, "hosted_invoice_url": f"{self.url}/i/{invoice['id']}",
            "invoice_pdf": f"{self.url}/i/{invoice['id']}/pdf",
        }  # fmt: skip
        invoice["status_transitions"]["finalized_at"] = self.now()
        self.books.put("invoice", account, invoice)
        self._announce(account, "invoice.finalized", invoice)

    def _attempt(self, account: str, invoice: dict[str, Any]) -> bool:
        """Charge the customer's card for an open invoice."""
        customer = self.books.get(invoice["customer"], "customer", account)
        tries = invoice["attempt_count"] + 1
        invoice |= {"attempt_count": tries, "attempted": True}
        if customer["_card"] and customer["_card"] not in REFUSED:
            self._paid(account, invoice, None)
            return True
        again = TRIED_AGAIN_AFTER[tries - 1] * DAY + self.now() if tries <= len(TRIED_AGAIN_AFTER) else None
        invoice["next_payment_attempt"] = again
        self.books.put("invoice", account, invoice)
        self._announce(account, "invoice.payment_failed", invoice)
        row = self._subscription_of(account, invoice)
        if row is not None and row["status"] in ("active", "trialing"):
            self._set_status(account, row, "past_due")
        return False

    def _paid(self, account: str, invoice: dict[str, Any], intent_id: str | None) -> None:
        if invoice["amount_due"] > 0:
            intent = self.books.get(intent_id, "intent", account) if intent_id else None
            if intent is None:
                intent = self._intent(
                    account, {"amount": invoice["amount_due"], "currency": invoice["currency"]},
                    customer=invoice["customer"],
                )  # fmt: skip
                self._capture(account, intent)
                self.books.put("intent", account, intent)
            payment = {
                "id": new_id("inpay_"), "object": "invoice_payment", "status": "paid",
                "amount_paid": invoice["amount_due"],
                "payment": {"type": "payment_intent", "payment_intent": intent["id"]},
            }  # fmt: skip
            invoice["payments"]["data"].append(payment)
        invoice |= {
            "status": "paid", "amount_paid": invoice["amount_due"], "amount_remaining": 0, "attempted": True,
            "next_payment_attempt": None,
        }  # fmt: skip
        invoice["status_transitions"]["paid_at"] = self.now()
        self.books.put("invoice", account, invoice)
        self._announce(account, "invoice.paid", invoice)
        self._announce(account, "invoice.payment_succeeded", invoice)
        row = self._subscription_of(account, invoice)
        if row is not None and row["latest_invoice"] == invoice["id"] and row["status"] in ("past_due", "unpaid"):
            self._set_status(account, row, "active")

    def _subscription_of(self, account: str, invoice: dict[str, Any]) -> dict[str, Any] | None:
        parent = invoice["parent"] or {}
        identity = parent.get("subscription_details", {}).get("subscription", "")
        found: dict[str, Any] | None = self.books.get(identity, "subscription", account)
        return found

    def _set_status(self, account: str, row: dict[str, Any], status: str) -> None:
        row["status"] = status
        self.books.put("subscription", account, row)
        self._announce(account, "customer.subscription.updated", row)

    def _draft(self, account: str, given: dict[str, Any]) -> Answer:
        customer = self.books.get(given.get("customer", ""), "customer", account)
        if customer is None or customer.get("deleted"):
            return self._missing(given.get("customer", ""))
        made = self._invoice(account, customer, given["currency"], [], "manual", _days=given.get("days_until_due"))
        for name in ("collection_method", "metadata", "description"):
            made[name] = given.get(name, made[name])
        self._announce(account, "invoice.created", made)
        return self._shown("invoice", account, made)

    def _item(self, account: str, given: dict[str, Any]) -> Answer:
        made = self._made("ii_", "invoiceitem", account, given, proration=False, amount=int(given["amount"]))
        made["period"] = {name: int(at) for name, at in given.get("period", {}).items()}
        invoice = self.books.get(given.get("invoice", ""), "invoice", account)
        if invoice is not None:
            line = self._line(made["amount"], given.get("description", ""), self.now(), self.now())
            invoice["lines"]["data"].append(line | {"period": made["period"] or line["period"]})
            self.books.put("invoice", account, invoice)
        return self._shown("invoiceitem", account, made)

    def _move_invoice(self, account: str, identity: str, verb: str) -> Answer:
        invoice = self.books.get(identity, "invoice", account)
        if invoice is None:
            return self._missing(identity)
        allowed = {"finalize": "draft", "pay": "open", "void": "open"}
        if invoice["status"] != allowed.get(verb):
            return self.error(400, "invalid_request_error", f"This invoice is {invoice['status']}.")
        if verb == "finalize":
            if invoice["collection_method"] == "send_invoice":
                invoice["due_date"] = self.now() + int(invoice["_days"]) * DAY
            self._finalize(account, invoice)
            if invoice["collection_method"] == "charge_automatically":
                self._attempt(account, invoice)
        elif verb == "pay":
            if not self._attempt(account, invoice):
                return self.error(402, "card_error", "Your card was declined.", "card_declined")
        else:
            invoice |= {"status": "void", "amount_remaining": 0, "next_payment_attempt": None}
            invoice["status_transitions"]["voided_at"] = self.now()
            self.books.put("invoice", account, invoice)
            self._announce(account, "invoice.voided", invoice)
        return json_answer(public(invoice))

    # --- Cards and hosted pages --------------------------------------------------------------------------------------

    def set_card(self, customer: str, card: str) -> None:
        """Give a customer another card, as they do in the portal."""
        account = self.books.account_of(customer)
        row = self.books.get(customer, "customer", account)
        row["_card"] = card
        row["invoice_settings"] = {"default_payment_method": new_id("pm_") if card else None}
        self.books.put("customer", account, row)
        self._announce(account, "customer.updated", row)

    def _portal(self, account: str, given: dict[str, Any]) -> Answer:
        customer = self.books.get(given.get("customer", ""), "customer", account)
        if customer is None or customer.get("deleted"):
            return self._missing(given.get("customer", ""))
        made = self._made("bps_", "billing_portal.session", account, given)
        return self._shown("portal", account, made | {"url": f"{self.url}/p/session/{made['id']}"})

    def portal_page(self, request: Request) -> Answer:
        session = self.books.get(request.path.rsplit("/", 1)[-1], "portal")
        if session is None:
            return html_answer("<h1>No such session</h1>", 404)
        account, told = self.books.account_of(session["id"]), ""
        if request.method == "POST":
            card = request.form.get("card", "").replace(" ", "")
            if card and card in REFUSED - {KEPT_BUT_REFUSED}:
                told = "<p class=alert role=alert>Your card was declined.</p>"
            elif card:
                self.set_card(session["customer"], card)
                told = "<p role=status>The card was changed.</p>"
            elif invoice := self.books.get(request.form.get("pay", ""), "invoice", account):
                paid = invoice["status"] == "open" and self._attempt(account, invoice)
                told = f"<p role=status>{'Paid.' if paid else 'Your card was declined.'}</p>"
        open_ones = [
            row for row in self.books.all("invoice", account)
            if row["customer"] == session["customer"] and row["status"] == "open"
        ]  # fmt: skip
        rows = "".join(
            f"<form method=post><button name=pay value={row['id']}>Pay {row['number']}: {row['amount_remaining']}"
            f" {row['currency'].upper()} (minor units)</button></form>"
            for row in open_ones
        )
        back = html.escape(session.get("return_url", "/"))
        return html_answer(
            f"<h1>Billing portal</h1>{told}<form method=post><label>Card number <input name=card"
            f" value='4242 4242 4242 4242'></label><button>Change the card</button></form>{rows}"
            f"<p><a href='{back}'>Back</a></p>"
        )

    def invoice_page(self, request: Request) -> Answer:
        """The hosted page of an invoice: any card pays it."""
        invoice = self.books.get(request.path.split("/")[2], "invoice")
        if invoice is None:
            return html_answer("<h1>No such invoice</h1>", 404)
        account = self.books.account_of(invoice["id"])
        told = ""
        if request.method == "POST" and invoice["status"] == "open":
            card = request.form.get("card", "").replace(" ", "")
            if card in REFUSED:
                told = "<p class=alert role=alert>Your card was declined.</p>"
            else:
                self.set_card(invoice["customer"], card)
                self._paid(account, invoice, None)
                return redirect(f"/i/{invoice['id']}")
        if invoice["status"] != "open":
            return html_answer(f"<h1>Invoice {invoice['number']}: {invoice['status']}</h1>")
        return html_answer(
            f"<h1>Invoice {invoice['number']}: {invoice['amount_remaining']} {invoice['currency'].upper()} (minor"
            f" units)</h1>{told}<form method=post><label>Card number <input name=card value='4242 4242 4242 4242'>"
            "</label><button>Pay</button></form>",
            402 if told else 200,
        )

    # --- The clock ---------------------------------------------------------------------------------------------------

    def advance(self, *, days: float = 0, to: float | None = None) -> None:
        """Move Stripe's clock forward and do whatever falls due on the way, in its order."""
        with self.books.lock:
            target = to if to is not None else self.now() + days * DAY
            while True:
                step = self._next_step(target)
                if step is None:
                    break
                at, act = step
                self._set(max(at, self.now()))
                act()
            self._set(target)

    def _set(self, moment: float) -> None:
        if self.stands_at is None:
            self.skew = moment - time.time() + 0.001
        else:
            self.stands_at = moment

    def _next_step(self, target: float) -> tuple[int, Any] | None:
        steps: list[tuple[int, int, Any]] = []
        for row in self.books.all("subscription"):
            if row["status"] not in LIVE:
                continue
            account, ends = self.books.account_of(row["id"]), row["items"]["data"][0]["current_period_end"]
            steps.append((ends, len(steps), lambda a=account, r=row: self._next_period(a, r)))
            if row["status"] == "trialing" and not row.get("_warned"):
                steps.append((row["trial_end"] - 3 * DAY, len(steps), lambda a=account, r=row: self._warn(a, r)))
        for invoice in self.books.all("invoice"):
            if invoice["status"] == "open" and invoice["next_payment_attempt"]:
                account = self.books.account_of(invoice["id"])
                steps.append(
                    (invoice["next_payment_attempt"], len(steps), lambda a=account, i=invoice: self._attempt(a, i))
                )
        due = [step for step in steps if step[0] <= target]
        return (min(due)[0], min(due)[2]) if due else None

    def _warn(self, account: str, row: dict[str, Any]) -> None:
        self.books.put("subscription", account, row | {"_warned": True})
        self._announce(account, "customer.subscription.trial_will_end", row)

    def _next_period(self, account: str, row: dict[str, Any]) -> None:
        if row["cancel_at_period_end"]:
            self._end(account, row, {})
            return
        item = row["items"]["data"][0]
        begins = item["current_period_end"]
        ends = later(begins, item["price"]["recurring"]["interval"])
        item |= {"current_period_start": begins, "current_period_end": ends}
        row["status"] = "active" if row["status"] == "trialing" else row["status"]
        self.books.put("subscription", account, row)
        self._announce(account, "customer.subscription.updated", row)
        line = self._line(item["price"]["unit_amount"], "1 × subscription", begins, ends)
        self._bill(account, row, [line], "subscription_cycle")

    def behind_billing(self, request: Request) -> Answer | None:
        """`POST /_advance {"days": 31}` and `POST /_card {"customer", "card"}`, for whoever plays with it by hand."""
        if request.path == "/_advance":
            self.advance(days=float(request.json["days"]))
        elif request.path == "/_card":
            self.set_card(request.json["customer"], request.json["card"])
        elif request.path == "/_endpoint":
            given = request.json
            made = {
                "id": "we_platform", "object": "webhook_endpoint", "enabled_events": ["*"], "status": "enabled",
                "url": given["url"], "secret": given["secret"],
            }  # fmt: skip
            self.books.put("endpoint", given["account"], made)
        else:
            return None
        return json_answer({"now": self.now()})
