"""What reports have to say, found without them: by SQL over the ledger and the orders, and by plain arithmetic.

Nothing here imports a report. Sums of money by day, channel, provider and currency are SQL over the ledger alone. What
a payment or refund was for is reckoned by `split`, order by order and movement by movement, from decision 0042's words.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

MONEY = ("gross", "refunded", "fees", "adjustments")


class Piece(NamedTuple):
    """Something that an order's total is made of."""

    kind: str
    event: int
    item: int
    rate: str
    worth: int
    tax: int
    owed_back: int
    ended_at: datetime | None


def ledger_sums(cursor: Any, zone: str, *, by: str) -> dict[Any, dict[str, int]]:
    """Sums of the ledger alone by (group, currency); `by` is SQL on the ledger l and its order o."""
    cursor.execute(
        f"""
        SELECT {by}, l.currency,
               coalesce(sum(l.amount_minor) FILTER (WHERE l.kind = 'payment'), 0)::bigint,
               -coalesce(sum(l.amount_minor) FILTER (WHERE l.kind = 'refund'), 0)::bigint,
               -coalesce(sum(l.amount_minor) FILTER (WHERE l.kind = 'fee'), 0)::bigint,
               coalesce(sum(l.amount_minor) FILTER (WHERE l.kind = 'adjustment'), 0)::bigint,
               sum(l.amount_minor)::bigint
        FROM payments_ledgerentry l JOIN orders_order o ON o.id = l.order_id GROUP BY 1, 2
        """,
        {"zone": zone},
    )
    return {(row[0], row[1]): dict(zip((*MONEY, "net"), row[2:], strict=True)) for row in cursor.fetchall()}


def by_day(cursor: Any, zone: str) -> dict[Any, dict[str, int]]:
    return ledger_sums(cursor, zone, by="(l.at AT TIME ZONE %(zone)s)::date")


def by_month(cursor: Any, zone: str) -> dict[Any, dict[str, int]]:
    return ledger_sums(cursor, zone, by="date_trunc('month', l.at AT TIME ZONE %(zone)s)::date")


def by_channel(cursor: Any, zone: str) -> dict[Any, dict[str, int]]:
    return ledger_sums(cursor, zone, by="o.channel")


def by_provider(cursor: Any, zone: str) -> dict[Any, dict[str, int]]:
    return ledger_sums(cursor, zone, by="l.provider || ' ' || coalesce(l.account_id::text, '')")


def sold(cursor: Any) -> dict[Any, tuple[int, ...]]:
    """Pieces, of which cancelled, by (kind, event, item, currency): of orders that were paid."""
    cursor.execute(
        """
        SELECT l.kind, coalesce(l.event_id, 0), coalesce(l.ticket_type_id, l.variant_id), o.currency, sum(l.quantity),
               sum(l.quantity) FILTER (WHERE l.status <> 'active' OR o.status <> 'paid')
        FROM orders_orderline l JOIN orders_order o ON o.id = l.order_id
        WHERE o.paid_at IS NOT NULL AND l.charged GROUP BY 1, 2, 3, 4
        """
    )
    return {tuple(row[:4]): (int(row[4]), int(row[5] or 0)) for row in cursor.fetchall()}


def cheaper(cursor: Any) -> dict[Any, tuple[int, ...]]:
    """Orders, pieces, list price, discount and price by (kind, name, currency): of what stands in paid orders."""
    cursor.execute(
        """
        SELECT a ->> 'kind', a ->> 'name', o.currency, count(DISTINCT o.id), sum(l.quantity),
               sum(l.unit_price_minor * l.quantity), sum((a ->> 'amount_minor')::bigint), sum(l.total_minor)
        FROM orders_order o JOIN orders_orderline l ON l.order_id = o.id, jsonb_array_elements(l.applied) AS a
        WHERE o.status = 'paid' AND l.status = 'active' AND l.charged GROUP BY 1, 2, 3
        """
    )
    return {tuple(row[:3]): tuple(map(int, row[3:])) for row in cursor.fetchall()}


