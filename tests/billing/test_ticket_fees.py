"""The platform's fee of each paid ticket: as the plan was when it was ordered, reckoned once, paid once."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from shared_apps.billing import fees, limits, usage
from shared_apps.billing.models import Plan, TicketFees, Usage
from shared_apps.billing.plans import Standing
from tenant_apps.orders import counter, platform_fees
from tenant_apps.orders.checkout import Basket, BasketLine, place_order
from tenant_apps.orders.models import Order
from tenants.context import in_tenant
from tenants.models import Tenant
from tests.factories import make_event, make_order, make_paid_order, make_ticket_type, owner_of

NOON = datetime(2031, 6, 1, 12, 0, tzinfo=UTC)
DAY = NOON.date()


def charge(tenant, percent, fixed_minor=0, currency="EUR"):
    plan = Plan(slug="p", ticket_fee_percent=Decimal(percent), ticket_fee_minor=fixed_minor, currency=currency)
    row = limits._row(Standing(plan))
    Tenant.objects.filter(pk=tenant.pk).update(limits=row)
    tenant.limits = row


def paid_at(at, *orders):
    Order.objects.filter(pk__in=[order.pk for order in orders]).update(paid_at=at, created_at=at)


@pytest.fixture
def sold(in_alpha):
    """Two tickets at 12.35 with 2.5 % and 0.30 each; one at 20.00 with 1 %, bought under another plan; a free one."""
    charge(in_alpha, "2.5", 30)
    first = make_paid_order(make_ticket_type(make_event(), price_minor=1235), quantity=2)
    free = make_order(make_ticket_type(make_event(), price_minor=0))
    charge(in_alpha, "1")
    second = make_paid_order(make_ticket_type(make_event(), price_minor=2000))
    paid_at(NOON, first, second, free)
    return in_alpha


def test_each_ticket_is_rounded_for_itself_and_keeps_the_fee_of_its_time(sold):
    # 12.35 x 2.5 % = 0.30875 -> 0.31, and 0.30: 0.61 each; 20.00 x 1 % = 0.20.
    charge(sold, "50")
    usage.measure(NOON)
    row = TicketFees.objects.get(tenant=sold)
    assert (row.day, row.currency, row.tickets, row.gross_minor, row.fee_minor, row.collected_minor) == (
        DAY, "EUR", 3, 4470, 142, 0,
    )  # fmt: skip
    assert sum(platform_fees.of_order(order) for order in Order.objects.all()) == 142


def test_half_a_cent_is_rounded_up_in_both_places(in_alpha):
    charge(in_alpha, "2.5")
    order = make_paid_order(make_ticket_type(make_event(), price_minor=20))  # 0.5 cent
    paid_at(NOON, order)
    usage.measure(NOON)
    assert TicketFees.objects.get().fee_minor == platform_fees.of_order(order) == 1


def test_it_is_no_part_of_the_price_unless_passed_on(in_alpha):
    charge(in_alpha, "10")
    kind = make_ticket_type(make_event(), price_minor=1000)
    absorbed = make_order(kind)
    assert (absorbed.total_minor, platform_fees.of_order(absorbed)) == (1000, 100)
    in_alpha.preferences = {**in_alpha.preferences, "platform_fee_paid_by": "buyer"}
    passed_on = make_order(kind)
    assert (passed_on.total_minor, platform_fees.of_order(passed_on)) == (1100, 100)


def test_a_fixed_part_counts_in_the_plans_currency_only(in_alpha):
    charge(in_alpha, "1", 50, "EUR")
    roubles = make_order(make_ticket_type(make_event(currency="RUB"), price_minor=100_000))
    assert platform_fees.of_order(roubles) == 1000


def test_reckoning_again_changes_nothing_and_what_is_gone_counts_nothing(sold):
    usage.measure(NOON)
    usage.measure(NOON + timedelta(hours=1))
    assert TicketFees.objects.get().fee_minor == 142
    paid_at(NOON - timedelta(days=1), *Order.objects.all())
    usage.measure(NOON + timedelta(hours=2))
    assert TicketFees.objects.get().fee_minor == 0
    # Who began earlier and comes later does not bring it back.
    paid_at(NOON, *Order.objects.all())
    usage.measure(NOON + timedelta(hours=1, minutes=59))
    assert TicketFees.objects.get().fee_minor == 0


def test_what_was_kept_back_is_not_owed_again(sold, monkeypatch):
    monkeypatch.setattr(fees, "_collectors", [lambda begins, ends: {"EUR": 100}])
    usage.measure(NOON)
    assert fees.owed(sold, DAY, DAY) == [
        {"currency": "EUR", "tickets": 3, "gross_minor": 4470, "fee_minor": 142, "collected_minor": 100,
         "due_minor": 42},
    ]  # fmt: skip
    monkeypatch.setattr(fees, "_collectors", [lambda begins, ends: {"EUR": 900}])
    usage.measure(NOON + timedelta(hours=1))
    assert fees.owed(sold, DAY, DAY) == []


def test_the_neighbour_pays_for_itself_and_the_owner_reads_what_is_due(sold, beta, client_for):
    usage.measure(NOON)
    with in_tenant(beta):
        usage.measure(NOON)
    assert not TicketFees.objects.filter(tenant=beta).exists()
    owner = client_for(sold, owner_of(sold))
    answer = owner.get("/api/v1/billing/ticket-fees/?from=2031-06-01&to=2031-06-30").json()
    assert answer["totals"] == [
        {"currency": "EUR", "tickets": 3, "gross": "44.70", "fee": "1.42", "collected": "0.00", "due": "1.42"}
    ]
    assert [one["day"] for one in answer["days"]] == ["2031-06-01"]
    assert owner.get("/api/v1/billing/ticket-fees/?from=tomorrow").status_code == 400


def test_sales_at_the_counter_carry_no_fee(in_alpha):
    charge(in_alpha, "10")
    kind = make_ticket_type(make_event(), price_minor=1000)
    basket = Basket(email="", lines=[BasketLine(ticket_type=kind.pk)], channel=counter.CHANNEL)
    order = place_order(basket, actor=owner_of(in_alpha))
    assert (order.status, order.total_minor, platform_fees.of_order(order)) == ("paid", 1000, 0)
    paid_at(NOON, order)
    usage.measure(NOON)
    assert not TicketFees.objects.exists()
    assert Usage.objects.get(tenant=in_alpha).paid_tickets == 1
