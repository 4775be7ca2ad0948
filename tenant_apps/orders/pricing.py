"""Lines to amounts: pure functions over whole minor units, no database (M5)."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from shared_apps.core.money import tax_included


@dataclass(frozen=True, slots=True)
class PricedLine:
    """One line's amounts, in minor units of the order's currency. `tax_minor` is contained in `total_minor`."""

    unit_price_minor: int
    quantity: int
    discount_minor: int
    tax_rate: Decimal
    tax_minor: int
    total_minor: int


@dataclass(frozen=True, slots=True)
class Totals:
    """An order's amounts, in minor units. Total = subtotal - discount + fees + delivery, tax contained (M5)."""

    subtotal_minor: int
    discount_minor: int
    fees_minor: int
    tax_minor: int
    delivery_minor: int
    total_minor: int


def price_line(unit_price_minor: int, tax_rate: Decimal, *, quantity: int = 1, discount_minor: int = 0) -> PricedLine:
    """Price one line. A discount never exceeds the line; tax is rounded half up once per line (M5)."""
    gross = unit_price_minor * quantity
    discount = min(discount_minor, gross)
    total = gross - discount
    return PricedLine(unit_price_minor, quantity, discount, tax_rate, tax_included(total, tax_rate), total)


def add_up(lines: Sequence[PricedLine], *, fees_minor: int = 0, delivery_minor: int = 0) -> Totals:
    """Return the totals of priced lines. Never below 0 (M5)."""
    subtotal = sum(line.unit_price_minor * line.quantity for line in lines)
    discount = sum(line.discount_minor for line in lines)
    return Totals(
        subtotal_minor=subtotal,
        discount_minor=discount,
        fees_minor=fees_minor,
        tax_minor=sum(line.tax_minor for line in lines),
        delivery_minor=delivery_minor,
        total_minor=subtotal - discount + fees_minor + delivery_minor,
    )
