"""Death at each step of buying, changing, ending and billing: what a second try, or the clock, makes of it (O3)."""

from datetime import UTC, date, datetime

import pytest

from shared_apps.billing import fee_bills, mirror, subscriptions
from shared_apps.billing.models import BillingEvent, PlatformInvoice, TicketFeeBill, TicketFees


class Died(Exception):
    """The process is gone."""


class Killed(BaseException):
    """The process is gone, and nobody who catches what goes wrong sees it."""


@pytest.fixture
def dies_at(monkeypatch):
    """`dies_at(module, "billing.asked")`: whoever comes by there first, dies."""

    def arm(module, name, how=Died):
        def point(reached):
            if reached == name:
                monkeypatch.setattr(module, "point", lambda _: None)
                raise how

        monkeypatch.setattr(module, "point", point)

    return arm


@pytest.mark.parametrize("name", ["billing.customer", "billing.checkout"])
def test_who_dies_while_somebody_begins_to_buy_leaves_one_customer_and_one_page(account, alpha, dies_at, name):
    dies_at(subscriptions, name)
    with pytest.raises(Died):
        subscriptions.start(alpha, "house-monthly")
    address = subscriptions.start(alpha, "house-monthly")
    assert [row["url"] for row in account.fake.books.all("session") if row["status"] == "open"] == [address]
    assert len(account.fake.books.all("customer")) == 1
    account.pay(address)
    account.deliver()
    subscriptions.sweep(account.now())
    assert account.row(alpha).status == "trialing"


@pytest.mark.parametrize("name", ["billing.asked", "billing.kept"])
def test_who_dies_while_looking_leaves_the_messages_or_their_effect_and_the_next_look_does_the_rest(
    account, alpha, dies_at, name
):
    account.pay(subscriptions.start(alpha, "house-monthly"))
    dies_at(mirror, name)
    account.deliver()
    subscriptions.sweep(account.now())
    # Told by Stripe or by the clock: an hour later at most it is taken up again.
    BillingEvent.objects.update(next_try_at=account.now())
    account.advance(0.1)
    subscriptions.sweep(account.now())
    alpha.refresh_from_db()
    assert (account.row(alpha).status, alpha.limits["plan"]) == ("trialing", "house-monthly")
    assert not BillingEvent.objects.waiting().exists()


def test_who_dies_after_a_change_or_an_end_leaves_what_stripe_says(account, alpha, dies_at):
    account.buy(alpha, "house-monthly")
    account.pass_days(15)
    dies_at(subscriptions, "billing.changed")
    with pytest.raises(Died):
        subscriptions.change(alpha, "chain-monthly")
    account.deliver()
    subscriptions.sweep(account.now())
    assert account.row(alpha).plan.slug == "chain-monthly"
    assert PlatformInvoice.objects.count() == 3
    dies_at(subscriptions, "billing.cancelled")
    with pytest.raises(Died):
        subscriptions.cancel(alpha)
    assert subscriptions.cancel(alpha).cancel_at_period_end is True


def test_who_dies_after_an_invoice_for_fees_makes_no_second_one(account, alpha, dies_at):
    account.fake.stands_at = datetime(2031, 5, 2, 6, tzinfo=UTC).timestamp()
    TicketFees.objects.create(tenant=alpha, day=date(2031, 4, 3), currency="EUR", tickets=4, fee_minor=900)
    dies_at(fee_bills, "billing.fees", Killed)
    with pytest.raises(Killed):
        fee_bills.bill_months(account.now())
    assert fee_bills.bill_months(account.now()) == 1
    assert len(account.fake.books.all("invoice")) == 1
    assert TicketFeeBill.objects.get().stripe_invoice == PlatformInvoice.objects.get().stripe_invoice
