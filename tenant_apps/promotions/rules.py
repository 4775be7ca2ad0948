"""What discounts and vouchers take off a line: pure functions over whole minor units, no database (M5).

Each rule maps what is left of a line to something that is not more, and never maps less to more. So rules can follow
one another in any number, and one that is added never makes an order dearer. How they come together is in
`orders.pricing`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from shared_apps.core.money import allocate, fraction

TICKET, PRODUCT = "ticket", "product"
PERCENT, FIXED, FREE, EACH, BUY_GET = "percent", "fixed", "free", "fixed_each", "buy_x_get_y"


@dataclass(frozen=True, slots=True)
class Line:
    """What is to be priced: admissions of one type, or goods of one variant, at their list price in minor units."""

    unit_price_minor: int
    quantity: int = 1
    tax_rate: Decimal = Decimal(0)
    tax_included: bool = True
    kind: str = TICKET
    event: int | None = None
    # When the event begins: an early bird ends so many days before.
    starts_at: datetime | None = None
    ticket_type: int | None = None
    product: int | None = None
    variant: int | None = None
    event_category: int | None = None
    # Slugs of the product's category and of those above it.
    lineage: frozenset[str] = frozenset()
    # The buyer said the price: discounts by themselves do not undercut it.
    open_price: bool = False

    @property
    def gross_minor(self) -> int:
        return self.unit_price_minor * self.quantity

    def identity(self) -> tuple[Any, ...]:
        """What tells this line from others, in an order: lines alike in it are alike in all that prices ask."""
        return (
            self.kind, self.event or 0, self.ticket_type or 0, self.product or 0, self.variant or 0,
            self.unit_price_minor, self.quantity, self.tax_rate, self.tax_included, self.open_price,
            self.starts_at.timestamp() if self.starts_at else 0.0, self.event_category or 0, sorted(self.lineage),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Scope:
    """What a rule applies to. Empty means everything; else what is named in any of the lists.

    `kind` narrows an empty scope to tickets or goods.
    """

    kind: str = ""
    events: frozenset[int] = frozenset()
    ticket_types: frozenset[int] = frozenset()
    products: frozenset[int] = frozenset()
    event_categories: frozenset[int] = frozenset()
    product_categories: frozenset[str] = frozenset()

    def covers(self, line: Line) -> bool:
        if self.kind and line.kind != self.kind:
            return False
        if not (self.events or self.ticket_types or self.products or self.event_categories or self.product_categories):
            return True
        return (
            line.event in self.events
            or line.ticket_type in self.ticket_types
            or line.product in self.products
            or line.event_category in self.event_categories
            or not self.product_categories.isdisjoint(line.lineage)
        )

    def as_json(self) -> dict[str, Any]:
        lists = ("events", "ticket_types", "products", "event_categories", "product_categories")
        shown: dict[str, Any] = {name: sorted(getattr(self, name)) for name in lists if getattr(self, name)}
        return shown | ({"kind": self.kind} if self.kind else {})

    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> "Scope":
        lists = {name: frozenset(value) for name, value in given.items() if name != "kind"}
        return cls(kind=given.get("kind", ""), **lists)


@dataclass(frozen=True, slots=True)
class DiscountRule:
    """A discount that applies by itself. `percent` is in hundredths of a per cent, so that all is whole numbers.

    `least` items of its scope must be in the order (a group). With `days_before` it holds for tickets of events that
    are more than so far away (an early bird). "Buy x get y": of each x + y items the y cheapest are `percent` cheaper.
    """

    id: int
    name: str
    kind: str
    percent: int = 0
    amount_minor: int = 0
    currency: str = ""
    least: int = 1
    buy: int = 0
    get: int = 0
    days_before: int | None = None
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    # Comes off what other discounts have left; otherwise a line takes the best one only.
    adds_up: bool = False
    scope: Scope = Scope()

    def in_force(self, now: datetime) -> bool:
        """The window is [from, until)."""
        return (self.valid_from is None or self.valid_from <= now) and (
            self.valid_until is None or now < self.valid_until
        )

    def covers(self, line: Line, now: datetime | None) -> bool:
        """Whether the line is one of its items. `now` None: its time was judged before."""
        if line.open_price or not self.scope.covers(line):
            return False
        if self.days_before is None or now is None:
            return True
        return line.starts_at is not None and now < line.starts_at - timedelta(days=self.days_before)

    def units(self, lines: Sequence[Line], now: datetime | None) -> list[int]:
        """Of how many units of each line it takes something off. Depends on list prices only, on no other rule."""
        taken = [line.quantity if self.covers(line, now) else 0 for line in lines]
        if self.kind != BUY_GET:
            return taken if sum(taken) >= self.least else [0] * len(lines)
        paid = [count if line.unit_price_minor else 0 for count, line in zip(taken, lines, strict=True)]
        if sum(paid) < self.least:
            return [0] * len(lines)
        left = sum(paid) // (self.buy + self.get) * self.get
        cheapest = sorted(range(len(lines)), key=lambda index: lines[index].unit_price_minor)
        units = [0] * len(lines)
        for index in cheapest:
            units[index] = min(paid[index], left)
            left -= units[index]
        return units

    def off(self, rest_minor: int, units: int, quantity: int) -> int:
        """What it takes off `rest_minor`, which is left of `quantity` units: rounded half up once (M5)."""
        if not units:
            return 0
        if self.kind == EACH:
            return min(rest_minor, self.amount_minor * units)
        return fraction(rest_minor, self.percent * units, 10_000 * quantity)


@dataclass(frozen=True, slots=True)
class VoucherRule:
    """What a voucher's code takes off: a percentage, a fixed sum over its lines, or everything.

    At most `most_items` units, the dearest ones. `adds_up`: off what discounts have left; otherwise the order is priced
    by its discounts or by the voucher, whichever is less.
    """

    id: int
    code: str
    kind: str
    percent: int = 0
    amount_minor: int = 0
    currency: str = ""
    most_items: int | None = None
    adds_up: bool = True
    scope: Scope = Scope()

    def units(self, lines: Sequence[Line]) -> list[int]:
        """Of how many units of each line it takes something off: the dearest by list price."""
        taken = [line.quantity if line.unit_price_minor and self.scope.covers(line) else 0 for line in lines]
        if self.most_items is None:
            return taken
        left = self.most_items
        units = [0] * len(lines)
        for index in sorted(range(len(lines)), key=lambda index: -lines[index].unit_price_minor):
            units[index] = min(taken[index], left)
            left -= units[index]
        return units

    def off(self, lines: Sequence[Line], rests: Sequence[int]) -> list[int]:
        """What it takes off each line, of which `rests` are left. The parts of a fixed sum add up to it, or to all.

        A fixed sum is parted by list prices (largest remainder, M5), which no discount changes. What exceeds the rest
        of a line goes to the first others that have something left. So a discount that lowers a rest lowers, or
        leaves, what remains of every line.
        """
        units = self.units(lines)
        percent = 10_000 if self.kind == FREE else self.percent
        if self.kind != FIXED:
            return [
                fraction(rest, percent * count, 10_000 * line.quantity) if count else 0
                for rest, count, line in zip(rests, units, lines, strict=True)
            ]
        weights = [line.unit_price_minor * count for line, count in zip(lines, units, strict=True)]
        most = [rest * count // line.quantity for rest, count, line in zip(rests, units, lines, strict=True)]
        if not sum(weights):
            return [0] * len(lines)
        parts = allocate(min(self.amount_minor, sum(weights)), weights)
        over = sum(max(0, part - room) for part, room in zip(parts, most, strict=True))
        parts = [min(part, room) for part, room in zip(parts, most, strict=True)]
        for index, room in enumerate(most):
            more = min(over, room - parts[index])
            parts[index] += more
            over -= more
        return parts


def frozen(covered: Sequence[Line]) -> Scope:
    """Return a scope that covers just these lines, whatever becomes of events, categories and times later."""
    return Scope(
        ticket_types=frozenset(line.ticket_type for line in covered if line.ticket_type is not None),
        products=frozenset(line.product for line in covered if line.product is not None),
    )


def discount_as_json(rule: DiscountRule, lines: Sequence[Line], now: datetime) -> dict[str, Any] | None:
    """A rule as an order keeps it (M6): for the lines that it covers, its times judged; None if it covers none."""
    covered = [line for line in lines if rule.in_force(now) and rule.covers(line, now)]
    names = ("id", "name", "kind", "percent", "amount_minor", "currency", "least", "buy", "get", "adds_up")
    kept = {name: getattr(rule, name) for name in names} | {"scope": frozen(covered).as_json()}
    return kept if covered else None


def discount_from_json(given: Mapping[str, Any]) -> DiscountRule:
    return DiscountRule(**{**given, "scope": Scope.from_json(given["scope"])})


def voucher_as_json(rule: VoucherRule, lines: Sequence[Line]) -> dict[str, Any] | None:
    """As `discount_as_json`."""
    covered = [line for line in lines if rule.scope.covers(line)]
    names = ("id", "code", "kind", "percent", "amount_minor", "currency", "most_items", "adds_up")
    kept = {name: getattr(rule, name) for name in names} | {"scope": frozen(covered).as_json()}
    return kept if covered else None


def voucher_from_json(given: Mapping[str, Any]) -> VoucherRule:
    return VoucherRule(**{**given, "scope": Scope.from_json(given["scope"])})
