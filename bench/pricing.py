"""Prices proven on generated orders: `make prove-pricing` (a million of them, about five minutes on four cores).

Every order is made from one number, so a breach can be made again: `python -m bench.pricing --orders 1 --first N`.
What must hold is said in docs/decisions/0024-prices.md; each promise is checked against plain fractions, not against
the code that made the amounts.
"""

import argparse
import json
import multiprocessing
import os
import random
import sys
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from tenant_apps.orders.pricing import FeeRule, PricedLine, PricedOrder, price
from tenant_apps.promotions.rules import (
    BUY_GET,
    EACH,
    FIXED,
    FREE,
    PERCENT,
    PRODUCT,
    TICKET,
    DiscountRule,
    Line,
    Scope,
    VoucherRule,
)

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
RATES = [Decimal(rate) for rate in ("0", "0", "7", "19", "20", "5.5", "8.1", "100", "0.01", "33.33")]
CATEGORIES = ["clothes", "shirts", "drinks"]
STEP = 500


def amount(rng: random.Random) -> int:
    """An amount as shops have it, or one at an edge."""
    return rng.choice(
        (0, 1, 2, 3, 99, 100, 999, 1000, rng.randrange(1, 50), rng.randrange(20_000), rng.randrange(10**9))
    )


def percent(rng: random.Random) -> int:
    """Hundredths of a per cent."""
    return rng.choice((0, 1, 50, 333, 1000, 2500, 3333, 5000, 9999, 10_000, rng.randrange(10_001)))


def make_line(rng: random.Random) -> Line:
    kind = rng.choice((TICKET, TICKET, TICKET, PRODUCT))
    event = rng.randrange(1, 4)
    return Line(
        unit_price_minor=amount(rng),
        quantity=1 if kind == TICKET else rng.choice((1, 2, 3, 7, 100)),
        tax_rate=rng.choice(RATES),
        tax_included=rng.random() < 0.5,
        kind=kind,
        event=event if kind == TICKET else None,
        starts_at=NOW + timedelta(days=10 * event) if kind == TICKET else None,
        ticket_type=rng.randrange(1, 6) if kind == TICKET else None,
        product=rng.randrange(1, 4) if kind == PRODUCT else None,
        variant=rng.randrange(1, 8) if kind == PRODUCT else None,
        event_category=rng.choice((None, 1, 2)) if kind == TICKET else None,
        lineage=frozenset(rng.sample(CATEGORIES, rng.randrange(3))) if kind == PRODUCT else frozenset(),
        open_price=kind == TICKET and rng.random() < 0.05,
    )


def make_scope(rng: random.Random) -> Scope:
    choice = rng.randrange(8)
    return Scope(
        kind=(TICKET, PRODUCT, "", "", "", "", "", "")[choice],
        events=frozenset((rng.randrange(1, 4),)) if choice == 2 else frozenset(),
        ticket_types=frozenset(rng.sample(range(1, 6), 2)) if choice in (3, 4) else frozenset(),
        products=frozenset((rng.randrange(1, 4),)) if choice in (3, 5) else frozenset(),
        event_categories=frozenset((1,)) if choice == 6 else frozenset(),
        product_categories=frozenset(("shirts",)) if choice == 6 else frozenset(),
    )


def make_discount(rng: random.Random, number: int) -> DiscountRule:
    kind = rng.choice((PERCENT, PERCENT, EACH, BUY_GET))
    return DiscountRule(
        id=number,
        name=f"Discount {number}",
        kind=kind,
        percent=0 if kind == EACH else percent(rng),
        amount_minor=amount(rng) if kind == EACH else 0,
        currency=rng.choice(("EUR", "EUR", "EUR", "USD")) if kind == EACH else "",
        least=rng.choice((1, 1, 2, 5, 10)),
        buy=rng.randrange(1, 4) if kind == BUY_GET else 0,
        get=rng.randrange(1, 3) if kind == BUY_GET else 0,
        days_before=rng.choice((None, None, 5, 15, 25)),
        valid_from=rng.choice((None, NOW - timedelta(days=1), NOW, NOW + timedelta(days=1))),
        valid_until=rng.choice((None, None, NOW + timedelta(days=1), NOW)),
        adds_up=rng.random() < 0.3,
        scope=make_scope(rng),
    )


