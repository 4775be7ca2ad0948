"""Cancelling lines beside everybody else: real connections and real commits."""

from collections import Counter
from functools import partial
from typing import Any

import pytest
from django.db.models import Sum

from tenant_apps.orders import services as orders
from tenant_apps.orders.addresses import save_address
from tenant_apps.orders.attendees import change_attendee
from tenant_apps.orders.models import Order, SavedAddress
from tenant_apps.payments.line_refunds import cancel_lines
from tenant_apps.payments.models import LedgerEntry, Payment, Refund
from tenant_apps.payments.refunds import cancel_order, refund_order
from tenant_apps.reports.invariants import breaches_in
from tenant_apps.ticketing import codes, scanning
from tenant_apps.ticketing import services as ticketing
from tenant_apps.ticketing.models import Ticket
from tenants.context import in_tenant
from tests.concurrency.test_races import at_once
from tests.factories import make_order, make_paid_order, make_ticket_type, make_user

pytestmark = pytest.mark.usefixtures("transactional_db")


def sold(tenant: Any, quantity: int = 3) -> tuple[Any, Any, list[Any]]:
    """A ticket type, a paid order of it, and the ids of its lines."""
    with in_tenant(tenant):
        kind = make_ticket_type(price_minor=1000, capacity=10)
        order = make_paid_order(kind, quantity=quantity)
        return kind, order, list(order.lines.order_by("position").values_list("pk", flat=True))


def sent_back(order: Any) -> int:
    paid = LedgerEntry.objects.filter(order=order, kind="refund").aggregate(sum=Sum("amount_minor"))["sum"]
    return -(paid or 0)


def test_a_line_that_is_cancelled_many_times_at_once_goes_once(alpha):
    kind, order, lines = sold(alpha)
    assert at_once(alpha, [partial(cancel_lines, order, [lines[0]])] * 12) == {"ok": 12}
    with in_tenant(alpha):
        assert (sent_back(order), Refund.objects.count(), kind.quotas.get().sold) == (1000, 1, 2)
    assert breaches_in(alpha) == []


def test_all_lines_cancelled_at_once_end_the_order_and_return_everything(alpha):
    kind, order, lines = sold(alpha, quantity=6)
    assert at_once(alpha, [partial(cancel_lines, order, [pk]) for pk in lines]) == {"ok": 6}
    with in_tenant(alpha):
        order.refresh_from_db()
        assert (order.status, order.refunded_minor, sent_back(order), kind.quotas.get().sold) == (
            "cancelled", 6000, 6000, 0,
        )  # fmt: skip
    assert breaches_in(alpha) == []


def test_a_line_and_the_whole_order_cancelled_at_once_return_everything_once(alpha):
    for _round in range(4):
        kind, order, lines = sold(alpha)
        acts = [
            partial(cancel_lines, order, [lines[0]]),
            partial(cancel_order, order),
            partial(cancel_lines, order, lines),
        ]
        assert set(at_once(alpha, acts * 2)) == {"ok"}
        with in_tenant(alpha):
            order.refresh_from_db()
            assert (order.status, sent_back(order), kind.quotas.get().sold) == ("cancelled", 3000, 0)
    assert breaches_in(alpha) == []


def test_a_refund_beside_a_cancelled_line_never_returns_more_than_was_paid(alpha):
    for amount in (1000, 2500, 3000):
        _kind, order, lines = sold(alpha)
        acts = [partial(cancel_lines, order, [lines[0]]), partial(refund_order, order, amount)]
        outcome = at_once(alpha, acts * 2)
        assert set(outcome) <= {"ok", "refund_too_large"}
        with in_tenant(alpha):
            payment = Payment.objects.get(order=order)
            assert payment.refunded_minor + payment.refunding_minor <= payment.captured_minor == 3000
            assert sent_back(order) == payment.refunded_minor
    assert breaches_in(alpha) == []


def scan_into(answers: list[Any], door: Any, text: str) -> None:
    answers.append(scanning.scan(door, text, "1", by=None))


