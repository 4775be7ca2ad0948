"""Whatever order Stripe's messages come in, however often, and whoever takes them up: one final state (O8).

A year of one subscription: trial, activation, upgrade with proration, refused charge, past due, paid, downgrade,
cancelled with the period, come back, and again. `make prove-billing` runs more of it.
"""

import os
import random
import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connections

from shared_apps.billing import callbacks, gateway, mirror, subscriptions
from shared_apps.billing.models import BillingEvent, BillingLetter, PlatformInvoice, Subscription
from tenants.context import in_public
from tests.billing.customers import GOOD, KEPT_BUT_REFUSED, Account, shuffled

ORDERS = int(os.environ.get("BILLING_ORDERS", "100"))
LIVE_YEARS = int(os.environ.get("BILLING_YEARS", "6"))
SEED = int(os.environ.get("BILLING_SEED", "0")) or random.SystemRandom().randrange(2**32)

Meanwhile = Callable[[], Any]


def live_a_year(account: Account, tenant: Any, meanwhile: Meanwhile) -> None:
    """One year at Stripe as an owner has it; `meanwhile` is what happens to the messages after each step."""
    fake = account.fake

    def then(days: float) -> None:
        account.advance(days)
        meanwhile()

    account.buy(tenant, "house-monthly")
    meanwhile()
    then(12)  # the trial's end is near
    then(4)  # the first month is charged
    then(9)
    subscriptions.change(tenant, "chain-monthly")
    then(25)
    account.set_card(tenant, KEPT_BUT_REFUSED)
    then(31)  # refused, and again three days later
    then(6)
    unpaid = next(row for row in fake.books.all("invoice") if row["status"] == "open")
    account.pay(unpaid["hosted_invoice_url"])
    then(20)
    account.set_card(tenant, GOOD)
    subscriptions.change(tenant, "house-monthly")
    then(40)
    subscriptions.cancel(tenant)
    then(33)  # ended with what was paid for
    account.buy(tenant, "house-yearly")
    then(30)
    subscriptions.change(tenant, "chain-monthly")
    then(45)
    subscriptions.cancel(tenant)
    subscriptions.resume(tenant)
    then(60)
    account.set_card(tenant, KEPT_BUT_REFUSED)
    then(31)
    account.set_card(tenant, GOOD)
    then(9)
    subscriptions.change(tenant, "house-monthly")
    then(25)


def begin_again(tenant: Any, customer: str) -> None:
    """As it was when nothing but the customer was known."""
    for model in (BillingEvent, BillingLetter, PlatformInvoice, Subscription):
        model.objects.all().delete()
    Subscription.objects.create(tenant=tenant, stripe_customer=customer)
    tenant.limits, tenant.status, tenant.suspensions = {}, "open", {}
    tenant.save()


def test_a_year_s_messages_in_a_hundred_orders_with_repeats_come_to_one_state(account, alpha):
    luck = random.Random(SEED)
    live_a_year(account, alpha, account.deliver)
    events, customer = account.events(), account.row(alpha).stripe_customer
    kinds = {event["type"] for event in events}
    assert {
        "customer.subscription.created", "customer.subscription.updated", "customer.subscription.deleted",
        "customer.subscription.trial_will_end", "checkout.session.completed", "invoice.paid",
        "invoice.payment_failed", "invoice.finalized",
    } <= kinds  # fmt: skip
    assert len(events) > 80
    begin_again(alpha, customer)
    for event in events:
        account.hand_over(event)
    subscriptions.sweep(account.now())
    in_order = account.state(alpha)
    assert in_order["subscription"]["status"] == "active"
    assert {row["status"] for row in in_order["invoices"]} == {"paid"}
    for _ in range(ORDERS):
        begin_again(alpha, customer)
        for event in shuffled(events, luck):
            account.hand_over(event)
            if luck.random() < 0.04:
                callbacks.take_up(customer, account.now())
        subscriptions.sweep(account.now())
        assert not BillingEvent.objects.waiting().exists()
        assert account.state(alpha) == in_order, f"BILLING_SEED={SEED}"


