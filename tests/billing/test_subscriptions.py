"""A tenant buys, changes and loses a plan: as its owner, its staff and its buyers notice it."""

from datetime import timedelta

import pytest
from django.core import mail

from shared_apps.billing import limits, subscriptions
from shared_apps.billing.errors import CardDeclined, InvoiceUnpaid, NothingSubscribed
from shared_apps.billing.models import PlatformInvoice, Subscription
from shared_apps.billing.plans import plan_of
from tests.billing.customers import BAD, GOOD, KEPT_BUT_REFUSED


def test_a_plan_is_bought_by_card_and_its_limits_hold_at_once(account, alpha):
    row = account.buy(alpha, "house-monthly")
    assert (row.status, row.plan.slug) == ("trialing", "house-monthly")
    alpha.refresh_from_db()
    assert (alpha.limits["plan"], alpha.limits["domains"]) == ("house-monthly", 1)
    account.pass_days(15)
    row = account.row(alpha)
    assert row.status == "active"
    assert list(PlatformInvoice.objects.values_list("status", "total_minor").order_by("issued_at")) == [
        ("paid", 0), ("paid", 2900),
    ]  # fmt: skip


def test_a_declined_card_leaves_nothing_bought(account, alpha):
    address = subscriptions.start(alpha, "house-monthly")
    assert account.pay(address, BAD).status_code == 402
    subscriptions.look(alpha)
    assert account.row(alpha).status == "free"
    # The same page takes a better card.
    assert subscriptions.start(alpha, "house-monthly") == address
    account.pay(address, GOOD)
    account.deliver()
    subscriptions.sweep(account.now())
    assert account.row(alpha).status == "trialing"


def test_a_larger_plan_is_charged_for_the_rest_of_the_period_and_a_smaller_one_leaves_credit(account, alpha):
    account.buy(alpha, "house-monthly")
    account.pass_days(15)
    row = account.row(alpha)
    middle = row.current_period_start + (row.current_period_end - row.current_period_start) / 2
    account.advance((middle - account.now()) / timedelta(days=1))
    preview = subscriptions.preview(alpha, "chain-monthly")
    row = subscriptions.change(alpha, "chain-monthly")
    assert row.plan.slug == "chain-monthly"
    charged = PlatformInvoice.objects.order_by("-issued_at", "-pk")[0]
    assert charged.status == "paid"
    # Half a month of 99 less half a month of 29, to the second.
    assert abs(charged.total_minor - 3500) <= 1
    assert abs(charged.total_minor - preview.due_minor) <= 1
    subscriptions.change(alpha, "house-monthly")
    assert PlatformInvoice.objects.count() == 3
    account.pass_days(20)
    renewed = PlatformInvoice.objects.order_by("-issued_at", "-pk")[0]
    # The next month of 29 less the half month of 99 that was left over, plus the half of 29 that was had.
    assert abs(renewed.total_minor - (2900 - 3500)) <= 2
    assert renewed.due_minor == 0


def test_an_upgrade_that_the_card_refuses_changes_nothing(account, alpha):
    account.buy(alpha, "house-monthly")
    account.pass_days(15)
    account.set_card(alpha, KEPT_BUT_REFUSED)
    before = account.state(alpha)
    with pytest.raises(CardDeclined):
        subscriptions.change(alpha, "chain-monthly")
    subscriptions.look(alpha)
    assert account.state(alpha) == before


def test_a_missing_payment_gets_worse_by_the_clock_and_paying_ends_it_at_once(account, alpha):
    account.buy(alpha, "house-monthly")
    account.pass_days(15)
    account.set_card(alpha, KEPT_BUT_REFUSED)
    mail.outbox.clear()
    account.pass_days(30)
    row = account.row(alpha)
    assert (row.status, row.grace_until) == ("past_due", row.past_due_since + timedelta(days=7))
    alpha.refresh_from_db()
    assert (limits.is_restricted(alpha), alpha.limits["standing"]["status"]) == (False, "past_due")
    account.pass_days(7)
    alpha.refresh_from_db()
    assert (account.row(alpha).status, alpha.limits["events"], alpha.status) == ("restricted", 0, "open")
    assert alpha.limits["domains"] == 0
    account.pass_days(14)
    alpha.refresh_from_db()
    assert (account.row(alpha).status, alpha.status) == ("suspended", "suspended")
    assert [letter.to for letter in mail.outbox] == [["owner@alpha.test"]] * len(mail.outbox)
    with pytest.raises(InvoiceUnpaid) as refused:
        subscriptions.change(alpha, "chain-monthly")
    account.pay(refused.value.pay_url)
    account.deliver()
    subscriptions.sweep(account.now())
    alpha.refresh_from_db()
    assert (account.row(alpha).status, alpha.status, alpha.suspensions) == ("active", "open", {})
    assert limits.is_restricted(alpha) is False
    subjects = [letter.subject for letter in mail.outbox]
    assert subjects == [
        "A payment for Alpha failed",
        "Alpha is restricted",
        "Alpha is suspended",
        "Thank you: Alpha is paid",
    ]


def test_who_cancels_keeps_the_plan_to_the_end_and_can_come_back(account, alpha):
    account.buy(alpha, "house-monthly")
    account.pass_days(15)
    assert subscriptions.cancel(alpha).cancel_at_period_end is True
    assert subscriptions.resume(alpha).cancel_at_period_end is False
    subscriptions.cancel(alpha)
    account.pass_days(31)
    row = account.row(alpha)
    assert (row.status, row.plan, plan_of(alpha).slug) == ("cancelled", None, "free")
    with pytest.raises(NothingSubscribed):
        subscriptions.resume(alpha)
    # Nobody tries twice: the first charge is now.
    row = account.buy(alpha, "house-yearly")
    assert (row.status, row.plan.slug) == ("active", "house-yearly")
    assert PlatformInvoice.objects.order_by("-issued_at", "-pk")[0].total_minor == 29000


def test_two_owners_who_pay_at_once_have_one_plan_and_one_gets_the_money_back(account, alpha):
    """Both stand before an open page: the second page was closed too late."""
    first = subscriptions.start(alpha, "chain-yearly")
    Subscription.objects.update(had_trial=True, checkout_plan=None)
    fake_page = account.fake.books.all("session")[0]
    assert subscriptions.start(alpha, "chain-monthly") != first
    account.fake.books.put("session", account.fake.books.account_of(fake_page["id"]), fake_page | {"status": "open"})
    second = account.fake.books.all("session")[1]["url"]
    account.pay(second)
    account.advance(0.001)
    account.pay(first)
    account.deliver()
    subscriptions.sweep(account.now())
    subscriptions.sweep(account.now())
    running = [row for row in account.fake.books.all("subscription") if row["status"] != "canceled"]
    assert len(running) == 1
    assert account.row(alpha).plan.slug == "chain-monthly"
    moved = [row["amount"] for row in account.fake.books.movements()]
    assert sum(moved) == 9900, moved
    assert [letter.subject for letter in mail.outbox].count("The plan of Alpha was bought twice") == 1
