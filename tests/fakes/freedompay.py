"""FreedomPay (formerly PayBox) as a shop sees it: signed forms in, signed XML out, a signed call to result_url.

Written from https://docs.freedompay.kz/ (init_payment.php, get_status3.php, revoke.php): pg_sig is the MD5 of the
script's name, all parameters' values in the order of their names, and the merchant's secret key, joined by `;`.
"""

import hashlib
import html
from decimal import Decimal
from urllib.parse import urlencode, urlsplit
from xml.sax.saxutils import escape

from tests.fakes.server import Answer, Fake, Request, html_answer, new_id, redirect

SECRETS = {"500001": "fake-freedompay-secret", "500002": "another-freedompay-secret"}  # merchant id -> secret key


def signature(script: str, fields: dict[str, str], secret: str) -> str:
    values = [fields[name] for name in sorted(fields) if name != "pg_sig"]
    return hashlib.md5(";".join([script, *values, secret]).encode(), usedforsecurity=False).hexdigest()


class FreedomPay(Fake):
    """The API at `url/init_payment.php` and so on, the buyer's page at `url/pay.html?customer=…`."""

    name = "freedompay"

    def handle(self, request: Request) -> Answer:
        if request.path == "/pay.html":
            return self._page(request)
        script = request.path.rsplit("/", 1)[-1]
        given = request.form
        secret = SECRETS.get(given.get("pg_merchant_id", ""))
        if secret is None or given.get("pg_sig") != signature(script, given, secret):
            return self._xml(
                script, {"pg_status": "error", "pg_error_code": "9998", "pg_error_description": "Bad signature"}, ""
            )
        merchant = given["pg_merchant_id"]
        if script == "get_status3.php":
            return self._status(given, merchant, secret)
        if self.failing("error_before"):
            return Answer(500, b"before the effect", "text/plain")
        with self.books.lock:
            answer = (
                self._init(given, merchant, secret)
                if script == "init_payment.php"
                else self._revoke(given, merchant, secret)
            )
        if self.failing("error_after"):
            return Answer(500, b"after the effect", "text/plain")
        return answer

    def _xml(self, script: str, fields: dict[str, str], secret: str) -> Answer:
        if secret:
            fields = {**fields, "pg_salt": new_id("")}
            fields["pg_sig"] = signature(script, fields, secret)
        inside = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in fields.items())
        return Answer(200, f'<?xml version="1.0" encoding="utf-8"?><response>{inside}</response>'.encode(), "text/xml")

    def _init(self, given: dict[str, str], merchant: str, secret: str) -> Answer:
        # A repeat with the same pg_order_id while it is unpaid is the same payment (pg_idempotency_key asks for that).
        same = [row for row in self.books.all("payment", merchant) if row["pg_order_id"] == given["pg_order_id"]]
        payment = same[0] if same else {
            **{name: value for name, value in given.items() if name != "pg_sig"},
            "id": str(700000000 + len(self.books.all("payment"))), "status": "new", "refunded": "0",
        }  # fmt: skip
        self.books.put("payment", merchant, payment)
        address = f"{self.url}/pay.html?customer={payment['id']}"
        return self._xml(
            "init_payment.php",
            {
                "pg_status": "ok",
                "pg_payment_id": payment["id"],
                "pg_redirect_url": address,
                "pg_redirect_url_type": "need data",
            },
            secret,
        )

    def _find(self, given: dict[str, str], merchant: str) -> dict[str, str] | None:
        if identity := given.get("pg_payment_id"):
            return self.books.get(identity, "payment", merchant)
        rows = self.books.all("payment", merchant)
        return next((row for row in rows if row["pg_order_id"] == given.get("pg_order_id")), None)

    def _status(self, given: dict[str, str], merchant: str, secret: str) -> Answer:
        payment = self._find(given, merchant)
        if payment is None:
            return self._xml(
                "get_status3.php",
                {"pg_status": "error", "pg_error_code": "340", "pg_error_description": "No such payment"},
                secret,
            )
        fields = {
            "pg_status": "ok", "pg_payment_id": payment["id"], "pg_order_id": payment["pg_order_id"],
            "pg_payment_status": payment["status"], "pg_amount": payment.get("captured", payment["pg_amount"]),
            "pg_currency": payment.get("currency", payment["pg_currency"]), "pg_refund_amount": payment["refunded"],
            "pg_testing_mode": payment.get("pg_testing_mode", "0"),
        }  # fmt: skip
        return self._xml("get_status3.php", fields, secret)

    def _revoke(self, given: dict[str, str], merchant: str, secret: str) -> Answer:
        payment = self._find(given, merchant)
        wanted = Decimal(given.get("pg_refund_amount") or 0)
        if payment is None or payment["status"] != "success":
            return self._xml(
                "revoke.php",
                {"pg_status": "error", "pg_error_code": "340", "pg_error_description": "Nothing to refund"},
                secret,
            )
        taken, back = Decimal(payment["captured"]), Decimal(payment["refunded"])
        # The real one has no keys for idempotency here: a shop has to ask what was refunded before it repeats.
        wanted = wanted or taken - back
        if back + wanted > taken:
            return self._xml(
                "revoke.php", {"pg_status": "error", "pg_error_code": "340", "pg_error_description": "Too much"}, secret
            )
        payment["refunded"] = f"{back + wanted:.2f}"
        self.books.put("payment", merchant, payment)
        self.books.move("refund", merchant, new_id("r"), -int(wanted * 100), payment["currency"], of=payment["id"])
        return self._xml("revoke.php", {"pg_status": "ok"}, secret)

    # --- The buyer ---------------------------------------------------------------------------------------------------

    def _page(self, request: Request) -> Answer:
        identity = request.query.get("customer", "")
        payment = self.books.get(identity, "payment")
        if payment is None:
            return html_answer("<h1>No such payment</h1>", 404)
        if request.method == "GET":
            return html_answer(
                f"<h1>Pay {html.escape(payment['pg_amount'])} {html.escape(payment['pg_currency'])}</h1>"
                "<p>This is a fake of FreedomPay.</p>"
                "<form method=post><label>Card number <input name=card value='4111 1111 1111 1111'></label>"
                "<button name=answer value=yes>Pay</button>"
                "<button name=answer value=no>Use a card that is declined</button></form>"
            )
        paid = request.form.get("answer") == "yes"
        if payment["status"] in ("new", "error"):
            self.settle(payment, paid)
        return redirect(payment["pg_success_url" if paid else "pg_failure_url"])

    def settle(self, payment: dict[str, str], paid: bool) -> None:
        """The card was charged or declined; tell result_url."""
        merchant = payment["pg_merchant_id"]
        payment["status"] = "success" if paid else "error"
        if paid:
            amount = Decimal(payment["pg_amount"]) + Decimal(self.knobs.wrong_amount_minor) / 100
            payment |= {"captured": f"{amount:.2f}", "currency": self.knobs.wrong_currency or payment["pg_currency"]}
            self.books.move(
                "payment", merchant, payment["id"], int(amount * 100), payment["currency"], of=payment["pg_order_id"]
            )
        self.books.put("payment", merchant, payment)
        if payment.get("pg_result_url"):
            self.tell(payment["pg_result_url"], lambda: self.signed(payment))

    def signed(self, payment: dict[str, str]) -> tuple[bytes, dict[str, str]]:
        """The form that result_url gets, and its headers."""
        paid = payment["status"] == "success"
        fields = {
            "pg_order_id": payment["pg_order_id"], "pg_payment_id": payment["id"],
            "pg_amount": payment.get("captured", payment["pg_amount"]), "pg_net_amount": payment.get("captured", "0"),
            "pg_currency": payment.get("currency", payment["pg_currency"]), "pg_result": "1" if paid else "0",
            "pg_can_reject": "0", "pg_testing_mode": payment.get("pg_testing_mode", "0"), "pg_salt": new_id(""),
        }  # fmt: skip
        if not paid:
            fields["pg_failure_description"] = "Declined"
        script = urlsplit(payment["pg_result_url"]).path.rsplit("/", 1)[-1]
        secret = SECRETS[payment["pg_merchant_id"]] + ("!" if self.knobs.bad_signature else "")
        fields["pg_sig"] = signature(script, fields, secret)
        return urlencode(fields).encode(), {"Content-Type": "application/x-www-form-urlencoded"}