def make_voucher(rng: random.Random) -> VoucherRule | None:
    kind = rng.choice((None, PERCENT, FIXED, FIXED, FIXED, FREE))
    if kind is None:
        return None
    return VoucherRule(
        id=1,
        code="SPRING",
        kind=kind,
        percent=percent(rng) if kind == PERCENT else 0,
        amount_minor=amount(rng) if kind == FIXED else 0,
        currency=rng.choice(("EUR", "EUR", "EUR", "USD")) if kind == FIXED else "",
        most_items=rng.choice((None, None, 1, 3)),
        adds_up=rng.random() < 0.7,
        scope=make_scope(rng),
    )


def make_fee(rng: random.Random, kind: str) -> FeeRule:
    return FeeRule(
        kind=kind,
        name=f"{kind.title()} fee",
        fixed_minor=rng.choice((0, 1, 49, 150)),
        percent=rng.choice(RATES[:7]),
        per=rng.choice(("ticket", "order")),
        passed_on=rng.random() < 0.7,
        tax_rate=rng.choice(RATES),
        tax_included=rng.random() < 0.5,
    )


def make_order(number: int) -> dict[str, Any]:
    """Everything that `price` takes, from one number."""
    rng = random.Random(number)
    lines = [make_line(rng) for _ in range(rng.choice((1, 1, 2, 3, 4, 6, 12)))]
    if rng.random() < 0.5:  # several admissions of one type, as people buy them
        lines += [lines[0]] * rng.choice((1, 2, 4, 9)) if lines[0].kind == TICKET else []
    return {
        "lines": lines,
        "discounts": [make_discount(rng, each) for each in range(1, rng.choice((1, 1, 2, 3, 5)) + 1)][
            : rng.randrange(6)
        ],
        "voucher": make_voucher(rng),
        "fees": [make_fee(rng, kind) for kind in ("service", "platform") if rng.random() < 0.4],
        "delivery_minor": rng.choice((0, 0, amount(rng))),
        "delivery_tax_rate": rng.choice(RATES),
        "delivery_tax_included": rng.random() < 0.5,
        "currency": "EUR",
        "now": NOW,
    }


def half_up(exact: Fraction) -> int:
    return (exact + Fraction(1, 2)).__floor__()


def tax_of(minor: int, rate: Decimal, included: bool) -> int:
    part = Fraction(rate) / (100 + Fraction(rate)) if included else Fraction(rate) / 100
    return half_up(minor * part)


def breaches(order: dict[str, Any], rng: random.Random) -> list[str]:
    """What does not hold of this order's price; nothing if all is well."""
    priced = price(**order)
    found = _parts(order, priced)
    totals = priced.totals
    # The order of what is given does not matter.
    mixed = {**order, **{name: rng.sample(order[name], len(order[name])) for name in ("lines", "discounts", "fees")}}
    other = price(**mixed)
    if other.totals != totals or other.voucher_minor != priced.voucher_minor:
        found.append(f"another order of lines or rules gives {other.totals}, not {totals}")
    if _amounts(order["lines"], priced) != _amounts(mixed["lines"], other):
        found.append("another order of lines gives the lines other amounts")
    # A discount or voucher that is added makes nothing dearer; none at all is the dearest.
    if order["discounts"]:
        gone = rng.randrange(len(order["discounts"]))
        fewer = [rule for index, rule in enumerate(order["discounts"]) if index != gone]
        without = price(**{**order, "discounts": fewer}).totals
        if without.total_minor < totals.total_minor:
            found.append(f"discount {gone} raises the total from {without.total_minor} to {totals.total_minor}")
    if order["voucher"] is not None:
        without = price(**{**order, "voucher": None}).totals
        if without.total_minor < totals.total_minor:
            found.append(f"the voucher raises the total from {without.total_minor} to {totals.total_minor}")
        found += _voucher(order, priced)
    found += _best(order, priced)
    return found


