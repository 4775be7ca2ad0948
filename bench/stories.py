"""What people do while parts of the product die under them: each story has a tenant of its own, so that nobody else's
requests or jobs bring its outcome about."""

import itertools
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import requests

from bench.stack import Stack
from tests.fakes import Stripe

PRICE_MINOR = 2500
GOOD_CARD = "4242424242424242"
# How long a client goes on repeating a request whose answer it did not get.
PATIENCE_SECONDS = 90.0
_numbers = itertools.count(1)


class Provider(Stripe):
    """The fake, which can be deaf for some shops: it tells them nothing by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.silent_to: set[str] = set()
        self.knobs.webhook_tries = 20

    def tell(self, address: str, make: Callable[[], tuple[bytes, dict[str, str]]]) -> None:
        if not any(f"//{slug}." in address for slug in self.silent_to):
            super().tell(address, make)


class Shop:
    """A tenant with an event on sale, and whoever buys there."""

    def __init__(self, stack: Stack, fake: Provider, *, places: int = 100):
        from bench.tenants import owner
        from tenant_apps.payments import accounts
        from tenants.context import in_tenant
        from tenants.provisioning import open_tenant
        from tests.factories import make_event, make_ticket_type

        self.stack, self.fake, self.owner = stack, fake, owner()
        self.slug = f"story-{next(_numbers)}"
        self.tenant = open_tenant(name=self.slug, slug=self.slug, owner=self.owner, currency="EUR")
        with in_tenant(self.tenant):
            event = make_event()
            self.event = event.slug
            self.paid = make_ticket_type(event, price_minor=PRICE_MINOR, capacity=places)
            self.free = make_ticket_type(event, price_minor=0, capacity=places, name="Free")
            accounts.connect(
                "stripe",
                {"secret_key": f"sk_test_{self.slug}", "publishable_key": f"pk_test_{self.slug}"},
                actor=self.owner,
            )

    # --- Over HTTP ---------------------------------------------------------------------------------------------------

    def call(self, method: str, path: str, body: Any = None, form: Any = None, **headers: str) -> requests.Response:
        """Ask until there is an answer that is not an excuse (5xx, 409 still running), as a good client does."""
        address = f"http://127.0.0.1:{self.stack.port}{path}"
        headers = {"Host": f"{self.slug}.localhost:{self.stack.port}", **headers}
        until = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                answer = requests.request(
                    method, address, json=body, headers=headers, timeout=15, allow_redirects=False, **(form or {})
                )
                if answer.status_code < 500 and not (answer.status_code == 409 and "in_progress" in answer.text):
                    return answer
                said = f"{answer.status_code} {answer.text[:300]}"
            except requests.RequestException as error:
                said = type(error).__name__
            if time.monotonic() > until:
                raise TimeoutError(f"{method} {path}: {said}")
            time.sleep(0.2)

    def place(self, ticket_type: Any = None) -> dict[str, Any]:
        """Order one ticket. If the answer knows of no page to pay at, ask for another try, as a buyer would."""
        kind = ticket_type or self.paid
        body = {
            "email": f"buyer{next(_numbers)}@example.test", "provider": "stripe", "lines": [{"ticket_type": kind.pk}],
        }  # fmt: skip
        answer = self.call("POST", "/api/v1/orders/", body, **{"Idempotency-Key": uuid4().hex})
        if answer.status_code != 201:
            raise RuntimeError(f"{answer.status_code} {answer.text[:300]}")
        order: dict[str, Any] = answer.json()
        if order["payment"] and not order["payment"].get("redirect_url"):
            order["payment"] = self.try_again(order)
        return order

    def try_again(self, order: dict[str, Any]) -> dict[str, Any]:
        keys = {"Idempotency-Key": uuid4().hex, "X-Order-Secret": order["secret"]}
        answer = self.call("POST", "/api/v1/payments/", {"order": order["code"], "provider": "stripe"}, **keys)
        if answer.status_code != 201:
            raise RuntimeError(f"{answer.status_code} {answer.text[:300]}")
        payment: dict[str, Any] = answer.json()
        return payment if payment.get("redirect_url") else self.try_again(order)

    def pay(self, order: dict[str, Any]) -> str:
        """Type the card in at the provider's page; returns where that leads the buyer back to."""
        answer = requests.post(
            order["payment"]["redirect_url"], data={"card": GOOD_CARD}, allow_redirects=False, timeout=15
        )
        return answer.headers["Location"]

    def upload(self, name: str, content: bytes) -> str:
        """Bring in a file of events, which is applied if nothing is wrong with it; returns the import's id."""
        from tests.factories import bearer

        keys = {"Idempotency-Key": uuid4().hex, "Authorization": f"Bearer {bearer(self.owner)}"}
        form = {"files": {"file": (name, content, "text/csv")}, "data": {"resource": "events", "dry_run": "false"}}
        answer = self.call("POST", "/api/v1/imports/", form=form, **keys)
        if answer.status_code != 201:
            raise RuntimeError(f"{answer.status_code} {answer.text[:300]}")
        return str(answer.json()["id"])

    def come_back(self, address: str) -> None:
        self.call("GET", "/" + address.split("/", 3)[3])

    def buy(self) -> dict[str, Any]:
        """Order, pay and wait until that is known, by webhook."""
        order = self.place()
        self.pay(order)
        self.wait_for(order, "paid")
        return order

    def state(self, order: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = self.call("GET", f"/api/v1/orders/{order['code']}/?secret={order['secret']}").json()
        return found

    def wait_for(self, order: dict[str, Any], status: str, seconds: float = 30) -> None:
        until = time.monotonic() + seconds
        while self.state(order)["status"] != status:
            if time.monotonic() > until:
                raise TimeoutError(f"order {order['code']} does not become {status}: {self.state(order)}")
            time.sleep(0.1)

    def send_back(self, order: dict[str, Any]) -> None:
        """Staff refund the whole order."""
        from tests.factories import bearer

        keys = {"Idempotency-Key": uuid4().hex, "Authorization": f"Bearer {bearer(self.owner)}"}
        answer = self.call("POST", f"/api/v1/orders/{order['code']}/refund/", {}, **keys)
        if answer.status_code not in (200, 201):
            raise RuntimeError(f"{answer.status_code} {answer.text[:300]}")

    def cancel(self, order: dict[str, Any]) -> None:
        path = f"/api/v1/orders/{order['code']}/cancel/"
        answer = self.call("POST", path, {}, **{"X-Order-Secret": order["secret"]})
        if answer.status_code != 200:
            raise RuntimeError(f"{answer.status_code} {answer.text[:300]}")

    def call_off(self) -> None:
        from tests.factories import bearer

        path = f"/api/v1/events/{self.event}/cancel/"
        answer = self.call("POST", path, {"refund": True}, Authorization=f"Bearer {bearer(self.owner)}")
        if answer.status_code != 200:
            raise RuntimeError(f"{answer.status_code} {answer.text[:300]}")

    # --- Time, and whoever is woken by it ----------------------------------------------------------------------------

    def overdue(self, order: dict[str, Any]) -> None:
        """The order's time to pay is up."""
        from django.utils import timezone

        from tenant_apps.orders.models import Order
        from tenants.context import in_tenant

        with in_tenant(self.tenant):
            Order.objects.filter(code=order["code"]).update(expires_at=timezone.now() - timedelta(seconds=1))

    def time_to_ask(self) -> None:
        """The first question about each open payment and refund is due."""
        from django.utils import timezone

        from tenant_apps.payments.models import Payment, Refund
        from tenants.context import in_tenant

        with in_tenant(self.tenant):
            for model in (Payment, Refund):
                model.objects.filter(poll_at__isnull=False).update(poll_at=timezone.now())

    def wake(self, task: str) -> None:
        """Have a worker run the tenant's job now, as beat does each minute."""
        from platform_config.celery import app

        app.send_task(task, headers={"_schema_name": self.tenant.schema_name}, queue="default")

    def fan_out(self) -> None:
        from platform_config.celery import app

        app.send_task("tenants.for_each_tenant", kwargs={"task_name": "activity.sweep"}, queue="default")


# --- The stories: what is done before a point is armed, what then leads past it, and what must come of it -------------

Order = dict[str, Any]


class Story(ABC):
    """`prepare` runs undisturbed; `act` meets the fault, in a thread of its own; `done` says None once all is well."""

    places = 100
    silent = False  # the provider tells this shop nothing by itself

    def __init__(self, stack: Stack, fake: Provider):
        self.shop = Shop(stack, fake, places=self.places)
        if self.silent:
            fake.silent_to.add(self.shop.slug)

    def prepare(self) -> None:
        """Do what has to be there before; most need nothing."""
        return

    @abstractmethod
    def act(self) -> None:
        """Do what a process dies in the middle of."""

    @abstractmethod
    def wanted(self) -> dict[str, str]:
        """Return the orders' codes, each with the status that it must come to."""


class FreeTicket(Story):
    """A free ticket: paid at once, and a mail."""

    def act(self) -> None:
        self.order = self.shop.place(self.shop.free)

    def wanted(self) -> dict[str, str]:
        return {self.order["code"]: "paid"}


class FreeTicketBySweep(FreeTicket):
    def act(self) -> None:
        super().act()
        self.shop.fan_out()


class Purchase(Story):
    """A ticket that is paid at the provider, who tells us so. The buyer closes the window instead of coming back."""

    def act(self) -> None:
        self.order = self.shop.place()
        self.shop.pay(self.order)

    def wanted(self) -> dict[str, str]:
        return {self.order["code"]: "paid"}


class PurchaseSeenOnReturn(Purchase):
    """The provider says nothing by itself; the buyer comes back, which makes us ask."""

    silent = True

    def act(self) -> None:
        self.order = self.shop.place()
        self.shop.come_back(self.shop.pay(self.order))


class PurchaseSeenByPolling(Purchase):
    """Neither webhook nor buyer: we ask by ourselves."""

    silent = True

    def prepare(self) -> None:
        self.order = self.shop.place()
        self.shop.pay(self.order)

    def act(self) -> None:
        self.shop.time_to_ask()
        self.shop.wake("payments.poll_due")


class RefundByStaff(Story):
    def prepare(self) -> None:
        self.order = self.shop.buy()

    def act(self) -> None:
        self.shop.send_back(self.order)

    def wanted(self) -> dict[str, str]:
        return {self.order["code"]: "paid refunded"}


class CancelledByBuyer(RefundByStaff):
    def act(self) -> None:
        self.shop.cancel(self.order)

    def wanted(self) -> dict[str, str]:
        return {self.order["code"]: "cancelled refunded"}


class EventCalledOff(RefundByStaff):
    """Everybody's money goes back, by a job."""

    def act(self) -> None:
        self.shop.call_off()

    def wanted(self) -> dict[str, str]:
        return {self.order["code"]: "cancelled refunded"}


class RefundThatTakesDays(RefundByStaff):
    """The provider sends the money later than it says so, and does not tell us when it did."""

    def prepare(self) -> None:
        super().prepare()
        fake = self.shop.fake
        fake.silent_to.add(self.shop.slug)
        fake.knobs.refunds_stay_pending = True
        try:
            self.shop.send_back(self.order)
        finally:
            fake.knobs.refunds_stay_pending = False
        account = f"sk_test_{self.shop.slug}"
        for refund in fake.books.all("refund", account):
            fake.finish_refund(refund["id"])

    def act(self) -> None:
        self.shop.time_to_ask()
        self.shop.wake("payments.poll_due")


class NeverPaid(Story):
    """Nobody pays; the places come back."""

    def prepare(self) -> None:
        self.order = self.shop.place()

    def act(self) -> None:
        self.shop.overdue(self.order)
        self.shop.wake("orders.expire_overdue")

    def wanted(self) -> dict[str, str]:
        return {self.order["code"]: "expired"}


class ClosedAtTheProvider(NeverPaid):
    """What nobody paid is closed at the provider, too."""

    silent = True

    def prepare(self) -> None:
        super().prepare()
        self.shop.overdue(self.order)
        self.shop.wake("orders.expire_overdue")
        self.shop.wait_for(self.order, "expired", 60)

    def act(self) -> None:
        self.shop.time_to_ask()
        self.shop.wake("payments.poll_due")


class MoneyTooLate(Story):
    """The money comes when the last place has gone to somebody else: it goes back in full (O5)."""

    silent, places = True, 1

    def prepare(self) -> None:
        self.late = self.shop.place()
        self.shop.overdue(self.late)
        self.shop.pay(self.late)
        self.other = self.shop.place()

    def act(self) -> None:
        self.shop.time_to_ask()
        self.shop.wake("payments.poll_due")

    def wanted(self) -> dict[str, str]:
        return {self.late["code"]: "expired returned", self.other["code"]: "pending"}
