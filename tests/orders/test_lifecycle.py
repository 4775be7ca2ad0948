"""The life of an order: each move once, all or nothing (O1, M3)."""

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from shared_apps.core.errors import SoldOut, WrongState
from tenant_apps.activity.models import AuditEntry, OutboxMessage
from tenant_apps.orders import errors, services
from tenant_apps.orders.lifecycle import advance
from tenant_apps.orders.models import Order
from tenant_apps.payments.models import LedgerEntry, Payment
from tenant_apps.payments.refunds import cancel_order, refund_order
from tenant_apps.payments.services import mark_paid, settle
from tenant_apps.ticketing.models import Ticket
from tests.factories import make_event, make_order, make_paid_order, make_quota, make_ticket_type

EXPIRED, CANCELLED, PAID = Order.Status.EXPIRED, Order.Status.CANCELLED, Order.Status.PAID


def counters(kind):
    quota = kind.quotas.get()
    return quota.held, quota.sold


def test_an_expired_order_gives_its_place_back(in_alpha):
    kind = make_ticket_type(capacity=1)
    order = make_order(kind)
    with pytest.raises(SoldOut):
        make_order(kind)
    advance(order, EXPIRED)
    assert make_order(kind).status == "pending"


@pytest.mark.parametrize("status", [EXPIRED, CANCELLED])
def test_ending_an_order_twice_gives_its_place_back_once(in_alpha, status):
    kind = make_ticket_type()
    keep, order = make_order(kind), make_order(kind)
    advance(order, status)
    advance(order, status)
    assert counters(kind) == (1, 0)
    assert keep.status == "pending"
    assert AuditEntry.objects.filter(topic=f"order.{status}").count() == 1


def test_moves_that_the_table_does_not_have_are_refused(in_alpha):
    order = make_paid_order()
    for status in (EXPIRED, Order.Status.PENDING):
        with pytest.raises(WrongState):
            advance(order, status)
    cancelled = advance(order, CANCELLED)
    with pytest.raises(WrongState):
        advance(cancelled, PAID)


def test_each_move_leaves_an_audit_entry_and_an_outbox_message(in_alpha):
    order = make_paid_order()
    topics = list(OutboxMessage.objects.filter(aggregate=f"orders.order:{order.pk}").values_list("topic", flat=True))
    assert topics == ["order.placed", "order.paid"]
    assert set(topics) <= set(AuditEntry.objects.values_list("topic", flat=True))


def test_the_job_that_expires_orders_can_run_twice(in_alpha):
    kind = make_ticket_type()
    make_order(kind), make_order(kind)
    Order.objects.update(expires_at=timezone.now() - timedelta(minutes=1))
    assert services.expire_overdue() == 2
    assert services.expire_overdue() == 0
    assert counters(kind) == (0, 0)


def test_a_type_that_draws_from_two_quotas_needs_room_in_both(in_alpha):
    event = make_event()
    adult, child = make_ticket_type(event, name="Adult"), make_ticket_type(event, name="Child")
    hall = make_quota(event, capacity=2, name="Hall", ticket_types=[adult, child])
    make_order(adult), make_order(child)
    with pytest.raises(SoldOut):
        make_order(adult)
    hall.refresh_from_db()
    assert (hall.held, hall.sold) == (2, 0)
    assert adult.quotas.get(name="Adult").held == 1


def test_a_place_goes_back_to_the_quota_that_it_was_claimed_from(in_alpha):
    kind = make_ticket_type()
    old = kind.quotas.get()
    order = make_order(kind)
    kind.quotas.clear()
    new = make_quota(kind.event, ticket_types=[kind])
    advance(order, CANCELLED)
    old.refresh_from_db()
    new.refresh_from_db()
    assert (old.held, new.held) == (0, 0)


def test_a_type_without_a_quota_is_not_sold(in_alpha):
    kind = make_ticket_type()
    kind.quotas.clear()
    with pytest.raises(SoldOut):
        make_order(kind)


def test_unlimited_places_are_counted_too(in_alpha):
    kind = make_ticket_type(capacity=None)
    make_order(kind, quantity=20)
    assert counters(kind) == (20, 0)


