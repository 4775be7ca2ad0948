"""Money is whole minor units (M5)."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared_apps.core.money import MAX_MINOR, allocate, share, tax_included, to_minor, to_text

amounts = st.integers(min_value=0, max_value=10**12)
percents = st.decimals(min_value=0, max_value=100, places=2)


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [("12.50", "EUR", 1250), ("1200", "JPY", 1200), ("1.234", "KWD", 1234), ("0", "USD", 0), ("-3", "EUR", -300)],
)
def test_an_amount_in_major_units_becomes_the_minor_units_of_its_currency(text, currency, minor):
    assert to_minor(text, currency) == minor


@pytest.mark.parametrize(
    ("text", "currency"),
    [
        ("1.005", "EUR"),
        ("0.5", "JPY"),
        ("NaN", "EUR"),
        ("Infinity", "EUR"),
        ("1e40", "EUR"),
        ("", "EUR"),
        ("ten", "EUR"),
    ],
)
def test_what_is_no_amount_of_the_currency_is_refused(text, currency):
    with pytest.raises(ValueError, match=r"."):
        to_minor(text, currency)


def test_a_floating_point_number_is_never_money():
    with pytest.raises(ValueError, match="floating"):
        to_minor(0.1, "EUR")


@given(st.integers(min_value=-MAX_MINOR // 1000, max_value=MAX_MINOR // 1000), st.sampled_from(["EUR", "JPY", "KWD"]))
def test_minor_units_survive_the_way_through_text(minor, currency):
    assert to_minor(to_text(minor, currency), currency) == minor


def test_a_percentage_rounds_half_up():
    assert share(5, Decimal(50)) == 3
    assert share(1250, Decimal("12.5")) == 156
    assert share(1, Decimal("49.99")) == 0


@given(amounts, percents)
def test_included_tax_and_net_add_up_to_the_gross(gross, percent):
    tax = tax_included(gross, percent)
    assert 0 <= tax <= gross
    exact = Decimal(gross) * percent / (100 + percent)
    assert abs(Decimal(tax) - exact) <= Decimal("0.5") + Decimal("1e-12")


@given(amounts, st.lists(st.integers(min_value=0, max_value=10**6), min_size=1, max_size=30))
def test_parts_of_an_amount_sum_to_the_whole(amount, weights):
    parts = allocate(amount, weights)
    assert sum(parts) == amount
    assert all(part >= 0 for part in parts)
    if sum(weights):
        for part, weight in zip(parts, weights, strict=True):
            assert abs(part - amount * weight / sum(weights)) < 1 + 1e-3