def test_a_ticket_is_either_admitted_or_cancelled(alpha):
    for _round in range(5):
        _kind, order, lines = sold(alpha, quantity=2)
        with in_tenant(alpha):
            ticket = Ticket.objects.select_related("event").get(order_line=lines[0])
            ticketing.ensure_door(ticket.event)
            door, text = ticket.event.check_in_lists.get(), codes.code_text(ticket)
        answers: list[Any] = []
        acts = [partial(scan_into, answers, door, text), partial(cancel_lines, order, [lines[0]])]
        outcome = at_once(alpha, acts)
        with in_tenant(alpha):
            ticket.refresh_from_db()
            if answers[0].admitted:
                assert (outcome["tickets_used"], ticket.status, sent_back(order)) == (1, "used", 0)
            else:
                assert (answers[0].reason, ticket.status, sent_back(order)) == ("cancelled", "cancelled", 1000)
    assert breaches_in(alpha) == []


def test_a_payment_beside_a_cancelled_line_pays_what_is_left_and_the_rest_comes_back(alpha):
    from tenant_apps.payments.services import settle

    for _round in range(4):
        with in_tenant(alpha):
            kind = make_ticket_type(price_minor=1000, capacity=10)
            order = make_order(kind, quantity=3)
            line = order.lines.order_by("position").first().pk
            payment = Payment.objects.create(order=order, provider="test", amount_minor=3000, currency="EUR")
        acts = [partial(cancel_lines, order, [line]), partial(settle, payment, "succeeded", reference=str(payment.pk))]
        assert at_once(alpha, acts) == {"ok": 2}
        with in_tenant(alpha):
            order.refresh_from_db()
            payment.refresh_from_db()
            # Whichever was first, two tickets stand, and 20.00 stay or are kept while 10.00 are on their way.
            assert (order.status, kind.quotas.get().sold, kind.quotas.get().held) == ("paid", 2, 0)
            assert payment.captured_minor - payment.refunded_minor - payment.refunding_minor == 2000
            assert Ticket.objects.filter(order_line__order=order, status="active").count() == 2
    assert breaches_in(alpha) == []


def test_an_expiry_beside_a_cancelled_line_gives_each_place_back_once(alpha):
    for _round in range(4):
        with in_tenant(alpha):
            kind = make_ticket_type(price_minor=1000, capacity=10)
            order = make_order(kind, quantity=3)
            line = order.lines.order_by("position").first().pk
            Order.objects.filter(pk=order.pk).update(expires_at=order.created_at)
        outcome = at_once(alpha, [partial(cancel_lines, order, [line]), orders.expire_overdue, orders.expire_overdue])
        assert set(outcome) <= {"ok", "wrong_state"}
        with in_tenant(alpha):
            order.refresh_from_db()
            assert (order.status, kind.quotas.get().held, kind.quotas.get().sold) == ("expired", 0, 0)
    assert breaches_in(alpha) == []


def test_a_name_changed_beside_a_cancelled_line_stays_on_a_dead_ticket_or_is_refused(alpha):
    _kind, order, lines = sold(alpha)
    acts = [partial(cancel_lines, order, [lines[0]]), partial(change_attendee, order, lines[0], name="Grace")]
    outcome = at_once(alpha, acts * 3)
    assert set(outcome) <= {"ok", "wrong_state"}
    with in_tenant(alpha):
        assert Ticket.objects.get(order_line=lines[0]).status == "cancelled"


def test_nobody_keeps_more_than_five_addresses_however_many_come_at_once(alpha):
    person = make_user()

    def another(number: int) -> Any:
        return lambda: save_address(person, {"name": "A", "city": "B", "street": f"Street {number}"})

    assert at_once(alpha, [another(number) for number in range(16)]) == Counter(ok=5, too_many_addresses=11)
    with in_tenant(alpha):
        assert SavedAddress.objects.filter(user=person).count() == 5
