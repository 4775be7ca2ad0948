"""What goes wrong between two looks, two answers, two payments: nobody loses money or a site by it (O3, O8, O9)."""

from django.core import mail

from shared_apps.billing import mirror, subscriptions
from shared_apps.billing.models import BillingLetter, Subscription
from tests.billing.customers import KEPT_BUT_REFUSED
from tests.factories import owner_of


def suspended(account, tenant):
    """A tenant with a plan that has not paid for three weeks."""
    account.buy(tenant, "house-monthly")
    account.pass_days(15)
    account.set_card(tenant, KEPT_BUT_REFUSED)
    account.pass_days(30)
    account.pass_days(7)


def pay_all(account, tenant):
    for invoice in subscriptions.invoices_of(tenant):
        if invoice.status == "open":
            account.pay(invoice.page_url)


def test_a_look_from_before_the_payment_does_not_suspend_who_has_paid_meanwhile(account, alpha, monkeypatch):
    """The old picture is kept; before what follows from it is done, the payment comes and a newer picture is kept."""
    suspended(account, alpha)
    account.advance(14)
    account.deliver()

    def point(name):
        if name == "billing.kept":
            monkeypatch.setattr(mirror, "point", lambda _: None)
            assert account.row(alpha).status == "suspended"
            pay_all(account, alpha)
            account.deliver()
            subscriptions.sweep(account.now())
            assert account.row(alpha).status == "active"

    monkeypatch.setattr(mirror, "point", point)
    mirror.look(alpha.pk, now=account.now())
    alpha.refresh_from_db()
    assert (account.row(alpha).status, alpha.status, alpha.suspensions) == ("active", "open", {})
    assert alpha.limits["restricted"] is False


def bought_twice(account, tenant):
    """Two open pages, both paid: the second subscription is one too many."""
    subscriptions.row_with_customer(tenant)
    Subscription.objects.update(had_trial=True)
    first = subscriptions.start(tenant, "chain-yearly")
    Subscription.objects.update(checkout_plan=None)
    page = account.fake.books.all("session")[0]
    subscriptions.start(tenant, "chain-monthly")
    account.fake.books.put("session", account.fake.books.account_of(page["id"]), page | {"status": "open"})
    account.pay(account.fake.books.all("session")[1]["url"])
    account.advance(0.001)
    account.pay(first)


def running(account):
    return [row for row in account.fake.books.all("subscription") if row["status"] != "canceled"]


def test_money_that_cannot_go_back_yet_is_given_back_later_and_nobody_is_told_that_nothing_was_charged(
    account, alpha, monkeypatch
):
    bought_twice(account, alpha)
    whole = account.fake._refund

    def too_little(_account, _given):
        return account.fake.error(400, "invalid_request_error", "Insufficient funds.", "balance_insufficient")

    monkeypatch.setattr(account.fake, "_refund", too_little)
    account.deliver()
    subscriptions.sweep(account.now())
    assert len(running(account)) == 2, "ended without its money, it is found by no later look"
    assert not BillingLetter.objects.filter(kind="returned").exists()
    monkeypatch.setattr(account.fake, "_refund", whole)
    account.fake.books.db.execute("DELETE FROM answer WHERE key LIKE '%double:%'")  # a day later
    account.pass_days(2)
    assert len(running(account)) == 1
    assert sum(row["amount"] for row in account.fake.books.movements()) == 9900
    assert BillingLetter.objects.get(kind="returned").facts == {"returned": True}


def test_what_was_given_back_by_hand_is_told_as_given_back(account, alpha):
    bought_twice(account, alpha)
    (paid,) = [row for row in account.fake.books.all("intent") if row["amount"] == 99000]
    account.fake._refund(account.fake.books.account_of(paid["id"]), {"payment_intent": paid["id"]})
    account.deliver()
    subscriptions.sweep(account.now())
    assert len(running(account)) == 1
    assert BillingLetter.objects.get(kind="returned").facts == {"returned": True}


def test_who_cancels_with_a_debt_is_not_thanked_for_paying_it(account, alpha):
    account.buy(alpha, "house-monthly")
    account.pass_days(15)
    account.set_card(alpha, KEPT_BUT_REFUSED)
    account.pass_days(30)
    mail.outbox.clear()
    subscriptions.cancel(alpha)
    account.deliver()
    subscriptions.sweep(account.now())
    assert account.row(alpha).status == "cancelled"
    assert [letter.subject for letter in mail.outbox] == ["The plan of Alpha has ended"]


def test_a_key_that_is_not_let_in_ends_nothing_and_is_no_answer(account, alpha, settings, client_for):
    account.buy(alpha, "house-monthly")
    good, settings.STRIPE_PLATFORM_KEY = settings.STRIPE_PLATFORM_KEY, "wrong"
    answer = client_for(None, owner_of(alpha)).delete("/api/v1/tenants/alpha/subscription/")
    assert (answer.status_code, answer.json()["code"]) == (503, "billing_unavailable")
    settings.STRIPE_PLATFORM_KEY = good
    assert running(account)[0]["cancel_at_period_end"] is False


def test_customers_whom_stripe_does_not_know_keep_no_other_waiting_and_their_days_pass(account, alpha, beta):
    """As after a change of the platform's account: asked each time first, they would be all that a sweep comes to."""
    suspended(account, alpha)
    account.buy(beta, "house-monthly")
    Subscription.objects.filter(tenant=alpha).update(stripe_customer="cus_nobody", look_at=account.now())
    account.advance(15)
    Subscription.objects.filter(tenant=beta).update(look_at=account.now())
    for _round in range(2):
        subscriptions.sweep(account.now(), most=1)
    assert account.row(beta).status == "active"
    alpha.refresh_from_db()
    assert (account.row(alpha).status, alpha.status) == ("suspended", "suspended")
