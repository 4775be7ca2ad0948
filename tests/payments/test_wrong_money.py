"""Money that comes in the wrong amount or at the wrong time never makes a wrong state (O5)."""

from datetime import timedelta

import pytest

from tenant_apps.orders import lifecycle
from tenant_apps.payments import polling
from tenant_apps.payments.models import LedgerEntry, Payment
from tenant_apps.payments.refunds import carry_out, refund_order
from tenant_apps.payments.services import intend, settle
from tests.factories import make_order, make_ticket_type

pytestmark = pytest.mark.usefixtures("transactional_db")


def paid(payment: Payment, amount_minor: int | None = None) -> Payment:
    return settle(payment, "succeeded", reference=str(payment.pk), amount_minor=amount_minor)


def test_money_on_its_way_back_pays_nothing(in_alpha):
    """The next try asks for the whole, not for what was missing of the try that is being sent back."""
    order = make_order(make_ticket_type(price_minor=2500))
    paid(intend(order, "test"), 2400)
    second = intend(order, "test")
    assert second.amount_minor == 2500
    assert paid(second).order.status == "paid"
    order.refresh_from_db()
    assert sum(payment.captured_minor - payment.refunding_minor for payment in order.payments.all()) == 2500


def test_money_for_a_payment_that_we_gave_up_still_pays_its_order(in_alpha):
    order = make_order(make_ticket_type(price_minor=2500))
    payment = intend(order, "test")
    settle(payment, "cancelled", reference="")
    assert paid(payment).order.status == "paid"
    assert LedgerEntry.objects.get().amount_minor == 2500


def test_money_for_a_payment_that_we_gave_up_goes_back_where_the_order_has_ended(in_alpha):
    order = make_order(make_ticket_type(price_minor=2500))
    payment = intend(order, "test")
    lifecycle.advance(order, "cancelled")
    settle(payment, "cancelled", reference="")
    payment = paid(payment)
    assert (payment.captured_minor, payment.refunds.get().amount_minor) == (2500, 2500)
    assert payment.order.status == "cancelled"


def test_money_that_came_twice_does_not_hide_what_was_refunded(in_alpha):
    """While the second money is on its way back, what the buyer was given back of the first is told as it is."""
    order = make_order(make_ticket_type(price_minor=2500))
    first, second = intend(order, "test"), intend(order, "test")
    paid(first)
    refund_order(order, 1000)
    paid(second)
    refund_order(order, 500)
    order.refresh_from_db()
    assert order.refunded_minor == 1500
    for refund in second.refunds.all():
        carry_out(refund)
    order.refresh_from_db()
    assert order.refunded_minor == 1500


def test_what_a_dead_worker_was_about_to_ask_is_asked_by_another_in_time():
    """120 s after a kill all is done (G4): the claim runs out, and the next sweep comes by, with time to spare."""
    from platform_config.schedule import SCHEDULE

    (sweep,) = [entry for entry in SCHEDULE if entry.task == "payments.poll_due"]
    assert polling.ASKING + sweep.every <= timedelta(seconds=100)
