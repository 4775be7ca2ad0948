"""Money that comes in the wrong amount or at the wrong time never makes a wrong state (O5)."""

from datetime import timedelta
from typing import Any

import pytest

from tenant_apps.events.models import Event
from tenant_apps.orders import lifecycle
from tenant_apps.orders.checkout import Basket, BasketLine, place_order
from tenant_apps.payments import polling
from tenant_apps.payments.models import LedgerEntry, Payment
from tenant_apps.payments.refunds import carry_out, refund_order
from tenant_apps.payments.services import intend, settle
from tenant_apps.promotions import services as promotions
from tenant_apps.reports.invariants import breaches_in
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


def test_money_that_comes_after_the_event_was_called_off_goes_back(in_alpha):
    """Who had not paid in time would else get a ticket for nothing, after everybody's money was sent back."""
    order = make_order(make_ticket_type(price_minor=2500))
    payment = intend(order, "test")
    lifecycle.advance(order, "expired")
    Event.objects.update(status="cancelled")
    payment = paid(payment)
    assert (payment.order.status, payment.refunds.get().amount_minor) == ("expired", 2500)


def test_money_that_comes_after_others_have_used_the_voucher_up_goes_back(in_alpha):
    """The order's time was up, its use was given back, and somebody else has it now: the price holds no more."""
    kind = make_ticket_type(price_minor=2500)
    promotions.create_voucher(actor=None, code="ONCE", kind="percent", percent=20, max_uses=1)

    def order(email: str) -> Any:
        return place_order(Basket(email=email, lines=[BasketLine(kind.pk)], voucher="ONCE"))

    late = order("late@example.test")
    payment = intend(late, "test")
    lifecycle.advance(late, "expired")
    order("quick@example.test")
    payment = paid(payment)
    assert (payment.order.status, payment.captured_minor, payment.refunds.get().amount_minor) == ("expired", 2000, 2000)
    assert breaches_in(in_alpha) == []


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
