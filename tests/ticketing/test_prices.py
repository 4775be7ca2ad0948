"""What a ticket costs: tiers and tax reckoned, without a database."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tenant_apps.orders.pricing import add_up, price_line
from tenant_apps.ticketing.prices import Tier, portions, tier_now, told_stock

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)

offsets = st.none() | st.integers(-3, 3).map(lambda minutes: NOW + timedelta(minutes=minutes))
tiers = st.lists(
    st.builds(
        Tier,
        id=st.integers(1, 99),
        name=st.just("tier"),
        price_minor=st.integers(0, 10**6),
        until=offsets,
        left=st.none() | st.integers(0, 6),
    ),
    max_size=5,
)
rates = st.decimals(0, 100, places=2)
amounts = st.integers(0, 10**9)


# The first of them builds the strategies; on a loaded machine that takes seconds, which says nothing of the rule.
patient = settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)


@patient
@given(tiers, st.integers(0, 10**6), st.integers(1, 30))
def test_every_admission_gets_one_price_and_no_tier_gives_more_than_it_has(tiers, own, quantity):
    found = portions(tiers, own, quantity, NOW)
    assert sum(each.quantity for each in found) == quantity
    assert all(each.quantity > 0 for each in found)
    for each in found:
        if each.tier is None:
            assert each.price_minor == own
        else:
            assert each.price_minor == each.tier.price_minor
            assert each.tier.until is None or each.tier.until > NOW
            assert each.tier.left is None or each.quantity <= each.tier.left


@patient
@given(tiers, st.integers(0, 10**6), st.integers(1, 30))
def test_tiers_are_used_up_in_their_order_and_the_own_price_comes_last(tiers, own, quantity):
    found = portions(tiers, own, quantity, NOW)
    places = [
        len(tiers) if each.tier is None else next(i for i, one in enumerate(tiers) if one is each.tier)
        for each in found
    ]
    assert places == sorted(places)
    for place, each in zip(places[:-1], found[:-1], strict=True):
        assert tiers[place].left == each.quantity, "a later price is given only when the one before is used up"
    first = tier_now(tiers, NOW)
    assert found[0].price_minor == (first.price_minor if first else own)


@patient
@given(tiers, st.integers(0, 10**6), st.integers(1, 12), st.integers(1, 12))
def test_two_orders_after_each_other_cost_what_one_of_both_would(tiers, own, first, second):
    together = [each.price_minor for each in portions(tiers, own, first + second, NOW) for _ in range(each.quantity)]
    taken = portions(tiers, own, first, NOW)
    gone = {id(each.tier): each.quantity for each in taken if each.tier is not None}
    rest = [
        Tier(
            one.id, one.name, one.price_minor, one.until, None if one.left is None else one.left - gone.get(id(one), 0)
        )
        for one in tiers
    ]
    apart = [*taken, *portions(rest, own, second, NOW)]
    assert [each.price_minor for each in apart for _ in range(each.quantity)] == together


def test_a_tier_is_over_at_the_moment_of_its_end_and_not_before():
    tier = Tier(1, "Early bird", 1000, until=NOW)
    assert tier_now([tier], NOW - timedelta(microseconds=1)) is tier
    assert tier_now([tier], NOW) is None


@patient
@given(amounts, rates)
def test_tax_in_the_price_changes_no_total_and_is_rounded_half_up_once(price, rate):
    line = price_line(price, rate)
    assert line.total_minor == price
    exact = Decimal(price) * rate / (100 + rate)
    # Half up: what is cut off is less than half, what is added at most half.
    assert -Decimal("0.5") <= exact - line.tax_minor < Decimal("0.5")
    assert 0 <= line.tax_minor <= price


@patient
@given(amounts, rates, st.integers(1, 50), amounts)
def test_tax_that_is_added_is_reckoned_from_what_is_left_after_the_discount(price, rate, quantity, discount):
    line = price_line(price, rate, quantity=quantity, discount_minor=discount, tax_included=False)
    rest = price * quantity - line.discount_minor
    assert rest >= 0
    assert line.total_minor == rest + line.tax_minor
    assert -Decimal("0.5") <= Decimal(rest) * rate / 100 - line.tax_minor < Decimal("0.5")


@patient
@given(st.lists(st.tuples(amounts, rates, st.booleans(), st.integers(1, 9), amounts), max_size=12), amounts, amounts)
def test_an_orders_total_is_its_parts(rows, fees, delivery):
    lines = [
        price_line(price, rate, quantity=quantity, discount_minor=discount, tax_included=included)
        for price, rate, included, quantity, discount in rows
    ]
    totals = add_up(lines, fees_minor=fees, delivery_minor=delivery)
    added = sum(line.tax_minor for line in lines if not line.tax_included)
    assert totals.total_minor == totals.subtotal_minor - totals.discount_minor + fees + delivery + added
    assert totals.tax_minor == sum(line.tax_minor for line in lines)
    assert totals.total_minor >= 0


@pytest.mark.parametrize(
    ("price", "rate", "included", "tax", "total"),
    [
        (1190, "19", True, 190, 1190),
        (1000, "19", False, 190, 1190),
        (50, "1", False, 1, 51),  # 0.5 goes up
        (49, "1", False, 0, 49),
        (999, "0", False, 0, 999),
        (100, "100", True, 50, 100),
    ],
)
def test_taxes_that_were_reckoned_by_hand(price, rate, included, tax, total):
    line = price_line(price, Decimal(rate), tax_included=included)
    assert (line.tax_minor, line.total_minor) == (tax, total)


@pytest.mark.parametrize(
    ("places", "threshold", "told"),
    [(None, None, None), (None, 5, None), (80, None, 80), (6, 5, None), (5, 5, 5), (0, 5, 0), (0, 0, 0), (-1, None, 0)],
)
def test_the_stock_is_told_from_the_threshold_on_down(places, threshold, told):
    assert told_stock(places, threshold) == told
