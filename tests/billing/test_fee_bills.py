"""Fees of tickets that no connected account kept back are invoiced once a month, and missed as any other payment."""

from datetime import UTC, date, datetime, timedelta

import pytest

from shared_apps.billing import fee_bills, gateway, subscriptions
from shared_apps.billing.errors import BillingUnavailable
from shared_apps.billing.models import PlatformInvoice, Subscription, TicketFeeBill, TicketFees


def owe(tenant, day, fee, currency="EUR", collected=0):
    TicketFees.objects.create(
        tenant=tenant, day=day, currency=currency, tickets=4, gross_minor=fee * 40, fee_minor=fee,
        collected_minor=collected,
    )  # fmt: skip


@pytest.fixture
def in_may(account):
    """Stripe's clock stands on the second of May 2031."""
    account.fake.stands_at = datetime(2031, 5, 2, 6, tzinfo=UTC).timestamp()
    return account


def test_what_was_not_kept_back_is_invoiced_once(in_may, alpha, beta):
    owe(alpha, date(2031, 4, 3), 900)
    owe(alpha, date(2031, 4, 30), 400, collected=100)
    owe(alpha, date(2031, 5, 1), 5000)
    owe(beta, date(2031, 4, 30), 700, collected=700)
    assert fee_bills.bill_months(in_may.now()) == 1
    assert fee_bills.bill_months(in_may.now()) == 0
    invoice = PlatformInvoice.objects.get()
    assert (invoice.tenant, invoice.total_minor, invoice.status) == (alpha, 1200, "open")
    assert invoice.due_at == in_may.now() + timedelta(days=14)
    assert len(in_may.fake.books.all("invoice")) == 1


def test_cents_wait_for_a_month_in_which_they_are_worth_an_invoice(in_may, alpha):
    owe(alpha, date(2031, 4, 3), 300)
    assert fee_bills.bill_months(in_may.now()) == 0
    owe(alpha, date(2031, 5, 20), 250)
    in_may.advance(31)
    assert fee_bills.bill_months(in_may.now()) == 1
    assert PlatformInvoice.objects.get().total_minor == 550
    in_may.advance(30)
    assert fee_bills.bill_months(in_may.now()) == 0


def test_a_day_that_was_reckoned_after_its_month_was_invoiced_goes_with_the_next_invoice(in_may, alpha):
    """As when no worker ran over the end of a month."""
    owe(alpha, date(2031, 4, 3), 900)
    assert fee_bills.bill_months(in_may.now()) == 1
    owe(alpha, date(2031, 4, 30), 4000)
    owe(alpha, date(2031, 5, 20), 250)
    assert fee_bills.bill_months(in_may.now()) == 0
    in_may.advance(31)
    assert fee_bills.bill_months(in_may.now()) == 1
    assert list(TicketFeeBill.objects.order_by("month").values_list("amount_minor", "tickets")) == [(900, 4), (4250, 8)]
    assert sum(PlatformInvoice.objects.values_list("total_minor", flat=True)) == 5150


@pytest.mark.parametrize("step", ["_mean", "_issue"])
def test_what_goes_wrong_for_one_tenant_keeps_no_other_from_its_invoice(in_may, alpha, beta, monkeypatch, step):
    owe(alpha, date(2031, 4, 3), 900)
    owe(beta, date(2031, 4, 3), 700)
    whole = getattr(fee_bills, step)

    def fails(about, *rest):
        if alpha in (about, getattr(about, "tenant", None)):
            raise KeyError("nobody knows this currency")
        return whole(about, *rest)

    monkeypatch.setattr(fee_bills, step, fails)
    assert fee_bills.bill_months(in_may.now()) == 1
    assert PlatformInvoice.objects.get().tenant == beta


def test_a_crash_after_stripe_was_told_makes_no_second_invoice(in_may, alpha, monkeypatch):
    owe(alpha, date(2031, 4, 3), 900)
    whole = gateway.invoice_fees

    def breaks(**given):
        whole(**given)
        raise BillingUnavailable

    monkeypatch.setattr(gateway, "invoice_fees", breaks)
    assert fee_bills.bill_months(in_may.now()) == 0
    monkeypatch.setattr(gateway, "invoice_fees", whole)
    assert fee_bills.bill_months(in_may.now()) == 1
    assert len(in_may.fake.books.all("invoice")) == TicketFeeBill.objects.count() == 1


def test_fees_that_nobody_pays_restrict_a_tenant_without_a_plan_and_paying_frees_it(in_may, alpha):
    owe(alpha, date(2031, 4, 3), 900)
    fee_bills.bill_months(in_may.now())
    row = Subscription.objects.get()
    assert (row.status, row.look_at) == ("free", in_may.now() + timedelta(days=14))
    in_may.pass_days(15)
    assert in_may.row(alpha).status == "past_due"
    in_may.pass_days(7)
    alpha.refresh_from_db()
    assert (in_may.row(alpha).status, alpha.limits["plan"], alpha.limits["restricted"]) == ("restricted", "free", True)
    in_may.pay(PlatformInvoice.objects.get().page_url)
    in_may.deliver()
    subscriptions.sweep(in_may.now())
    alpha.refresh_from_db()
    assert (in_may.row(alpha).status, alpha.limits["restricted"]) == ("free", False)
