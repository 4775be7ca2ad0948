"""What a ticket costs: tiers, prices that buyers say, and how much of the stock is told. Pure functions, no database.

Amounts are whole minor units of the event's currency (M5).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from shared_apps.core.money import share

# Nobody gives more by a slip of the finger than this, in minor units: ten million dollars, or a billion yen.
MOST_OPEN_MINOR = 10**9


@dataclass(frozen=True, slots=True)
class Tier:
    """A price tier as it was read. `left` is how many of its `quantity` tickets it still has; None means that only
    time ends it."""

    id: int
    name: str
    price_minor: int
    until: datetime | None = None
    left: int | None = None
    quota: int | None = None
    quantity: int | None = None

    def in_force(self, now: datetime) -> bool:
        """`until` is the first moment at which it is over."""
        return (self.until is None or now < self.until) and (self.left is None or self.left > 0)


@dataclass(frozen=True, slots=True)
class Portion:
    """So many admissions at one price; `tier` None means the type's own price."""

    quantity: int
    price_minor: int
    tier: Tier | None = None


def tiers_of(ticket_type: Any) -> list[Tier]:
    """Return the tiers of a type loaded by `QuerySet.with_tiers`, in their order."""
    return [_tier(row) for row in ticket_type.tier_rows]


def _tier(row: Mapping[str, Any]) -> Tier:
    capacity = row["capacity"]
    left = None if capacity is None else max(0, capacity - row["held"] - row["sold"])
    until = datetime.fromisoformat(row["until"]) if row["until"] else None
    return Tier(row["id"], row["name"], row["price_minor"], until, left, row["quota"], capacity)


def tier_now(tiers: Iterable[Tier], now: datetime) -> Tier | None:
    """Return the first tier that is in force, None if the type's own price is."""
    return next((tier for tier in tiers if tier.in_force(now)), None)


def price_now(ticket_type: Any, now: datetime) -> int:
    """What the next admission costs before tax that is added; where buyers say the price, the least."""
    tier = tier_now(tiers_of(ticket_type), now)
    price: int = tier.price_minor if tier else ticket_type.price_minor
    return price


def portions(tiers: Sequence[Tier], price_minor: int, quantity: int, now: datetime) -> list[Portion]:
    """Share an order's admissions out: each tier gives what it has left, in order, then comes the type's own price.

    So three early birds that are left make the first three of five admissions cheap and not the others.
    """
    found: list[Portion] = []
    for tier in tiers:
        if not quantity:
            break
        if not tier.in_force(now):
            continue
        taken = quantity if tier.left is None else min(tier.left, quantity)
        found.append(Portion(taken, tier.price_minor, tier))
        quantity -= taken
    if quantity:
        found.append(Portion(quantity, price_minor))
    return found


def told_stock(places: int | None, threshold: int | None) -> int | None:
    """How many places buyers are told are left: all there are without a threshold, else the last so many.

    None means that nothing is told: there is no limit, or more are left than the organizer shows.
    """
    if places is None or (threshold is not None and places > threshold):
        return None
    return max(0, places)


def includes_tax(ticket_type: Any, by_default: bool) -> bool:
    """Whether the type's prices contain the tax; `by_default` is the tenant's preference."""
    return by_default if ticket_type.tax_included is None else bool(ticket_type.tax_included)


def with_tax(price_minor: int, rate: Decimal, *, included: bool) -> int:
    """What one costs in the end: the price, and the tax if it does not contain it, rounded half up (M5)."""
    return price_minor if included else price_minor + share(price_minor, rate)