class TestMoney:
    """What comes in and goes out, and what the order makes of it (O4, O5, M7, M8)."""

    def test_marking_an_order_paid_takes_the_money_once(self, in_alpha):
        order = make_order()
        mark_paid(order)
        mark_paid(order)
        assert LedgerEntry.objects.filter(order=order).count() == 1
        assert LedgerEntry.objects.get(order=order).amount_minor == order.total_minor
        assert Ticket.objects.filter(order_line__order=order).count() == 1

    def test_money_that_comes_late_takes_the_places_again_if_they_are_free(self, in_alpha):
        kind = make_ticket_type(capacity=1)
        order = make_order(kind)
        payment = Payment.objects.create(order=order, provider="test", amount_minor=1200, currency="EUR")
        advance(order, EXPIRED)
        settle(payment, "succeeded", reference="late")
        order.refresh_from_db()
        assert order.status == "paid"
        assert counters(kind) == (0, 1)

    def test_money_that_comes_too_late_goes_back_in_full(self, in_alpha):
        kind = make_ticket_type(capacity=1)
        order = make_order(kind)
        payment = Payment.objects.create(order=order, provider="test", amount_minor=1200, currency="EUR")
        advance(order, EXPIRED)
        make_paid_order(kind)
        settle(payment, "succeeded", reference="too-late")
        from tenant_apps.activity.delivery import deliver_due

        deliver_due()
        payment.refresh_from_db()
        order.refresh_from_db()
        assert (order.status, payment.status, payment.refunded_minor) == ("expired", "refunded", 1200)
        assert sum(LedgerEntry.objects.filter(order=order).values_list("amount_minor", flat=True)) == 0
        assert counters(kind) == (0, 1)

    def test_a_second_payment_goes_back_and_the_tickets_stay(self, in_alpha):
        from tenant_apps.activity.delivery import deliver_due

        order = make_paid_order()
        second = Payment.objects.create(order=order, provider="test", amount_minor=1200, currency="EUR")
        settle(second, "succeeded", reference="twice")
        deliver_due()
        order.refresh_from_db()
        assert (order.status, order.refunded_minor) == ("paid", 0)
        assert Ticket.objects.get(order_line__order=order).status == "active"
        assert sum(LedgerEntry.objects.filter(order=order).values_list("amount_minor", flat=True)) == 1200

    def test_refunds_never_exceed_what_was_paid(self, in_alpha):
        from tenant_apps.payments.errors import RefundTooLarge

        order = make_paid_order()
        refund_order(order, 1000)
        with pytest.raises(RefundTooLarge):
            refund_order(order, 201)
        refund_order(order)
        order.refresh_from_db()
        assert order.refunded_minor == order.total_minor
        with pytest.raises(RefundTooLarge):
            refund_order(order)

    def test_cancelling_a_paid_order_frees_the_place_kills_the_ticket_and_returns_the_money(self, in_alpha):
        kind = make_ticket_type(capacity=1)
        order = cancel_order(make_paid_order(kind))
        assert (order.status, order.refunded_minor) == ("cancelled", order.total_minor)
        assert Ticket.objects.get(order_line__order=order).status == "cancelled"
        assert counters(kind) == (0, 0)


class TestTheBuyersDeadline:
    """A buyer cancels until the deadline; staff always."""

    def test_after_the_deadline_only_staff_cancel(self, in_alpha):
        kind = make_ticket_type(make_event(cancel_until=timezone.now() - timedelta(minutes=1)))
        order = make_paid_order(kind)
        with pytest.raises(errors.CancellationClosed):
            cancel_order(order)
        assert cancel_order(order, by_staff=True).status == "cancelled"

    def test_a_used_ticket_keeps_its_order(self, in_alpha):
        order = make_paid_order()
        Ticket.objects.filter(order_line__order=order).update(status="used")
        with pytest.raises(errors.TicketsUsed):
            cancel_order(order)


def test_no_counter_can_pass_its_capacity_in_the_database_itself(in_alpha):
    from django.db import IntegrityError, transaction

    quota = make_quota(capacity=1)
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE ticketing_quota SET sold = 2 WHERE id = %s", [quota.pk])
