"""A shop with an account at a fake provider, over real HTTP in both directions."""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
import requests

from tenant_apps.payments import accounts
from tenant_apps.payments.models import LedgerEntry, Payment, ProviderAccount
from tenant_apps.ticketing.models import Ticket
from tenants.context import in_tenant
from tests.factories import make_event, make_ticket_type, owner_of
from tests.fakes import FreedomPay, PayPal, Stripe
from tests.fakes.freedompay import SECRETS

FAKES: dict[str, Any] = {"stripe": Stripe, "paypal": PayPal, "freedompay": FreedomPay}
KEYS: dict[str, dict[str, str]] = {
    "stripe": {"secret_key": "sk_test_alpha", "publishable_key": "pk_test_alpha"},
    "paypal": {"client_id": "alpha", "client_secret": "shh", "mode": "test"},
    "freedompay": {"merchant_id": "500001", "secret_key": SECRETS["500001"], "mode": "test"},
}
GOOD, NEEDS_3DS, BAD = "4242424242424242", "4000000000003220", "4000000000000002"


class Shop:
    """The tenant alpha with one event on sale, its provider's fake, and a buyer with a browser of sorts."""

    def __init__(self, name: str, tenant: Any, site: Any, fake: Any):
        self.name, self.tenant, self.site, self.fake = name, tenant, site, fake
        with in_tenant(tenant):
            self.ticket_type = make_ticket_type(make_event(), price_minor=2500, capacity=5)

    def connect(self, **changes: str) -> ProviderAccount:
        with in_tenant(self.tenant):
            return accounts.connect(self.name, KEYS[self.name] | changes, actor=owner_of(self.tenant))

    def call(self, method: str, path: str, **options: Any) -> requests.Response:
        headers = {"Host": self.site.host(self.tenant), **options.pop("headers", {})}
        address = f"{self.site.address}/api/v1/{path}"
        return requests.request(method, address, headers=headers, timeout=20, **options)

    def order(self, quantity: int = 1, **more: Any) -> dict[str, Any]:
        body = {
            "email": "buyer@example.test", "name": "Ann", "provider": self.name,
            "lines": [{"ticket_type": self.ticket_type.pk, "quantity": quantity}], **more,
        }  # fmt: skip
        answer = self.call("POST", "orders/", json=body, headers={"Idempotency-Key": uuid4().hex})
        assert answer.status_code == 201, answer.text
        placed: dict[str, Any] = answer.json()
        return placed

    def pay(self, order: dict[str, Any], how: str = "good") -> requests.Response:
        """What the buyer does on the provider's page: `good`, `bad` (declined), `3ds`. Follows to where that leads,
        but not back into the shop."""
        address = order["payment"]["redirect_url"]
        if self.name != "stripe":
            word = {"good": "yes", "bad": "declined" if self.name == "paypal" else "no"}[how]
            return requests.post(address, data={"answer": word}, allow_redirects=False, timeout=20)
        card = {"good": GOOD, "bad": BAD, "3ds": NEEDS_3DS}[how]
        answer = requests.post(address, data={"card": card}, allow_redirects=False, timeout=20)
        if how == "3ds":
            answer = requests.post(
                self.fake.url + answer.headers["Location"], data={"answer": "yes"}, allow_redirects=False, timeout=20
            )
        return answer

    def come_back(self, answer: requests.Response) -> requests.Response:
        """Follow the provider's redirect into the shop."""
        address = answer.headers["Location"].replace(self.site.host(self.tenant), f"127.0.0.1:{self.site.port}")
        return requests.get(address, headers={"Host": self.site.host(self.tenant)}, allow_redirects=False, timeout=20)

    def state(self, order: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = self.call("GET", f"orders/{order['code']}/?secret={order['secret']}").json()
        return found

    def books_agree(self) -> None:
        """Our ledger and the fake's hold the same sums, and what is captured or refunded is in both."""
        with in_tenant(self.tenant):
            ours = sorted(LedgerEntry.objects.values_list("kind", "amount_minor", "currency"))
        theirs = sorted((row["kind"], row["amount"], row["currency"]) for row in self.fake.books.movements())
        assert ours == theirs

    def payments(self) -> list[tuple[str, int, int]]:
        with in_tenant(self.tenant):
            rows = Payment.objects.order_by("created_at")
            return list(rows.values_list("status", "captured_minor", "refunded_minor"))

    def tickets(self) -> int:
        with in_tenant(self.tenant):
            return Ticket.objects.filter(status="active").count()


@pytest.fixture
def open_shop(alpha: Any, site: Any, settings: Any) -> Iterator[Callable[[str], Shop]]:
    """`open_shop("stripe")`: a shop that has typed its keys in."""
    running: list[Any] = []
    settings.PLATFORM_PORT = f":{site.port}"

    def make(name: str) -> Shop:
        fake = FAKES[name]().start()
        running.append(fake)
        for setting in {
            "stripe": ["STRIPE_API_BASE"],
            "paypal": ["PAYPAL_SANDBOX_BASE", "PAYPAL_API_BASE"],
            "freedompay": ["FREEDOMPAY_API_BASE"],
        }[name]:
            setattr(settings, setting, fake.url)
        shop = Shop(name, alpha, site, fake)
        shop.connect()
        return shop

    yield make
    for fake in running:
        fake.settled()
        fake.stop()


@pytest.fixture(params=["stripe", "paypal", "freedompay"])
def shop(request: pytest.FixtureRequest, open_shop: Callable[[str], Shop]) -> Shop:
    return open_shop(request.param)