def bare(state: dict[str, Any]) -> Any:
    """The state without the ids, which differ between two accounts at Stripe."""
    row = state["subscription"]
    return (
        [row["status"], row["plan_id"], row["cancel_at_period_end"], row["had_trial"], row["past_due_since"]],
        [(each["status"], each["reason"], each["total_minor"], each["issued_at"]) for each in state["invoices"]],
        state["limits"], state["tenant"],
    )  # fmt: skip


def test_messages_that_come_late_while_the_year_goes_on_come_to_the_same_state(account, alpha):
    """Here a look often finds Stripe further on than the message that called for it, and not as far as it will be."""
    luck = random.Random(SEED)
    begins = account.fake.stands_at = float(account.fake.now())
    live_a_year(account, alpha, lambda: (account.deliver(), subscriptions.sweep(account.now())))
    wanted = bare(account.state(alpha))
    for _ in range(LIVE_YEARS):
        begin_again(alpha, "")
        account.fake.books.db.execute("DELETE FROM object")
        account.fake.books.db.execute("DELETE FROM answer")
        account.fake.stands_at = begins
        kept_back: list[dict[str, Any]] = []

        def some_arrive(kept_back: list[dict[str, Any]] = kept_back) -> None:
            kept_back += [event for event in account.events() if event["id"] not in account.sent]
            account.sent |= {event["id"] for event in kept_back}
            for event in luck.sample(kept_back, len(kept_back)):
                if luck.random() < 0.5:
                    account.hand_over(event)
                if luck.random() < 0.1:
                    callbacks.take_up(account.row(alpha).stripe_customer, account.now())
                if luck.random() < 0.7:
                    kept_back.remove(event)  # delivered, repeated, or not at all until the year is over

        live_a_year(account, alpha, some_arrive)
        for event in shuffled(account.events(), luck):
            account.hand_over(event)
        subscriptions.sweep(account.now())
        assert bare(account.state(alpha)) == wanted, f"BILLING_SEED={SEED}"


def test_an_answer_that_was_overtaken_is_thrown_away(account, alpha, monkeypatch):
    """Somebody asked before the change and keeps the answer after somebody who asked later."""
    account.buy(alpha, "house-monthly")
    old = gateway.told_of(account.row(alpha).stripe_customer)

    def slow(customer: str) -> gateway.Told:
        monkeypatch.undo()
        subscriptions.change(alpha, "chain-monthly")
        return old

    monkeypatch.setattr(gateway, "told_of", slow)
    mirror.look(alpha.pk)
    row = account.row(alpha)
    assert (row.plan.slug, row.answered < row.asked) == ("chain-monthly", False)


@pytest.mark.usefixtures("transactional_db")
def test_many_workers_at_once_come_to_one_state_with_real_commits(account, alpha):
    luck = random.Random(SEED)
    live_a_year(account, alpha, account.deliver)
    customer = account.row(alpha).stripe_customer
    begin_again(alpha, customer)
    events = shuffled(account.events(), luck)
    parts = [events[number::4] for number in range(4)]
    problems: list[BaseException] = []

    def worker(part: list[dict[str, Any]]) -> None:
        try:
            for number, event in enumerate(part):
                account.hand_over(event)
                if number % 9 == 0:
                    callbacks.take_up(customer, account.now())
            callbacks.take_up(customer, account.now())
        except BaseException as error:  # told by the test's own thread
            problems.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=worker, args=(part,)) for part in parts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not problems, problems
    subscriptions.sweep(account.now())
    together = account.state(alpha)
    with in_public():
        assert not BillingEvent.objects.waiting().exists()
    begin_again(alpha, customer)
    mirror.look(alpha.pk, now=account.now())
    assert account.state(alpha) == together
