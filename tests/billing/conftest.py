"""The platform with a Stripe account of its own."""

from collections.abc import Iterator
from typing import Any

import pytest

from shared_apps.billing import tasks
from tests.billing.customers import KEY, SECRET, Account, moved_clock
from tests.fakes import Stripe


@pytest.fixture
def account(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    """Stripe sells the platform's plans. Its messages are delivered by hand."""
    fake = Stripe()
    with fake:
        settings.STRIPE_PLATFORM_KEY, settings.STRIPE_BILLING_WEBHOOK_SECRET = KEY, f"whsec_old, {SECRET}"
        settings.STRIPE_API_BASE = fake.url
        account = Account(fake)
        moved_clock(account, monkeypatch)
        # Nobody listens there; what a worker would do is done by hand.
        monkeypatch.setattr(tasks, "take_up_soon", lambda customer: None)
        yield account
