"""A cancelled order: its money goes back whichever door it is cancelled through, and its tickets admit nobody."""

import threading
import time
from typing import Any

import pytest
from django.db import connections

from shared_apps.core.errors import DomainError
from tenant_apps.orders import services as orders
from tenant_apps.payments import refunds
from tenant_apps.payments.models import LedgerEntry, Payment
from tenant_apps.payments.refunds import cancel_order
from tenant_apps.ticketing import codes, scanning
from tenant_apps.ticketing import services as ticketing
from tenant_apps.ticketing.models import CheckIn, Ticket
from tenants.context import in_tenant
from tests.factories import make_event, make_order, make_paid_order, make_ticket_type, make_user, owner_of


def money(tenant: Any, order: Any) -> tuple[str, int, int]:
    """The order's status, what of its money has gone back, and what the ledger holds of it."""
    with in_tenant(tenant):
        order.refresh_from_db()
        ledger = sum(LedgerEntry.objects.filter(order=order).values_list("amount_minor", flat=True))
        return order.status, order.refunded_minor, ledger


def test_a_buyer_who_cancels_on_the_page_gets_the_money_back(alpha, page_for):
    with in_tenant(alpha):
        order = make_paid_order(make_ticket_type(price_minor=2500))
    page_for(alpha).post(f"/orders/{order.code}/{order.secret}/cancel/")
    assert money(alpha, order) == ("cancelled", 2500, 0)


def test_staff_who_cancel_on_the_page_send_the_money_back(alpha, page_for):
    with in_tenant(alpha):
        order = make_paid_order(make_ticket_type(price_minor=2500))
    page_for(alpha, owner_of(alpha)).post(f"/dashboard/orders/{order.code}/cancel/", {"reason": "asked"})
    assert money(alpha, order) == ("cancelled", 2500, 0)


def half_back(alpha):
    """A paid order of 25.01 for an event that gives half of it back."""
    with in_tenant(alpha):
        event = make_event(refund_tiers=[{"days": 3, "percent": 50}])
        return make_paid_order(make_ticket_type(event, price_minor=2501))


def test_a_buyer_gets_back_what_the_event_s_rule_promises_and_is_told_before(alpha, page_for, client_for):
    order = half_back(alpha)
    place = f"/orders/{order.code}/{order.secret}/"
    assert "€12.51 back" in page_for(alpha).get(place).content.decode()
    told = client_for(alpha).get(f"/api/v1/orders/{order.code}/cancel/?secret={order.secret}").json()
    assert (told["allowed"], told["refund"]) == (True, "12.51")
    page_for(alpha).post(f"{place}cancel/")
    assert money(alpha, order) == ("cancelled", 1251, 1250)
    page_for(alpha).post(f"{place}cancel/")
    assert money(alpha, order) == ("cancelled", 1251, 1250)


def test_what_staff_cancel_goes_back_whole(alpha, page_for):
    order = half_back(alpha)
    page_for(alpha, owner_of(alpha)).post(f"/dashboard/orders/{order.code}/cancel/", {"reason": "our fault"})
    assert money(alpha, order) == ("cancelled", 2501, 0)


def test_after_the_rule_s_last_day_nothing_comes_back(alpha, page_for):
    with in_tenant(alpha):
        event = make_event(refund_tiers=[{"days": 30, "percent": 50}])
        order = make_paid_order(make_ticket_type(event, price_minor=2500))
    assert "No money comes back" in page_for(alpha).get(f"/orders/{order.code}/{order.secret}/").content.decode()
    page_for(alpha).post(f"/orders/{order.code}/{order.secret}/cancel/")
    assert money(alpha, order) == ("cancelled", 0, 2500)


@pytest.fixture
def sold(alpha, transactional_db):
    """A paid order of one ticket, its entrance and the text of its code."""
    with in_tenant(alpha):
        order = make_paid_order(make_ticket_type(price_minor=2500))
        ticket = Ticket.objects.get(order_line__order=order)
        ticketing.ensure_door(ticket.event)
        return order, ticket.event.check_in_lists.get(), codes.code_text(ticket)


def test_a_ticket_that_is_scanned_while_its_order_is_being_cancelled_is_either_used_or_cancelled(
    alpha, sold, monkeypatch
):
    order, door, text = sold
    answers = []

    def scan() -> None:
        try:
            with in_tenant(alpha):
                answers.append(scanning.scan(door, text, "1", by=None))
        finally:
            connections.close_all()

    someone = threading.Thread(target=scan)
    judge = orders.refuse_late_cancellation

    def judge_and_let_somebody_in(*args: Any, **options: Any) -> None:
        judge(*args, **options)
        someone.start()
        time.sleep(0.4)

    monkeypatch.setattr(orders, "refuse_late_cancellation", judge_and_let_somebody_in)
    with in_tenant(alpha):
        cancel_order(order)
    someone.join()
    assert (answers[0].admitted, answers[0].reason) == (False, "cancelled")
    assert money(alpha, order) == ("cancelled", 2500, 0)


def test_an_order_that_was_paid_since_it_was_read_is_cancelled_by_the_rules_of_a_paid_one(in_alpha):
    from datetime import timedelta

    from django.utils import timezone

    from tenant_apps.payments.services import mark_paid
    from tests.factories import make_event

    event = make_event(cancel_until=timezone.now() - timedelta(minutes=1))
    as_read = make_order(make_ticket_type(event))
    mark_paid(as_read)
    assert as_read.status == "pending"
    with pytest.raises(DomainError) as refused:
        cancel_order(as_read)
    assert refused.value.code == "cancellation_closed"
    assert Payment.objects.get().refunded_minor == 0


