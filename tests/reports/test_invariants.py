"""`check_invariants` finds every breach that is planted, and none where there is none (P8)."""

import uuid
from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.models import F

from tenant_apps.orders.models import DocumentCounter, Invoice, Order, OrderLine
from tenant_apps.orders.passing_on import pass_on
from tenant_apps.payments.models import LedgerEntry, Payment
from tenant_apps.reports.invariants import TENANT_CHECKS, breaches_in, breaches_of_catalog
from tenant_apps.ticketing.models import CheckInList, CheckInZone, Quota, Ticket
from tenants.context import in_public
from tests.factories import make_event, make_order, make_paid_order, make_ticket_type


@pytest.fixture
def sold(in_alpha: Any) -> Order:
    """A paid order of two tickets, with its money, beside a pending and a free one."""
    ticket_type = make_ticket_type(make_event(), price_minor=1000)
    make_order(ticket_type, quantity=3)
    make_order(make_ticket_type(price_minor=0))
    return make_paid_order(ticket_type, quantity=2)


def without(*constraints: tuple[str, str]) -> None:
    """Take the database's own last lines away, which would refuse to be broken."""
    with connection.cursor() as cursor:
        # Deferred checks of rows that were just written would stand in the way of changing their table.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table, name in constraints:
            cursor.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"')


def overbook(order: Order) -> None:
    without(("ticketing_quota", "quota_within_capacity"))
    Quota.objects.filter(sold=2).update(capacity=1)


def miscount(order: Order) -> None:
    Quota.objects.filter(sold=2).update(sold=F("sold") + 1)


def forget_a_hold(order: Order) -> None:
    Quota.objects.filter(held=3).update(held=2)


def change_a_total(order: Order) -> None:
    Order.objects.filter(pk=order.pk).update(total_minor=1999)


def refund_too_much(order: Order) -> None:
    without(("payments_payment", "payment_refunds_within_captured"))
    Payment.objects.filter(order=order).update(refunded_minor=2001)


def lose_a_refund(order: Order) -> None:
    Payment.objects.filter(order=order).update(refunded_minor=500)


def lose_a_ledger_entry(order: Order) -> None:
    LedgerEntry.objects.filter(order=order).delete()


def mix_currencies(order: Order) -> None:
    Payment.objects.filter(order=order).update(currency="USD")


def change_an_invoice(order: Order) -> None:
    Invoice.objects.filter(order=order).update(total_minor=1)


def forget_a_number(order: Order) -> None:
    DocumentCounter.objects.update(last=0)


def pay_nothing(order: Order) -> None:
    LedgerEntry.objects.filter(order=order).delete()
    Payment.objects.filter(order=order).delete()


def lose_a_ticket(order: Order) -> None:
    OrderLine.objects.filter(order=order, position=1).update(ticket=None)


def keep_a_ticket_unpaid(order: Order) -> None:
    Order.objects.filter(pk=order.pk).update(status="expired")


def admit_twice(order: Order) -> None:
    ticket = Ticket.objects.filter(order_line__order=order).first()
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("DROP INDEX check_in_one_admission")
    entrance = CheckInList.objects.create(event=ticket.event, name="Door")
    for number in range(2):
        entrance.check_ins.create(ticket=ticket, scan_id=f"s{number}", result="admitted")


def forget_who_is_inside(order: Order) -> None:
    event = Ticket.objects.filter(order_line__order=order).first().event
    CheckInZone.objects.create(event=event, name="Hall", inside=1)


def wake_a_passed_on_ticket_up(order: Order) -> None:
    ticket = Ticket.objects.filter(order_line__order=order).first()
    pass_on(ticket, name="Grace", email="grace@example.test")
    Ticket.objects.filter(pk=ticket.pk).update(status="active")