def attendance(cursor: Any) -> dict[int, tuple[int, int]]:
    """Good tickets, and how many of them were let in, by event."""
    cursor.execute(
        """
        SELECT event_id, count(*), count(*) FILTER (WHERE id IN (
            SELECT ticket_id FROM ticketing_checkin
            WHERE result = 'admitted' AND direction = 'in' AND undone_at IS NULL))
        FROM ticketing_ticket WHERE status IN ('active', 'used', 'expired') GROUP BY 1
        """
    )
    return {row[0]: (row[1], row[2]) for row in cursor.fetchall()}


def customers(cursor: Any) -> dict[str, tuple[int, int, int]]:
    """People, orders and what they ordered for, by currency: of orders that were paid."""
    cursor.execute(
        "SELECT currency, count(DISTINCT lower(email)), count(*), sum(total_minor) FROM orders_order"
        " WHERE paid_at IS NOT NULL AND email <> '' GROUP BY 1"
    )
    return {row[0]: (row[1], row[2], int(row[3])) for row in cursor.fetchall()}


# --- What money was for -------------------------------------------------------------------------------------------


def part_of(x: int, weights: Sequence[int]) -> list[int]:
    """The first x of the sum of the weights, parted in their proportion: differences of running whole quotients."""
    total, parts, run, before = sum(weights), [], 0, 0
    for weight in weights:
        run += weight
        reached = abs(x * run) // total * (1 if x * run >= 0 else -1) if total > 0 else 0
        parts.append(reached - before)
        before = reached
    return parts


def pieces_of(order: dict[str, Any], lines: list[dict[str, Any]]) -> list[Piece]:
    """What an order that was paid is made of."""
    if order["paid_at"] is None:
        return []
    found = [
        Piece(
            line["kind"], line["event_id"] or 0, line["ticket_type_id"] or line["variant_id"] or 0,
            str(line["tax_rate"]), line["total_minor"], line["tax_minor"],
            min(max(line["returned_minor"] or 0, 0), line["total_minor"]), line["cancelled_at"],
        )
        for line in lines
    ]  # fmt: skip
    lines_tax, lines_worth = sum(piece.tax for piece in found), sum(piece.worth for piece in found)
    rates = {(rule["kind"], rule["name"]): rule["tax_rate"] for rule in order["rules"].get("fees") or []}
    fees = [
        Piece("fee", 0, 0, rates.get((fee["kind"], fee["name"]), "0"), fee["amount_minor"], fee["tax_minor"], 0, None)
        for fee in order["fees"]
    ]
    fees_tax = sum(fee.tax for fee in fees)
    if rest := order["fees_minor"] - sum(fee.worth for fee in fees):
        fees.append(Piece("fee", 0, 0, "0", rest, 0, 0, None))
    found += fees
    if order["delivery_minor"] > 0:
        tax = max(0, order["tax_minor"] - lines_tax - fees_tax)
        rate = order["rules"].get("delivery_tax_rate") or "0"
        found.append(Piece("delivery", 0, 0, rate, order["delivery_minor"], tax, 0, None))
    if rest := order["total_minor"] - lines_worth - order["fees_minor"] - order["delivery_minor"]:
        found.append(Piece("other", 0, 0, "0", rest, 0, 0, None))
    return found


