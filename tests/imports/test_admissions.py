"""Attendees and orders sold elsewhere become paid orders with tickets, money and places that add up (M1, M8, O4)."""

import pytest

from tenant_apps.imports import exporting, services
from tenant_apps.orders.models import Order, OrderLine
from tenant_apps.payments.models import LedgerEntry, Payment
from tenant_apps.reports.invariants import breaches_in
from tenant_apps.ticketing.models import Quota, Ticket
from tests.factories import make_event, make_order, make_paid_order, make_quota, make_ticket_type, owner_of

HEAD = "external_id,event,ticket_type,email,name,attendee_name,price,order,seat\n"


@pytest.fixture
def gala(in_alpha):
    event = make_event("Gala", external_id="gala")
    kind = make_ticket_type(event, price_minor=1250, capacity=5, tax_rate=7)
    make_ticket_type(event, price_minor=0, capacity=None, name="Free")
    # A quota that both kinds draw from.
    make_quota(event, capacity=20, name="House", ticket_types=event.ticket_types.all())
    return kind


def check(content, resource="attendees"):
    return services.validate(services.start(resource=resource, file_name="a.csv", content=content.encode(), actor=None))


def apply(content, resource="attendees"):
    job = check(content, resource)
    assert job.status == "ready", job.errors
    return services.apply(services.ask_to_apply(job, actor=None))


def found(job):
    return [(one["line"], one["column"], one["code"]) for one in job.errors]


def test_rows_become_paid_orders_with_tickets_and_money_that_add_up(gala, in_alpha):
    content = HEAD + (
        "1,gala,Standard,a@x.test,Ann,,,,A1\n"
        "2,gala,standard,b@x.test,Bob,Bea,20.00,,\n"
        "3,Gala,Free,c@x.test,Cid,Cid,,family,\n"
        "4,Gala,Standard,c@x.test,Cid,Dora,10,family,\n"
    )
    job = apply(content)
    assert job.counts == {"new": 4, "changed": 0, "unchanged": 0, "refused": 0}
    assert Order.objects.count() == 3 and set(Order.objects.values_list("status", flat=True)) == {"paid"}
    family = Order.objects.get(email="c@x.test")
    assert (family.total_minor, family.lines.count(), family.channel) == (1000, 2, "import")
    ann = OrderLine.objects.get(order__email="a@x.test")
    assert (ann.unit_price_minor, ann.tax_minor, ann.ticket.seat, ann.ticket.holder_name) == (1250, 82, "A1", "Ann")
    assert Ticket.objects.filter(status="active").count() == 4
    assert [quota.sold for quota in Quota.objects.order_by("pk")] == [3, 1, 4]
    assert sum(LedgerEntry.objects.values_list("amount_minor", flat=True)) == 1250 + 2000 + 1000
    assert Payment.objects.filter(provider="manual", status="succeeded").count() == 3
    assert breaches_in(in_alpha) == []


def test_the_same_file_twice_changes_nothing_and_sells_nothing_again(gala, in_alpha):
    content = HEAD + "1,gala,Standard,a@x.test,Ann,,,,\n,gala,Free,b@x.test,Bob,,,,\n,gala,Free,b@x.test,Bob,,,,\n"
    assert apply(content).counts["new"] == 3
    assert apply(content).counts == {"new": 0, "changed": 0, "unchanged": 3, "refused": 0}
    assert Ticket.objects.count() == 3
    assert breaches_in(in_alpha) == []


def test_no_more_than_there_are_places_and_every_row_too_many_is_named(gala):
    make_order(gala, quantity=2)
    rows = "".join(f"{number},gala,Standard,p{number}@x.test,,,,,\n" for number in range(5))
    job = check(HEAD + rows)
    assert found(job) == [(5, "ticket_type", "sold_out"), (6, "ticket_type", "sold_out")]
    assert not Order.objects.filter(channel="import").exists()


def test_what_cannot_be_sold_is_refused_by_its_row(gala):
    job = check(
        HEAD
        + "1,nothing,Standard,a@x.test,,,,,\n"
        + "2,gala,Royal,a@x.test,,,,,\n"
        + "3,gala,,a@x.test,,,,,\n"
        + "4,gala,Standard,nobody,,,,,\n"
        + "5,gala,Standard,a@x.test,,,1.234,,\n"
        + "6,gala,Standard,a@x.test,,,-1,,\n"
        + "7,gala,Free,a@x.test,,,,one,\n"
        + "8,gala,Free,b@x.test,,,,one,\n"
    )
    assert found(job) == [
        (2, "event", "does_not_exist"),
        (3, "ticket_type", "does_not_exist"),
        (4, "ticket_type", "does_not_exist"),
        (5, "email", "invalid_email"),
        (6, "price", "invalid_price"),
        (7, "price", "out_of_range"),
        (9, "email", "duplicate_row"),
    ]


def test_attendees_go_out_and_come_back_without_a_difference(gala, in_alpha):
    make_paid_order(gala, quantity=2)
    apply(HEAD + "1,gala,Standard,a@x.test,Ann,,,,\n", "orders")
    content = b"".join(exporting.body(exporting.export("attendees", owner_of(in_alpha)), "csv")).decode()
    assert check(content).counts == {"new": 0, "changed": 0, "unchanged": 3, "refused": 0}


def test_places_that_go_between_check_and_apply_are_not_sold_twice(gala, in_alpha):
    job = check(HEAD + "".join(f"{number},gala,Standard,p{number}@x.test,,,,,\n" for number in range(4)))
    assert job.status == "ready"
    make_order(gala, quantity=2)
    job = services.apply(services.ask_to_apply(job, actor=None))
    assert (job.status, [code for _line, _column, code in found(job)]) == ("invalid", ["sold_out"])
    assert breaches_in(in_alpha) == []


def test_a_file_of_people_is_emptied_once_it_is_applied(gala):
    job = apply(HEAD + "1,gala,Standard,a@x.test,Ann,,,,\n")
    job.refresh_from_db()
    assert bytes(job.content) == b"" and job.samples == []
    assert "Ann" not in str(job.changes) and "a@x.test" not in str(job.changes)