@pytest.mark.parametrize(
    ("invariant", "promise", "break_it"),
    [
        ("M1", "sold + held stay within", overbook),
        ("M1", "counters equal", miscount),
        ("M1", "counters equal", forget_a_hold),
        ("M5", "an order's total", change_a_total),
        ("M7", "stay within what was captured", refund_too_much),
        ("M7", "counters equal its refunds", lose_a_refund),
        ("M8", "the ledger of an order", lose_a_ledger_entry),
        ("M8", "currency", mix_currencies),
        ("M8", "an invoice comes to", change_an_invoice),
        ("M8", "counter of invoices", forget_a_number),
        ("O4", "has its money", pay_nothing),
        ("O4", "has its tickets", lose_a_ticket),
        ("O4", "no good ticket", keep_a_ticket_unpaid),
        ("T2", "at most one admission", admit_twice),
        ("T2", "a zone counts", forget_who_is_inside),
        ("T4", "only the last one is good", wake_a_passed_on_ticket_up),
    ],
)
def test_every_planted_breach_is_found(in_alpha, sold, invariant: str, promise: str, break_it: Callable[[Order], None]):
    assert breaches_in(in_alpha) == []
    break_it(sold)
    found = breaches_in(in_alpha)
    assert any(breach.invariant == invariant and promise in breach.found for breach in found), found


def test_a_token_that_comes_twice_is_found(in_alpha, sold):
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(
            "SELECT conname FROM pg_constraint WHERE conrelid = 'ticketing_ticket'::regclass AND contype = 'u'"
        )
        for (name,) in cursor.fetchall():
            cursor.execute(f'ALTER TABLE ticketing_ticket DROP CONSTRAINT "{name}"')
    Ticket.objects.filter(order_line__order=sold).update(token=uuid.uuid4())
    assert [breach.invariant for breach in breaches_in(in_alpha)] == ["T1"]


def test_what_the_catalog_must_not_hold_is_found(alpha):
    assert breaches_of_catalog() == []
    schema = alpha.schema_name
    with in_public(), connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE {schema}.accounts_user (id bigint PRIMARY KEY)")
        cursor.execute(f"CREATE TABLE {schema}.stray (u bigint PRIMARY KEY REFERENCES public.accounts_user (id))")
        cursor.execute("CREATE FUNCTION public.noop() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'")
        cursor.execute(
            f"CREATE TRIGGER nosy BEFORE INSERT ON {schema}.stray FOR EACH ROW EXECUTE FUNCTION public.noop()"
        )
    found = " ".join(breach.found for breach in breaches_of_catalog())
    for expected in ("table accounts_user", "leads to public.accounts_user", "trigger nosy"):
        assert expected in found


def test_the_command_says_what_is_broken_and_where_and_ends_with_1(alpha, beta, in_alpha, sold):
    miscount(sold)
    said = StringIO()
    with in_public(), pytest.raises(SystemExit) as end:
        call_command("check_invariants", stdout=said, no_color=True)
    assert end.value.code == 1
    assert "M1  alpha  counters equal" in said.getvalue()
    assert "beta" not in said.getvalue()
    assert "1 breaches in 2 tenants" in said.getvalue()


def test_where_all_is_well_the_command_says_so(alpha, beta, in_alpha, sold):
    said = StringIO()
    with in_public():
        call_command("check_invariants", stdout=said, no_color=True)
    assert "All promises kept: 2 tenants" in said.getvalue()


def test_a_schema_that_is_gone_is_a_breach_and_hides_nobody_elses(alpha, beta, in_alpha, sold):
    miscount(sold)
    with in_public(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(f"DROP SCHEMA {beta.schema_name} CASCADE")
    said = StringIO()
    with in_public(), pytest.raises(SystemExit):
        call_command("check_invariants", stdout=said, no_color=True)
    assert "schema t_beta is missing" in said.getvalue()
    assert "M1  alpha" in said.getvalue()


def test_the_checks_only_read(in_alpha, sold, django_assert_num_queries):
    with django_assert_num_queries(len(TENANT_CHECKS) + 2):  # and a savepoint around them, here in a test
        breaches_in(in_alpha)


def test_an_orphaned_membership_and_order_are_found(alpha, in_alpha, sold):
    from tenant_apps.staff.models import Membership

    call_command("find_orphans", stdout=StringIO())
    Order.objects.filter(pk=sold.pk).update(user_id=987_654_321)
    Membership.objects.update(user_id=987_654_322)
    said = StringIO()
    with in_public(), pytest.raises(SystemExit):
        call_command("find_orphans", stdout=said, no_color=True)
    assert f"alpha  orders_order.user_id: 1 row(s), such as {sold.pk}" in said.getvalue()
    assert "alpha  staff_membership.user_id: 1 row(s)" in said.getvalue()
