"""Lines to amounts: pure functions over whole minor units, no database (M5)."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from shared_apps.core.money import share
from shared_apps.core.money import tax_included as tax_contained


@dataclass(frozen=True, slots=True)
class PricedLine:
    """One line's amounts, in minor units of the order's currency. `tax_minor` is contained in `total_minor`, whether
    the price contained it (`tax_included`) or it was added to the price."""

    unit_price_minor: int
    quantity: int
    discount_minor: int
    tax_rate: Decimal
    tax_minor: int
    total_minor: int
    tax_included: bool = True


@dataclass(frozen=True, slots=True)
class Totals:
    """An order's amounts, in minor units. Total = subtotal - discount + fees + delivery + the tax of lines whose price
    did not contain it (M5). `tax_minor` is all tax, contained or added; both are part of the total."""

    subtotal_minor: int
    discount_minor: int
    fees_minor: int
    tax_minor: int
    delivery_minor: int
    total_minor: int


def price_line(
    unit_price_minor: int,
    tax_rate: Decimal,
    *,
    quantity: int = 1,
    discount_minor: int = 0,
    tax_included: bool = True,
) -> PricedLine:
    """Price one line. A discount never exceeds the line; tax is rounded half up once per line (M5).

    With `tax_included` the price contains the tax, else the tax of what is left after the discount is added.
    """
    gross = unit_price_minor * quantity
    discount = min(discount_minor, gross)
    rest = gross - discount
    tax = tax_contained(rest, tax_rate) if tax_included else share(rest, tax_rate)
    total = rest if tax_included else rest + tax
    return PricedLine(unit_price_minor, quantity, discount, tax_rate, tax, total, tax_included)


def add_up(lines: Sequence[PricedLine], *, fees_minor: int = 0, delivery_minor: int = 0) -> Totals:
    """Return the totals of priced lines. Never below 0 (M5)."""
    return Totals(
        subtotal_minor=sum(line.unit_price_minor * line.quantity for line in lines),
        discount_minor=sum(line.discount_minor for line in lines),
        fees_minor=fees_minor,
        tax_minor=sum(line.tax_minor for line in lines),
        delivery_minor=delivery_minor,
        total_minor=sum(line.total_minor for line in lines) + fees_minor + delivery_minor,
    )