def split(
    order: dict[str, Any], pieces: list[Piece], moves: list[tuple[datetime, str, int, str]]
) -> Iterator[tuple[datetime, str, str, Piece | None, int, int]]:
    """Tell each movement of an order's money of its pieces: when, what, currency, piece or none, amount, its tax."""
    worths, total = [piece.worth for piece in pieces], order["total_minor"]
    came = sum(amount for _at, kind, amount, currency in moves if kind == "payment" and currency == order["currency"])
    on_top = max(0, came - total)
    owed = sum(piece.owed_back for piece in pieces)
    far = datetime.max.replace(tzinfo=ZoneInfo("UTC"))
    queue = sorted(range(len(pieces)), key=lambda place: (pieces[place].ended_at or far, place))
    has: dict[str, list[int]] = defaultdict(lambda: [0] * len(pieces))
    run: Counter[tuple[str, str]] = Counter()
    for at, kind, amount, currency in moves:
        size = -amount if kind == "refund" else amount
        if currency != order["currency"] or not pieces or total <= 0:
            yield at, kind, currency, None, size, 0
            continue
        run[kind, currency] += size
        now = run[kind, currency]
        if kind == "refund":
            left = max(0, now - on_top)
            wanted = [0] * len(pieces)
            for place in queue:
                wanted[place] = min(left, pieces[place].owed_back)
                left -= wanted[place]
            if left and total > owed:
                rest = part_of(left, [piece.worth - piece.owed_back for piece in pieces])
                wanted = [one + more for one, more in zip(wanted, rest, strict=True)]
        else:
            wanted = part_of(min(now, total) if kind == "payment" else now, worths)
        given = 0
        for place, piece in enumerate(pieces):
            before, after = has[kind][place], wanted[place]
            has[kind][place] = after
            given += after - before
            tax = 0
            if kind in ("payment", "refund") and piece.worth > 0:
                tax = _whole(after * piece.tax, piece.worth) - _whole(before * piece.tax, piece.worth)
            yield at, kind, currency, piece, after - before, tax
        if size != given:
            yield at, kind, currency, None, size - given, 0


def _whole(number: int, divisor: int) -> int:
    return abs(number) // divisor * (1 if number >= 0 else -1)


def told(cursor: Any, zone: str) -> dict[Any, list[int]]:
    """All movements by (day, the event's day, kind, event, item, channel, currency, rate): gross, refunded, fees,
    adjustments, tax in gross, tax in refunded."""
    names = {"payment": 0, "refund": 1, "fee": 2, "adjustment": 3}
    cursor.execute("SELECT id, timezone FROM events_event")
    zones = {pk: ZoneInfo(name) for pk, name in cursor.fetchall()}
    own = ZoneInfo(zone)
    lines: dict[Any, list[dict[str, Any]]] = defaultdict(list)
    for line in _rows(
        cursor,
        "SELECT order_id, kind, event_id, ticket_type_id, variant_id, tax_rate, total_minor, tax_minor, returned_minor,"
        " cancelled_at FROM orders_orderline WHERE charged ORDER BY order_id, position",
    ):
        lines[line["order_id"]].append(line)
    moves: dict[Any, list[tuple[datetime, str, int, str]]] = defaultdict(list)
    cursor.execute("SELECT order_id, at, kind, amount_minor, currency FROM payments_ledgerentry ORDER BY at, id")
    for order, at, kind, amount, currency in cursor.fetchall():
        moves[order].append((at, kind, amount, currency))
    sums: dict[Any, list[int]] = defaultdict(lambda: [0] * 6)
    statement = (
        "SELECT id, channel, currency, paid_at, total_minor, fees_minor, delivery_minor, tax_minor, fees, rules"
        " FROM orders_order"
    )
    for order in _rows(cursor, statement):
        order |= {name: _parsed(order[name]) for name in ("fees", "rules")}
        pieces = pieces_of(order, lines[order["id"]])
        for at, kind, currency, piece, amount, tax in split(order, pieces, moves[order["id"]]):
            day = at.astimezone(own).date()
            event = piece.event if piece else 0
            there = at.astimezone(zones.get(event, own)).date()
            key = (
                day, there, piece.kind if piece else "other", event, piece.item if piece else 0, order["channel"],
                currency, float(piece.rate) if piece else 0.0,
            )  # fmt: skip
            found = sums[key]
            found[names[kind]] += -amount if kind == "fee" else amount
            if kind in ("payment", "refund"):
                found[4 if kind == "payment" else 5] += tax
    return {key: found for key, found in sums.items() if any(found)}


def _parsed(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value


def _rows(cursor: Any, statement: str) -> list[dict[str, Any]]:
    cursor.execute(statement)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def span(cursor: Any) -> tuple[date, date] | None:
    """The first and the last day on which anything happened, with a day on either side for zones; None if nothing."""
    cursor.execute(
        "SELECT min(at)::date - 1, max(at)::date + 1 FROM (SELECT at FROM payments_ledgerentry UNION ALL"
        " SELECT paid_at FROM orders_order WHERE paid_at IS NOT NULL) AS moments"
    )
    first, last = cursor.fetchone()
    return None if first is None else (first, last)
