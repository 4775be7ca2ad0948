"""A site that is erased is charged for no more: its subscription ends before the rows go that know of it (N6)."""

from typing import Any

import pytest

from shared_apps.billing import gateway, subscriptions
from shared_apps.billing.errors import BillingUnavailable
from shared_apps.billing.models import Subscription
from shared_apps.departures import erasing
from tenants import provisioning
from tests.billing.conftest import account as account  # the platform's Stripe account, for these tests too


def charged(account: Any) -> int:
    return sum(row["amount"] for row in account.fake.books.movements())


def test_an_erased_site_is_charged_for_no_more(account: Any, doomed: Any) -> None:
    account.buy(doomed, "house-monthly")
    account.pass_days(15)
    assert charged(account) == 2900
    provisioning.begin_closing(doomed, days=0)
    erasure = erasing.begin(doomed)
    erasing.work(erasure.pk)
    erasure.refresh_from_db()
    assert erasure.finished_at is not None and not Subscription.objects.filter(tenant=doomed).exists()
    assert erasure.steps["elsewhere"]["subscription"] == {"ended": 1}
    account.pass_days(70)
    assert [row["status"] for row in account.fake.books.all("subscription")] == ["canceled"]
    assert charged(account) == 2900


def test_while_stripe_does_not_answer_the_data_are_gone_and_the_subscription_is_still_known(
    account: Any, doomed: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    account.buy(doomed, "house-monthly")
    erasure = erasing.begin(doomed, at_once=True)

    def silent(customer: str) -> gateway.Told:
        raise BillingUnavailable

    with monkeypatch.context() as patched:
        patched.setattr(gateway, "told_of", silent)
        erasing.work(erasure.pk)
    erasure.refresh_from_db()
    assert (erasure.error, erasure.finished_at) == ("billing_unavailable", None)
    assert "schema" in erasure.steps and Subscription.objects.filter(tenant=doomed).exists()
    erasing.work(erasure.pk)
    erasure.refresh_from_db()
    assert erasure.finished_at is not None
    assert account.fake.books.all("subscription")[0]["status"] == "canceled"


def test_a_page_for_a_card_that_is_open_takes_none_any_more(account: Any, doomed: Any) -> None:
    address = subscriptions.start(doomed, "house-monthly")
    erasing.erase(doomed, at_once=True)
    assert account.fake.books.all("session")[0]["status"] == "expired"
    account.pay(address)
    assert account.fake.books.all("subscription") == []
