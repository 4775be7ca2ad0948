"""The product as the machine drives it: over HTTP, with the provider's messages in our hand and time at our word."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import uuid4

import requests
from django.utils import timezone

from shared_apps.core.money import to_minor
from tenant_apps.activity.delivery import deliver_due
from tenant_apps.orders.models import Order
from tenant_apps.orders.services import expire_overdue
from tenant_apps.payments.models import LedgerEntry, Payment
from tenant_apps.payments.polling import poll_due
from tenant_apps.reports.invariants import breaches_in
from tenant_apps.ticketing.services import ensure_door
from tenants.context import in_tenant
from tests.factories import bearer, make_event, make_quota, make_ticket_type, owner_of
from tests.fakes import Stripe
from tests.rules.model import PLACES, PRICES

GOOD, NEEDS_3DS, BAD = "4242424242424242", "4000000000003220", "4000000000000002"
LONG_AFTER = timedelta(days=1)
# A busy machine is no divergence.
TIMEOUT_SECONDS = 120


@dataclass
class Placed:
    """An order as its buyer knows it: `pages` are where each try to pay can be paid, None where nobody was sent."""

    code: str
    secret: str
    lines: list[str]
    pages: list[str | None] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)


class Driver:
    """One event of the tenant, new for each run."""

    def __init__(self, tenant: Any, site: Any, fake: Stripe):
        self.tenant, self.site, self.fake = tenant, site, fake
        fake.kept_back.clear()
        with in_tenant(tenant):
            event = make_event()
            self.slug = event.slug
            self.kinds = {
                name: make_ticket_type(event, price_minor=price, capacity=PLACES[name], name=name).pk
                for name, price in PRICES.items()
            }
            make_quota(event, capacity=PLACES["house"], name="house", ticket_types=event.ticket_types.all())
            ensure_door(event)
            self.door = event.check_in_lists.get().pk
        self.boss = {"Authorization": f"Bearer {bearer(owner_of(tenant))}"}

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> requests.Response:
        return requests.request(
            method, f"{self.site.address}{path}", json=body, timeout=TIMEOUT_SECONDS, allow_redirects=False,
            headers={"Host": self.site.host(self.tenant), **headers},
        )  # fmt: skip

    def api(self, method: str, path: str, body: Any = None, **headers: str) -> requests.Response:
        keys = {"Idempotency-Key": uuid4().hex} if method == "POST" else {}
        return self.call(method, f"/api/v1/{path}", body, **{**keys, **headers})

    # --- The buyer ---------------------------------------------------------------------------------------------------

    def place(self, kinds: tuple[str, ...], *, again: bool = False) -> tuple[requests.Response, Placed | None]:
        """`again`: the same request a second time, whose answer must be the same."""
        body = {
            "email": f"{uuid4().hex}@example.test", "provider": "stripe",
            "lines": [{"ticket_type": self.kinds[kind]} for kind in kinds],
        }  # fmt: skip
        key = {"Idempotency-Key": uuid4().hex}
        answer = self.api("POST", "orders/", body, **key)
        if again:
            repeated = self.api("POST", "orders/", body, **key)
            assert (repeated.status_code, repeated.json().get("code")) == (
                answer.status_code, answer.json().get("code"))  # fmt: skip
        if answer.status_code != 201:
            return answer, None
        said = answer.json()
        placed = Placed(said["code"], said["secret"], [line["id"] for line in said["lines"]])
        self._note(placed, said["payment"])
        return answer, placed

    def try_again(self, order: Placed) -> requests.Response:
        answer = self.api(
            "POST", "payments/", {"order": order.code, "provider": "stripe"}, **{"X-Order-Secret": order.secret}
        )
        if answer.status_code == 201:
            self._note(order, answer.json())
        return answer

    def _note(self, order: Placed, payment: dict[str, Any]) -> None:
        order.ids.append(payment["id"])
        order.pages.append(payment["redirect_url"])

    def pay(self, page: str, card: str, extra_minor: int = 0) -> requests.Response:
        self.fake.knobs.wrong_amount_minor = extra_minor
        try:
            return requests.post(page, data={"card": card}, allow_redirects=False, timeout=TIMEOUT_SECONDS)
        finally:
            self.fake.knobs.wrong_amount_minor = 0

    def authenticate(self, page: str) -> requests.Response:
        session = self.fake.books.get(page.rsplit("/", 1)[-1], "session")
        assert session is not None
        address = f"{self.fake.url}/3ds/{session['payment_intent']}?session={session['id']}&card={NEEDS_3DS}"
        return requests.post(address, data={"answer": "yes"}, allow_redirects=False, timeout=TIMEOUT_SECONDS)

    def come_back(self, order: Placed, number: int) -> None:
        answer = self.call("GET", f"/orders/{order.code}/{order.secret}/pay/back/?payment={order.ids[number]}")
        assert answer.status_code == 302, answer.text

    def cancel(self, order: Placed, *, by_staff: bool) -> requests.Response:
        who = self.boss if by_staff else {"X-Order-Secret": order.secret}
        return self.api("POST", f"orders/{order.code}/cancel/", {}, **who)

    def cancel_line(self, order: Placed, number: int, *, by_staff: bool) -> requests.Response:
        who = self.boss if by_staff else {"X-Order-Secret": order.secret}
        return self.api("POST", f"orders/{order.code}/lines/{order.lines[number]}/cancel/", {}, **who)

    def state(self, order: Placed) -> dict[str, Any]:
        answer = self.api("GET", f"orders/{order.code}/?secret={order.secret}")
        assert answer.status_code == 200, answer.text
        said: dict[str, Any] = answer.json()
        return said

    # --- Staff -------------------------------------------------------------------------------------------------------

    def mark_paid(self, order: Placed) -> requests.Response:
        return self.api("POST", f"orders/{order.code}/mark-paid/", {}, **self.boss)

    def refund(self, order: Placed, amount_minor: int | None) -> requests.Response:
        body = {} if amount_minor is None else {"amount": f"{amount_minor / 100:.2f}"}
        return self.api("POST", f"orders/{order.code}/refund/", body, **self.boss)

    def cancel_event(self) -> requests.Response:
        return self.api("POST", f"events/{self.slug}/cancel/", {}, **self.boss)

    def scan(self, code: str, scan_id: str) -> requests.Response:
        return self.api("POST", f"check-in-lists/{self.door}/scan/", {"code": code, "scan_id": scan_id}, **self.boss)

    def undo(self, scan_id: str) -> requests.Response:
        return self.api("POST", f"check-in-lists/{self.door}/scans/{scan_id}/undo/", {}, **self.boss)

    def counters(self) -> dict[str, tuple[int, int]]:
        said = self.api("GET", f"events/{self.slug}/quotas/", **self.boss).json()
        return {quota["name"]: (quota["held"], quota["sold"]) for quota in said["results"]}

    # --- Time and the worker -----------------------------------------------------------------------------------------

    def overdue(self, order: Placed) -> None:
        with in_tenant(self.tenant):
            Order.objects.filter(code=order.code).update(expires_at=timezone.now() - timedelta(seconds=1))

    def sweep(self) -> None:
        with in_tenant(self.tenant):
            expire_overdue()

    def poll(self, payment: str) -> None:
        """The time to ask about this payment has come, and about no other."""
        with in_tenant(self.tenant):
            waiting = Payment.objects.filter(poll_at__isnull=False)
            waiting.update(poll_at=timezone.now() + LONG_AFTER)
            waiting.filter(pk=payment).update(poll_at=timezone.now())
            poll_due()

    def work(self) -> None:
        with in_tenant(self.tenant):
            while deliver_due(200):
                pass

    def messages(self) -> list[Callable[[], None]]:
        """The provider's messages so far, each of which may come late, twice, or never."""
        return self.fake.kept_back

    # --- At the end --------------------------------------------------------------------------------------------------

    def breaches(self) -> list[str]:
        return [f"{breach.invariant} {breach.found}" for breach in breaches_in(self.tenant)]

    def books(self) -> tuple[list[Any], list[Any]]:
        """Our movements at the provider, and the provider's."""
        with in_tenant(self.tenant):
            rows = LedgerEntry.objects.filter(provider="stripe")
            ours = sorted(rows.values_list("kind", "amount_minor", "currency"))
        return ours, sorted((row["kind"], row["amount"], row["currency"]) for row in self.fake.books.movements())


def seen(said: dict[str, Any]) -> dict[str, Any]:
    """What an order's answer says, in the model's words."""
    currency = said["currency"]
    return {
        "status": said["status"],
        "total": to_minor(said["total"], currency),
        "refunded": to_minor(said["refunded"], currency),
        "tickets": [ticket["status"] for ticket in said["tickets"]],
        "payments": [
            (payment["status"], to_minor(payment["amount"], currency), to_minor(payment["refunded"], currency))
            for payment in said["payments"]
        ],
    }
