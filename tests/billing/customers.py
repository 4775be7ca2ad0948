"""The platform's account at a fake of Stripe, its clock, and an owner who buys there."""

import json
import random
from datetime import UTC, datetime
from typing import Any

import requests

from shared_apps.billing import callbacks, standing, subscriptions
from shared_apps.billing.models import Subscription
from tests.fakes import Stripe

KEY = "sk_test_platform"
SECRET = "whsec_platform_billing"
GOOD, BAD, KEPT_BUT_REFUSED = "4242424242424242", "4000000000000002", "4000000000000341"


class Account:
    """The fake, and both clocks: moving Stripe's moves the one that billing goes by."""

    def __init__(self, fake: Stripe):
        self.fake = fake
        self.sent: set[str] = set()

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.fake.now(), UTC)

    def row(self, tenant: Any) -> Subscription:
        return Subscription.objects.select_related("plan", "tenant").get(tenant=tenant)

    def buy(self, tenant: Any, plan: str, card: str = GOOD, **options: str) -> Subscription:
        """Go through Checkout and come back; Stripe's messages are still on their way."""
        self.pay(subscriptions.start(tenant, plan, **options), card)
        subscriptions.look(tenant)
        return self.row(tenant)

    def pay(self, address: str, card: str = GOOD, **fields: str) -> requests.Response:
        return requests.post(address, data={"card": card, **fields}, allow_redirects=False, timeout=20)

    def set_card(self, tenant: Any, card: str) -> None:
        self.fake.set_card(self.row(tenant).stripe_customer, card)

    def advance(self, days: float) -> None:
        """Let days pass at Stripe. What it says of them is not delivered yet."""
        self.fake.advance(days=days)

    def pass_days(self, days: float) -> None:
        """Let days pass for everybody: messages arrive, and what is due by the clock is done."""
        self.advance(days)
        self.deliver()
        subscriptions.sweep(self.now())

    def events(self) -> list[dict[str, Any]]:
        """Everything that Stripe has said, in its order."""
        return self.fake.books.all("event", KEY)

    def deliver(self) -> int:
        """Deliver what was not delivered yet, in order."""
        waiting = [event for event in self.events() if event["id"] not in self.sent]
        for event in waiting:
            self.hand_over(event)
        return len(waiting)

    def hand_over(self, event: dict[str, Any]) -> bool:
        body, headers = self.fake.signed(event, SECRET)
        self.sent.add(event["id"])
        return callbacks.receive(body, headers)

    def state(self, tenant: Any) -> dict[str, Any]:
        """Everything that must not depend on the order of messages."""
        row = self.row(tenant)
        tenant.refresh_from_db()
        left_out = ("id", "asked", "answered", "checkouts", "look_at", "changed_at", "created_at", "checkout_at")
        return {
            "subscription": {
                field.attname: getattr(row, field.attname)
                for field in Subscription._meta.concrete_fields
                if field.attname not in left_out
            },
            "invoices": [
                {name: value for name, value in invoice.__dict__.items() if name not in ("_state", "id")}
                for invoice in sorted(subscriptions.invoices_of(tenant), key=lambda each: each.number)
            ],
            "limits": tenant.limits,
            "tenant": (tenant.status, sorted(tenant.suspensions)),
        }


def shuffled(events: list[dict[str, Any]], luck: random.Random) -> list[dict[str, Any]]:
    """The events in another order, a third of them twice or more."""
    several = [event for event in events for _ in range(luck.choice((1, 1, 1, 1, 2, 3)))]
    luck.shuffle(several)
    return several


def moved_clock(account: Account, monkeypatch: Any) -> None:
    monkeypatch.setattr(standing, "moment", account.now)


def told(event: dict[str, Any]) -> str:
    about = event["data"]["object"]
    return f"{event['type']} {json.dumps(about.get('status'))}"
