"""What stands on an invoice or a credit note: plain JSON, made once when it is issued (M6). Pure functions.

Amounts are minor units of the order's currency. A line's `total` contains its `tax`.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from shared_apps.core.money import allocate

Line = dict[str, Any]
VERSION = 1


def line(
    key: str,
    title: str,
    *,
    total: int,
    tax: int,
    rate: Decimal | None = None,
    quantity: int = 1,
    unit: int | None = None,
    discount: int = 0,
) -> Line:
    """One line. `key` tells it apart within the order; without a rate the one that the amounts show is taken."""
    return {
        "key": key,
        "title": title,
        "quantity": quantity,
        "unit": total if unit is None else unit,
        "discount": discount,
        "rate": _plain(shown_rate(total, tax) if rate is None else rate),
        "tax": tax,
        "total": total,
    }


def shown_rate(total: int, tax: int) -> Decimal:
    """The percentage that a contained tax amounts to, to two digits."""
    net = total - tax
    if not tax or net <= 0:
        return Decimal(0)
    return (Decimal(tax) * 100 / net).quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)


def _plain(rate: Decimal) -> str:
    return f"{rate.normalize():f}"


def taxes(lines: Iterable[Line]) -> list[dict[str, Any]]:
    """The tax summary: net, tax and gross of each rate, the lowest first. Each column adds up to the lines' sum."""
    rates: dict[Decimal, dict[str, Any]] = {}
    for each in lines:
        row = rates.setdefault(Decimal(each["rate"]), {"rate": each["rate"], "net": 0, "tax": 0, "gross": 0})
        row["gross"] += each["total"]
        row["tax"] += each["tax"]
        row["net"] += each["total"] - each["tax"]
    return [rates[rate] for rate in sorted(rates)]


def document(
    *,
    kind: str,
    number: str,
    issued_on: date,
    currency: str,
    language: str,
    order: str,
    seller: Mapping[str, Any],
    buyer: Mapping[str, Any],
    lines: Sequence[Line],
    paid_on: date | None = None,
    corrects: str = "",
) -> dict[str, Any]:
    """Everything on the paper."""
    return {
        "version": VERSION,
        "kind": kind,
        "number": number,
        "issued_on": issued_on.isoformat(),
        "paid_on": paid_on.isoformat() if paid_on else None,
        "corrects": corrects,
        "order": order,
        "currency": currency,
        "language": language,
        "seller": dict(seller),
        "buyer": dict(buyer),
        "lines": list(lines),
        "taxes": taxes(lines),
        "tax": sum(each["tax"] for each in lines),
        "total": sum(each["total"] for each in lines),
    }


def credited(lines: Sequence[Line], notes: Iterable[Mapping[str, Any]]) -> list[Line]:
    """What is left of an invoice's lines after these credit notes, with the totals and taxes that are left."""
    total: dict[str, int] = {}
    tax: dict[str, int] = {}
    for note in notes:
        for each in note["lines"]:
            total[each["key"]] = total.get(each["key"], 0) + each["total"]
            tax[each["key"]] = tax.get(each["key"], 0) + each["tax"]
    return [
        {
            **each,
            "total": each["total"] - total.get(each["key"], 0),
            "tax": each["tax"] - tax.get(each["key"], 0),
            "whole": (each["total"], each["tax"]),
        }
        for each in lines
    ]


def take_back(left: Sequence[Line], amount: int, promised: Mapping[str, int] | None = None) -> list[Line]:
    """Part an amount that goes back over what is left of an invoice's lines.

    What was cancelled comes first, each line up to what was `promised` for it in all, then every line. Parts follow
    from what is left by largest remainder, so they sum to the amount (M5); never more than is left. The tax goes in
    step with the total: who takes a line back bit by bit takes back exactly its tax.
    """
    rooms = [each["total"] for each in left]
    first = [_still_promised(each, promised or {}) for each in left]
    parts = [0] * len(left)
    for weights in (first, rooms):
        # The second time around, what the first took is gone.
        weights = [min(weight, room - part) for weight, room, part in zip(weights, rooms, parts, strict=True)]
        take = min(amount - sum(parts), sum(weights))
        if take > 0:
            parts = [one + more for one, more in zip(parts, allocate(take, weights), strict=True)]
    return [_part(each, part) for each, part in zip(left, parts, strict=True) if part]


def _still_promised(left: Line, promised: Mapping[str, int]) -> int:
    given = left["whole"][0] - left["total"]
    return max(0, promised.get(left["key"], 0) - given)


def _part(left: Line, part: int) -> Line:
    whole_total, whole_tax = left["whole"]
    before = whole_total - left["total"]
    tax_then = Decimal(whole_tax) * (before + part) / whole_total
    tax = int(tax_then.quantize(Decimal(1), rounding=ROUND_HALF_UP)) - (whole_tax - left["tax"])
    all_of_it = part == whole_total
    return {
        "key": left["key"],
        "title": left["title"],
        "quantity": left["quantity"] if all_of_it else 1,
        "unit": left["unit"] if all_of_it else part,
        "discount": left["discount"] if all_of_it else 0,
        "rate": left["rate"],
        "tax": tax,
        "total": part,
    }