def test_undoing_a_scan_does_not_wake_a_ticket_up_that_staff_cancelled(alpha, sold):
    order, door, text = sold
    person = make_user()
    with in_tenant(alpha):
        assert scanning.scan(door, text, "1", by=None).admitted
        cancel_order(order, by_staff=True)
        scanning.undo(door, "1", by=person)
        assert Ticket.objects.get().status == "cancelled"
        assert scanning.scan(door, text, "2", by=None).reason == "cancelled"
        assert CheckIn.objects.admissions().count() == 0


def test_whoever_left_with_a_ticket_that_is_cancelled_does_not_come_in_again(alpha, sold):
    order, door, text = sold
    with in_tenant(alpha):
        assert scanning.scan(door, text, "1", by=None).admitted
        assert scanning.scan(door, text, "2", by=None, direction="out").admitted
        cancel_order(order, by_staff=True)
        assert scanning.scan(door, text, "3", by=None).reason == "cancelled"


def test_money_that_is_still_on_its_way_back_counts_in_what_the_rule_promises(in_alpha):
    """A provider may take days to say that a refund is done: until then nobody gets more than after it."""
    kind = make_ticket_type(make_event(refund_tiers=[{"days": 1, "percent": 50}]), price_minor=10_000)
    order = make_paid_order(kind)
    assert refunds.promised_minor(order) == 5000
    (sent,) = refunds.intend_order_refund(order, 4000)
    assert refunds.promised_minor(order) == 1000
    refunds.carry_out(sent)
    order.refresh_from_db()
    assert (order.refunded_minor, refunds.promised_minor(order)) == (4000, 1000)


def refund(client, order, key, **body):
    return client.post(f"/api/v1/orders/{order.code}/refund/", body, HTTP_IDEMPOTENCY_KEY=key)


def test_lines_are_refunded_by_themselves_once_and_their_tickets_admit_nobody(alpha, client_for):
    with in_tenant(alpha):
        order = make_paid_order(make_ticket_type(price_minor=2500), quantity=3)
        first, second, third = (str(line.pk) for line in order.lines.all())
    client = client_for(alpha, owner_of(alpha))
    answer = refund(client, order, "1", lines=[first])
    assert answer.status_code == 200, answer.content
    assert (answer.json()["refunded"], answer.json()["status"]) == ("25.00", "paid")
    assert [line["status"] for line in answer.json()["lines"]] == ["cancelled", "active", "active"]
    assert [ticket["status"] for ticket in answer.json()["tickets"]] == ["refunded", "active", "active"]
    again = refund(client, order, "2", lines=[first, second])
    assert (again.status_code, again.json()["code"]) == (409, "line_not_active")
    assert money(alpha, order) == ("paid", 2500, 5000)
    assert refund(client, order, "3", lines=[second, third]).status_code == 200
    assert money(alpha, order) == ("cancelled", 7500, 0)
    with in_tenant(alpha):
        assert set(Ticket.objects.values_list("status", flat=True)) == {"refunded"}
        assert order.lines.first().event.quotas.get().sold == 0


def test_lines_of_nobody_of_others_and_of_an_unpaid_order_are_not_refunded(alpha, client_for):
    with in_tenant(alpha):
        kind = make_ticket_type(price_minor=2500)
        order, other, unpaid = make_paid_order(kind), make_paid_order(kind), make_order(kind)
        of_other, of_unpaid, own = (str(each.lines.first().pk) for each in (other, unpaid, order))
    client = client_for(alpha, owner_of(alpha))
    for key, lines in enumerate(
        ([of_other], ["01a1fed4-bc40-70dc-96eb-02a23b5060f7"], ["x"], [], "all", [own, of_other])
    ):
        answer = refund(client, order, f"k{key}", lines=lines)
        assert (answer.status_code, answer.json()["errors"][0]["field"].split(".")[0]) == (400, "lines"), answer.content
    both = refund(client, order, "both", lines=[own], amount="1.00")
    assert (both.status_code, both.json()["errors"][0]["field"]) == (400, "amount")
    early = refund(client, unpaid, "early", lines=[of_unpaid])
    assert (early.status_code, early.json()["code"]) == (409, "refund_too_large")
    assert money(alpha, order) == ("paid", 0, 2500)
    assert money(alpha, unpaid)[0] == "pending"


def test_who_may_only_look_at_orders_starts_no_payment(alpha, client_for):
    from tenant_apps.staff.models import Membership, Role

    looker = make_user()
    with in_tenant(alpha):
        Membership.objects.create(user_id=looker.pk, role=Role.objects.get(preset="read_only"))
        order = make_order()
    body = {"order": order.code, "provider": "test", "test_outcome": "succeed"}
    answer = client_for(alpha, looker).post("/api/v1/payments/", body, HTTP_IDEMPOTENCY_KEY="k")
    assert answer.status_code == 403, answer.content
    assert money(alpha, order)[0] == "pending"


def test_nobody_starts_to_pay_for_an_event_that_was_cancelled_meanwhile(alpha, client_for):
    with in_tenant(alpha):
        order = make_order(make_ticket_type(make_event("Gala"), price_minor=2500))
        event = order.lines.get().event
        event.status = "cancelled"
        event.save(update_fields=["status"])
    body = {"order": order.code, "provider": "test"}
    answer = client_for(alpha).post(
        f"/api/v1/payments/?secret={order.secret}", body, format="json", HTTP_IDEMPOTENCY_KEY="too-late"
    )
    assert (answer.status_code, answer.json()["code"]) == (409, "not_on_sale"), answer.content
    with in_tenant(alpha):
        assert not Payment.objects.filter(order=order, provider="test").exists()
