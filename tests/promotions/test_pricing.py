"""What an order costs: examples reckoned by hand, and promises that hold for every order."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench import pricing as proof
from tenant_apps.orders import pricing
from tenant_apps.orders.pricing import FeeRule, price
from tenant_apps.promotions import rules
from tenant_apps.promotions.rules import DiscountRule, Line, Scope, VoucherRule

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
CI_ORDERS = 3000


def tickets(*prices, **fields):
    return [Line(minor, ticket_type=number, event=1, **fields) for number, minor in enumerate(prices, 1)]


def percent(number, per_cent, **fields):
    return DiscountRule(number, f"Discount {number}", rules.PERCENT, percent=per_cent * 100, **fields)


def totals(lines, *discounts, **given):
    priced = price(lines, discounts=discounts, currency="EUR", now=NOW, **given)
    return [line.total_minor for line in priced.lines], priced.totals.total_minor


def test_an_early_bird_ends_so_many_days_before_each_event():
    early = percent(1, 20, days_before=14)
    lines = [
        Line(1000, event=1, starts_at=NOW + timedelta(days=14, seconds=1)),
        Line(1000, event=2, starts_at=NOW + timedelta(days=14)),
    ]
    assert totals(lines, early) == ([800, 1000], 1800)


def test_a_discount_holds_from_its_start_on_and_not_at_its_end():
    sale = percent(1, 50, valid_from=NOW, valid_until=NOW + timedelta(hours=1))
    for moment, minor in ((-1, 1000), (0, 500), (3599, 500), (3600, 1000)):
        priced = price(tickets(1000), discounts=[sale], now=NOW + timedelta(seconds=moment))
        assert priced.totals.total_minor == minor


def test_a_group_is_as_many_as_its_scope_counts():
    group = percent(1, 10, least=3, scope=Scope(events=frozenset({1})))
    other = Line(1000, event=2)
    assert totals([*tickets(1000, 1000), other], group)[1] == 3000
    assert totals([*tickets(1000, 1000, 1000), other], group) == ([900, 900, 900, 1000], 3700)


@pytest.mark.parametrize(
    ("prices", "paid"),
    [
        ([1000, 900], [1000, 900]),
        ([1000, 900, 800], [1000, 900, 0]),  # the cheapest of three
        ([800, 1000, 900, 700, 600, 500], [800, 1000, 900, 700, 0, 0]),
        ([1000, 0, 0], [1000, 0, 0]),  # what is free is not bought
    ],
)
def test_of_each_buy_two_get_one_the_cheapest_is_free(prices, paid):
    three_for_two = DiscountRule(1, "3 for 2", rules.BUY_GET, percent=10_000, buy=2, get=1)
    assert totals(tickets(*prices), three_for_two)[0] == paid


def test_of_goods_on_one_line_a_part_is_cheaper():
    half = DiscountRule(1, "Second at half", rules.BUY_GET, percent=5000, buy=1, get=1)
    shirts = Line(2000, quantity=5, kind=rules.PRODUCT, product=1, variant=1)
    assert totals([shirts], half) == ([8000], 8000)


def test_a_line_takes_its_best_discount_and_those_that_add_up():
    lines = tickets(1000, 5000)
    each = DiscountRule(3, "3 off", rules.EACH, amount_minor=300, currency="EUR")
    assert totals(lines, percent(1, 10), percent(2, 20), each) == ([700, 4000], 4700)
    more = percent(4, 10, adds_up=True)
    assert totals(lines, percent(1, 10), percent(2, 20), each, more) == ([630, 3600], 4230)
    priced = price(lines, discounts=[percent(2, 20), more], now=NOW)
    assert [(one.name, one.amount_minor) for one in priced.lines[0].applied] == [
        ("Discount 2", 200),
        ("Discount 4", 80),
    ]


def test_an_amount_in_another_currency_says_nothing():
    dollars = DiscountRule(1, "3 off", rules.EACH, amount_minor=300, currency="USD")
    voucher = VoucherRule(1, "A", rules.FIXED, amount_minor=300, currency="USD")
    assert totals(tickets(1000), dollars, voucher=voucher)[1] == 1000


def test_buyers_who_say_the_price_get_no_discount_and_may_use_a_voucher():
    line = Line(1000, ticket_type=1, open_price=True)
    assert totals([line], percent(1, 50))[1] == 1000
    assert totals([line], voucher=VoucherRule(1, "A", rules.PERCENT, percent=1000))[1] == 900


@pytest.mark.parametrize(
    ("amount", "parts"),
    [
        (100, [33, 33, 34]),  # the largest remainder gets the odd cent
        (1, [0, 0, 1]),
        (299, [100, 99, 100]),
        (10_000, [1000, 1000, 1001]),  # no more than there is
    ],
)
def test_a_fixed_voucher_is_parted_over_its_lines_to_the_last_cent(amount, parts):
    voucher = VoucherRule(1, "A", rules.FIXED, amount_minor=amount, currency="EUR")
    priced = price(tickets(1000, 1000, 1001), voucher=voucher, currency="EUR", now=NOW)
    assert [line.discount_minor for line in priced.lines] == parts
    assert priced.voucher_minor == min(amount, 3001)


def test_what_a_line_cannot_take_of_a_voucher_goes_to_the_others():
    voucher = VoucherRule(1, "A", rules.FIXED, amount_minor=1000, currency="EUR")
    cheap = percent(1, 90, scope=Scope(ticket_types=frozenset({1})))
    assert totals(tickets(1000, 1000), cheap, voucher=voucher) == ([0, 100], 100)


def test_a_free_voucher_for_one_takes_the_dearest():
    voucher = VoucherRule(1, "A", rules.FREE, most_items=1)
    assert totals(tickets(1000, 3000, 2000), voucher=voucher) == ([1000, 0, 2000], 3000)


def test_a_voucher_that_does_not_add_up_leaves_the_buyer_the_better_of_both():
    alone = VoucherRule(1, "A", rules.PERCENT, percent=3000, adds_up=False)
    assert totals(tickets(1000), percent(1, 20), voucher=alone)[1] == 700
    assert totals(tickets(1000), percent(1, 40), voucher=alone)[1] == 600
    assert totals(tickets(1000), percent(1, 20), voucher=replace(alone, adds_up=True))[1] == 560


def test_fees_are_for_paid_tickets_only_and_carry_their_tax():
    fee = FeeRule(
        "service", "Booking", fixed_minor=50, percent=Decimal("2.5"), tax_rate=Decimal(20), tax_included=False
    )
    shirt = Line(2000, quantity=3, kind=rules.PRODUCT, product=1)
    priced = price([*tickets(1000, 0, 999), shirt], fees=[fee], now=NOW)
    # 50 + 25 and 50 + 25 (24.975 up), and a fifth of it.
    assert [(one.amount_minor, one.tax_minor) for one in priced.fees] == [(180, 30)]
    assert priced.totals.total_minor == 1999 + 6000 + 180


def test_an_absorbed_fee_is_told_and_not_charged():
    fee = FeeRule("platform", "Platform", percent=Decimal(3), passed_on=False)
    priced = price(tickets(1000), fees=[fee], now=NOW)
    assert (priced.totals.total_minor, priced.fees, priced.absorbed[0].amount_minor) == (1000, (), 30)


def test_a_fee_for_an_order_is_charged_once_and_not_for_a_free_one():
    fee = FeeRule("service", "Booking", fixed_minor=100, percent=Decimal(10), per="order")
    assert totals(tickets(1000, 500), fees=[fee])[1] == 1750
    free = VoucherRule(1, "A", rules.FREE)
    assert totals(tickets(1000, 500), fees=[fee], voucher=free)[1] == 0


def test_delivery_comes_with_its_tax_in_or_on_top():
    shirt = Line(2000, kind=rules.PRODUCT, product=1, tax_rate=Decimal(20))
    for included, total, tax in ((True, 2600, 333 + 100), (False, 2720, 333 + 120)):
        priced = price(
            [shirt], delivery_minor=600, delivery_tax_rate=Decimal(20), delivery_tax_included=included, now=NOW
        )
        assert (priced.totals.total_minor, priced.totals.tax_minor) == (total, tax)


def test_rules_that_an_order_keeps_price_its_lines_as_they_did():
    """M6: whatever becomes of the event, its category and the clock."""
    lines = tickets(1000, 900, 800, starts_at=NOW + timedelta(days=30), event_category=7)
    early = percent(
        1, 10, days_before=10, valid_until=NOW + timedelta(days=1), scope=Scope(event_categories=frozenset({7}))
    )
    gone = percent(2, 99, valid_until=NOW)
    kept = [one for rule in (early, gone) if (one := rules.discount_as_json(rule, lines, NOW))]
    moved = [replace(line, starts_at=None, event_category=None) for line in lines]
    again = price(moved, discounts=[rules.discount_from_json(one) for one in kept])
    assert again.totals == price(lines, discounts=[early, gone], now=NOW).totals
    assert len(kept) == 1


def test_thousands_of_generated_orders_keep_every_promise():
    """The same proof runs over a million: `make prove-pricing`."""
    assert proof.prove(0, CI_ORDERS) == []


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**63))
def test_no_number_makes_an_order_that_breaks_a_promise(number):
    assert proof.prove(number, 1) == []


@pytest.mark.parametrize(
    ("module", "name", "wrong"),
    [
        (rules, "fraction", lambda amount, part, whole: amount * part // whole),  # rounds down
        (rules, "allocate", lambda amount, weights: [amount * one // sum(weights) for one in weights]),  # loses cents
        (pricing, "tax_contained", lambda gross, rate: int(gross * rate / (100 + rate))),
        (pricing, "share", lambda amount, rate: int(amount * rate / 100)),
        (pricing, "sorted", lambda rows, key=None: list(rows)),  # the basket's order decides
        (pricing, "max", lambda offers, key=None, default=None: offers[0]),  # not the best discount
    ],
)
def test_the_proof_sees_prices_that_are_wrong(monkeypatch, module, name, wrong):
    """A proof that cannot fail proves nothing."""
    monkeypatch.setattr(module, name, wrong, raising=False)
    assert proof.prove(0, 1500)