def _parts(order: dict[str, Any], priced: PricedOrder) -> list[str]:
    """The parts sum to the whole, everything is rounded half up once, nothing is below 0."""
    found = []
    if len(priced.lines) != len(order["lines"]):
        return ["a line is lost"]
    for index, (line, one) in enumerate(zip(order["lines"], priced.lines, strict=True)):
        gross = line.unit_price_minor * line.quantity
        rest = gross - one.discount_minor
        if not 0 <= one.discount_minor <= gross:
            found.append(f"line {index}: discount {one.discount_minor} of {gross}")
        if sum(each.amount_minor for each in one.applied) != one.discount_minor:
            found.append(f"line {index}: what was applied does not sum to {one.discount_minor}")
        if any(each.amount_minor <= 0 for each in one.applied):
            found.append(f"line {index}: something was applied that took nothing off")
        if one.tax_minor != tax_of(rest, line.tax_rate, line.tax_included):
            found.append(f"line {index}: tax {one.tax_minor} of {rest}")
        if one.total_minor != rest + (0 if line.tax_included else one.tax_minor):
            found.append(f"line {index}: total {one.total_minor}")
    totals, lines = priced.totals, priced.lines
    added = sum(one.tax_minor for one in lines if not one.tax_included)
    fees = sum(fee.amount_minor for fee in priced.fees)
    sums = (
        totals.subtotal_minor == sum(one.unit_price_minor * one.quantity for one in lines),
        totals.discount_minor == sum(one.discount_minor for one in lines),
        totals.fees_minor == fees,
        totals.tax_minor
        == sum(one.tax_minor for one in lines) + sum(f.tax_minor for f in priced.fees) + priced.delivery_tax_minor,
        totals.total_minor
        == totals.subtotal_minor - totals.discount_minor + totals.fees_minor + totals.delivery_minor + added,
        min(totals.subtotal_minor, totals.discount_minor, totals.fees_minor, totals.tax_minor, totals.total_minor) >= 0,
        totals.total_minor >= totals.tax_minor,
    )
    found += [f"sum {index} of the totals is wrong: {totals}" for index, holds in enumerate(sums) if not holds]
    rate, included = order["delivery_tax_rate"], order["delivery_tax_included"]
    tax = tax_of(order["delivery_minor"], rate, included)
    if (totals.delivery_minor, priced.delivery_tax_minor) != (order["delivery_minor"] + (0 if included else tax), tax):
        found.append(f"delivery {totals.delivery_minor} with tax {priced.delivery_tax_minor}")
    expected = Counter(fee for rule in order["fees"] if (fee := _fee(order, priced, rule))[3])
    if expected != Counter(
        [(True, f.kind, f.name, f.amount_minor, f.tax_minor) for f in priced.fees]
        + [(False, f.kind, f.name, f.amount_minor, f.tax_minor) for f in priced.absorbed]
    ):
        found.append(f"fees {priced.fees}, {priced.absorbed}")
    return found


def _fee(order: dict[str, Any], priced: PricedOrder, rule: FeeRule) -> tuple[bool, str, str, int, int]:
    part = Fraction(rule.percent) / 100
    if rule.per == "ticket":
        kinds = [line.kind for line in order["lines"]]
        paid = [one for one, kind in zip(priced.lines, kinds, strict=True) if kind == TICKET and one.total_minor]
        minor = sum(rule.fixed_minor + half_up(one.total_minor * part) for one in paid)
    else:
        total = sum(one.total_minor for one in priced.lines)
        minor = rule.fixed_minor + half_up(total * part) if total else 0
    tax = tax_of(minor, rule.tax_rate, rule.tax_included)
    return rule.passed_on, rule.kind, rule.name, minor + (0 if rule.tax_included else tax), tax


