"""Lines to amounts: pure functions over whole minor units, no database (M5).

How prices come together, for each line and in this order (docs/decisions/0024-prices.md):

1. the list price times the quantity;
2. of the discounts that do not add up, the one that takes most off;
3. the discounts that add up, one after the other, each off what is left;
4. the voucher, off what is left;
5. the tax: contained in what is left, or added to it, rounded half up once per line.

Then the fees that are passed on and the delivery, with their tax. The order of lines and of discounts does not matter,
and no discount or voucher that is added makes the total greater.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from shared_apps.core.money import share
from shared_apps.core.money import tax_included as tax_contained
from tenant_apps.promotions.rules import EACH, TICKET, DiscountRule, Line, VoucherRule

PER_TICKET, PER_ORDER = "ticket", "order"


@dataclass(frozen=True, slots=True)
class Applied:
    """What one discount or voucher took off one line, in minor units. The name is as it was then."""

    kind: str  # "discount" or "voucher"
    name: str
    amount_minor: int

    def as_json(self) -> dict[str, Any]:
        return {"kind": self.kind, "name": self.name, "amount_minor": self.amount_minor}


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
    applied: tuple[Applied, ...] = ()


@dataclass(frozen=True, slots=True)
class FeeRule:
    """A fee: a fixed sum and a percentage, for each paid ticket or once for an order that is not free.

    `passed_on`: the buyer pays it on top. Otherwise it is absorbed: the organizer has it out of the prices. `percent`
    is of what a ticket (or all lines) costs after discounts, with its tax.
    """

    kind: str  # "service" or "platform"
    name: str
    fixed_minor: int = 0
    percent: Decimal = Decimal(0)
    per: str = PER_TICKET
    passed_on: bool = True
    tax_rate: Decimal = Decimal(0)
    tax_included: bool = True

    def as_json(self) -> dict[str, Any]:
        """The rule as an order keeps it (M6)."""
        texts = {"percent": str(self.percent), "tax_rate": str(self.tax_rate)}
        names = ("kind", "name", "fixed_minor", "per", "passed_on", "tax_included")
        return {name: getattr(self, name) for name in names} | texts

    @classmethod
    def from_json(cls, given: dict[str, Any]) -> "FeeRule":
        return cls(**{**given, "percent": Decimal(given["percent"]), "tax_rate": Decimal(given["tax_rate"])})


@dataclass(frozen=True, slots=True)
class Fee:
    """A fee of one order. `amount_minor` contains `tax_minor`."""

    kind: str
    name: str
    amount_minor: int
    tax_minor: int

    def as_json(self) -> dict[str, Any]:
        return {"kind": self.kind, "name": self.name, "amount_minor": self.amount_minor, "tax_minor": self.tax_minor}


@dataclass(frozen=True, slots=True)
class Totals:
    """An order's amounts, in minor units. Total = subtotal - discount + fees + delivery + the tax of lines whose price
    did not contain it (M5). `tax_minor` is all tax, contained or added, that of fees and delivery too; fees and
    delivery contain theirs. All of it is part of the total."""

    subtotal_minor: int
    discount_minor: int
    fees_minor: int
    tax_minor: int
    delivery_minor: int
    total_minor: int


@dataclass(frozen=True, slots=True)
class PricedOrder:
    """A whole order: a priced line for each line given, in their order; what the buyer pays on top; all of it added up.

    `absorbed` are the fees that the organizer bears; no total contains them. `voucher_minor` is what the voucher took
    off: 0 if it had nothing to say, or if the discounts are better and it does not add up.
    """

    lines: tuple[PricedLine, ...]
    fees: tuple[Fee, ...]
    absorbed: tuple[Fee, ...]
    delivery_tax_minor: int
    totals: Totals
    voucher_minor: int = 0


def price(
    lines: Sequence[Line],
    *,
    discounts: Iterable[DiscountRule] = (),
    voucher: VoucherRule | None = None,
    fees: Iterable[FeeRule] = (),
    delivery_minor: int = 0,
    delivery_tax_rate: Decimal = Decimal(0),
    delivery_tax_included: bool = True,
    currency: str = "",
    now: datetime | None = None,
) -> PricedOrder:
    """Price an order. `now` judges the times of discounts; None takes them as judged (an order priced again).

    Fixed amounts in another currency than `currency` are left out. Delivery is its price before discounts.
    """
    rules = _in_force(discounts, currency, now)
    if voucher is not None and voucher.amount_minor and currency and voucher.currency != currency:
        voucher = None
    fee_rules = tuple(fees)
    if not rules and voucher is None:
        return _whole(
            [_Rest(line) for line in lines], fee_rules, delivery_minor, delivery_tax_rate, delivery_tax_included
        )
    # In an order of their own, so that it does not matter in which order they were put into the basket.
    places = sorted(range(len(lines)), key=lambda index: lines[index].identity())
    in_order = [lines[index] for index in places]

    def reckoned(with_discounts: bool, with_voucher: bool) -> PricedOrder:
        rests = [_Rest(line) for line in in_order]
        if with_discounts:
            _discount(rests, rules, now)
        if with_voucher and voucher is not None:
            _redeem(rests, voucher)
        back: list[Any] = [None] * len(lines)
        for index, rest in zip(places, rests, strict=True):
            back[index] = rest
        return _whole(back, fee_rules, delivery_minor, delivery_tax_rate, delivery_tax_included)

    if voucher is None or voucher.adds_up:
        return reckoned(True, True)
    by_discounts, by_voucher = reckoned(True, False), reckoned(False, True)
    return min(by_discounts, by_voucher, key=lambda priced: priced.totals.total_minor)


def _in_force(discounts: Iterable[DiscountRule], currency: str, now: datetime | None) -> list[DiscountRule]:
    found = [
        rule
        for rule in discounts
        if (now is None or rule.in_force(now)) and not (rule.kind == EACH and currency and rule.currency != currency)
    ]
    return sorted(found, key=lambda rule: rule.id)


@dataclass(slots=True)
class _Rest:
    """What is left of a line while rules are applied to it."""

    line: Line
    minor: int = -1
    applied: list[Applied] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.minor = self.line.gross_minor

    def take(self, kind: str, name: str, amount_minor: int) -> None:
        if amount_minor:
            self.minor -= amount_minor
            self.applied.append(Applied(kind, name, amount_minor))

    def priced(self) -> PricedLine:
        one = self.line
        off = sum(each.amount_minor for each in self.applied)
        priced = price_line(
            one.unit_price_minor, one.tax_rate, quantity=one.quantity, discount_minor=off, tax_included=one.tax_included
        )
        return priced if not off else _with(priced, tuple(self.applied))


def _with(priced: PricedLine, applied: tuple[Applied, ...]) -> PricedLine:
    return PricedLine(
        priced.unit_price_minor, priced.quantity, priced.discount_minor, priced.tax_rate, priced.tax_minor,
        priced.total_minor, priced.tax_included, applied,
    )  # fmt: skip


def _discount(rests: Sequence[_Rest], rules: Sequence[DiscountRule], now: datetime | None) -> None:
    lines = [rest.line for rest in rests]
    units = {rule.id: rule.units(lines, now) for rule in rules}
    alone = [rule for rule in rules if not rule.adds_up]
    together = [rule for rule in rules if rule.adds_up]
    for index, rest in enumerate(rests):
        offers = [(rule.off(rest.minor, units[rule.id][index], rest.line.quantity), rule) for rule in alone]
        if offers:
            most, best = max(offers, key=lambda offer: offer[0])
            rest.take("discount", best.name, most)
        for rule in together:
            rest.take("discount", rule.name, rule.off(rest.minor, units[rule.id][index], rest.line.quantity))


def _redeem(rests: Sequence[_Rest], voucher: VoucherRule) -> None:
    parts = voucher.off([rest.line for rest in rests], [rest.minor for rest in rests])
    for rest, part in zip(rests, parts, strict=True):
        rest.take("voucher", voucher.code, part)


def _whole(
    rests: Sequence[_Rest],
    fee_rules: Sequence[FeeRule],
    delivery_minor: int,
    delivery_tax_rate: Decimal,
    delivery_tax_included: bool,
) -> PricedOrder:
    priced = tuple(rest.priced() for rest in rests)
    kinds = [rest.line.kind for rest in rests]
    owed = [(rule, _fee(rule, priced, kinds)) for rule in fee_rules]
    passed_on = tuple(fee for rule, fee in owed if rule.passed_on and fee.amount_minor)
    absorbed = tuple(fee for rule, fee in owed if not rule.passed_on and fee.amount_minor)
    delivery, delivery_tax = _with_tax(delivery_minor, delivery_tax_rate, delivery_tax_included)
    totals = add_up(
        priced,
        fees_minor=sum(fee.amount_minor for fee in passed_on),
        delivery_minor=delivery,
        tax_minor=sum(fee.tax_minor for fee in passed_on) + delivery_tax,
    )
    by_voucher = sum(
        each.amount_minor for line in priced if line.applied for each in line.applied if each.kind == "voucher"
    )
    return PricedOrder(priced, passed_on, absorbed, delivery_tax, totals, by_voucher)


def _fee(rule: FeeRule, lines: Sequence[PricedLine], kinds: Sequence[str]) -> Fee:
    """What the fee comes to: its percentage is rounded once for each ticket line, or once for the order (M5)."""
    if rule.per == PER_TICKET:
        paid = [line for line, kind in zip(lines, kinds, strict=True) if kind == TICKET and line.total_minor]
        amount = sum(rule.fixed_minor * line.quantity + share(line.total_minor, rule.percent) for line in paid)
    else:
        total = sum(line.total_minor for line in lines)
        amount = rule.fixed_minor + share(total, rule.percent) if total else 0
    amount, tax = _with_tax(amount, rule.tax_rate, rule.tax_included)
    return Fee(rule.kind, rule.name, amount, tax)


def _with_tax(amount_minor: int, rate: Decimal, included: bool) -> tuple[int, int]:
    """Return an amount with its tax, and the tax; rounded half up once."""
    if not amount_minor or not rate:
        return amount_minor, 0
    if included:
        return amount_minor, tax_contained(amount_minor, rate)
    tax = share(amount_minor, rate)
    return amount_minor + tax, tax


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
    total, tax = _with_tax(gross - discount, tax_rate, tax_included)
    return PricedLine(unit_price_minor, quantity, discount, tax_rate, tax, total, tax_included)


def add_up(lines: Sequence[PricedLine], *, fees_minor: int = 0, delivery_minor: int = 0, tax_minor: int = 0) -> Totals:
    """Return the totals of priced lines. Never below 0 (M5). `tax_minor` is the tax within fees and delivery."""
    return Totals(
        subtotal_minor=sum(line.unit_price_minor * line.quantity for line in lines),
        discount_minor=sum(line.discount_minor for line in lines),
        fees_minor=fees_minor,
        tax_minor=sum(line.tax_minor for line in lines) + tax_minor,
        delivery_minor=delivery_minor,
        total_minor=sum(line.total_minor for line in lines) + fees_minor + delivery_minor,
    )