def _amounts(lines: list[Line], priced: PricedOrder) -> Counter[Any]:
    return Counter(
        (str(line.identity()), one.discount_minor, one.tax_minor, one.total_minor)
        for line, one in zip(lines, priced.lines, strict=True)
    )


def _voucher(order: dict[str, Any], priced: PricedOrder) -> list[str]:
    """A fixed sum comes off whole, or as far as there is something left of what it covers."""
    voucher: VoucherRule = order["voucher"]
    if voucher.kind != FIXED or voucher.most_items is not None:
        return []
    if not voucher.adds_up and not priced.voucher_minor:
        return []  # the discounts were better
    if voucher.currency != order["currency"]:
        return [] if not priced.voucher_minor else ["a voucher in another currency took something off"]
    discounts = order["discounts"] if voucher.adds_up else []
    before = price(**{**order, "voucher": None, "discounts": discounts}).lines
    covered = [
        one.unit_price_minor * one.quantity - one.discount_minor
        for one, line in zip(before, order["lines"], strict=True)
        if voucher.scope.covers(line)
    ]
    expected = min(voucher.amount_minor, sum(covered))
    return [] if priced.voucher_minor == expected else [f"the voucher took {priced.voucher_minor}, not {expected}"]


def _best(order: dict[str, Any], priced: PricedOrder) -> list[str]:
    """A percentage is rounded half up once. Where no discounts add up and there is no voucher, each line has the best
    that one discount alone gives it."""
    found = []
    alone = [price(**{**order, "discounts": [rule], "voucher": None}).lines for rule in order["discounts"]]
    for rule, lines in zip(order["discounts"], alone, strict=True):
        if rule.kind == PERCENT:
            found += _percentage(f"discount {rule.id}", rule.percent, order["lines"], lines)
    voucher = order["voucher"]
    if voucher is not None and voucher.kind == PERCENT:
        lines = price(**{**order, "discounts": []}).lines
        found += _percentage("the voucher", voucher.percent, order["lines"], lines)
    if voucher is None and not any(rule.adds_up for rule in order["discounts"]):
        best = [max((one[index].discount_minor for one in alone), default=0) for index in range(len(priced.lines))]
        if best != [one.discount_minor for one in priced.lines]:
            found.append("a line has not got its best discount")
    return found


def _percentage(what: str, percent: int, lines: list[Line], priced: tuple[PricedLine, ...]) -> list[str]:
    found = []
    for line, one in zip(lines, priced, strict=True):
        gross = line.unit_price_minor * line.quantity
        # Of goods on one line a part may be covered only.
        wholes = {
            half_up(Fraction(gross * percent * count, 10_000 * line.quantity)) for count in range(line.quantity + 1)
        }
        if one.discount_minor not in wholes:
            found.append(f"{what}: {one.discount_minor} is not {percent / 100} % of {gross}")
    return found


def prove(first: int, count: int) -> list[tuple[int, str]]:
    """Check so many orders from a number on; return (number, what is wrong)."""
    found = []
    for number in range(first, first + count):
        rng = random.Random(-number - 1)
        found += [(number, what) for what in breaches(make_order(number), rng)]
    return found


def _prove(span: tuple[int, int]) -> list[tuple[int, str]]:
    return prove(*span)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=1_000_000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    wanted = parser.parse_args()
    end = wanted.first + wanted.orders
    spans = [(first, min(STEP, end - first)) for first in range(wanted.first, end, STEP)]
    began = time.perf_counter()
    found: list[tuple[int, str]] = []
    with multiprocessing.Pool(wanted.workers) as pool:
        for done, wrong in enumerate(pool.imap_unordered(_prove, spans), 1):
            found += wrong
            if done % 200 == 0:
                print(f"{min(done * STEP, wanted.orders):>9,} orders, {len(found)} breaches", flush=True)
    seconds = time.perf_counter() - began
    for number, what in sorted(found)[:20]:
        print(f"order {number}: {what}")
    result = {"pricing": {"orders": wanted.orders, "breaches": len(found), "seconds": round(seconds, 1)}}
    print("BENCH " + json.dumps(result))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
