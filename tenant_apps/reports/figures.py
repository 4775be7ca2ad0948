"""What orders give to the figures: reckoned from the orders and the ledger, kept per order, added up per day.

`refresh` makes the parts of some orders anew and moves the day's sums by the difference, in one statement under one
lock. So a message that comes twice, late or in another order changes nothing, and sums cannot drift from their parts.

How a movement of money is told of what was sold (decision 0042): an order is made of pieces (its lines, fees and
delivery), which sum to its total. A payment fills the pieces in proportion to their worth; the payment of the whole
total gives each piece exactly its worth. What was paid on top belongs to no piece. A refund takes that first, then
what is owed back for lines that were cancelled by themselves, in the order of their cancelling; the rest comes off all
pieces in proportion. Each split is a difference of cumulative whole-number quotients, so parts always sum to the
movement, and everything to the ledger.
"""

from collections.abc import Collection
from uuid import UUID

from django.db import transaction

from tenant_apps.reports.models import KEY, MEASURES
from tenants.context import current_tenant
from tenants.database import connection

# First key of the advisory lock under which a tenant's figures are written; the second is a hash of its schema.
LOCK = 7110
# So many orders at once are a statement of a second or so.
BATCH = 1000

_PIECES = """
    o AS (
        SELECT id, status, currency, channel, paid_at, total_minor, fees_minor, delivery_minor, tax_minor, rules,
               CASE WHEN jsonb_typeof(fees) = 'array' THEN fees ELSE '[]'::jsonb END AS fees,
               CASE WHEN jsonb_typeof(rules -> 'fees') = 'array' THEN rules -> 'fees' ELSE '[]'::jsonb END AS fee_rules
        FROM orders_order WHERE id = ANY (%(ids)s)
    ),
    line AS (
        SELECT o.id AS order_id, o.paid_at, o.currency, l.position AS place, l.kind,
               coalesce(l.event_id, 0) AS event_id, coalesce(l.ticket_type_id, l.variant_id, 0) AS item_id, l.tax_rate,
               l.total_minor AS worth, l.tax_minor AS tax, l.quantity, l.applied,
               o.status = 'paid' AND l.status = 'active' AS stands,
               l.unit_price_minor * l.quantity AS list_minor, l.discount_minor, l.cancelled_at,
               least(greatest(coalesce(l.returned_minor, 0), 0), l.total_minor) AS owed_back
        FROM o JOIN orders_orderline l ON l.order_id = o.id
        WHERE l.charged AND o.paid_at IS NOT NULL
    ),
    fee AS (
        SELECT o.id AS order_id, 100000 + f.place AS place, coalesce((f.fee ->> 'amount_minor')::bigint, 0) AS worth,
               coalesce((f.fee ->> 'tax_minor')::bigint, 0) AS tax, coalesce((
                   SELECT (r.rule ->> 'tax_rate')::numeric(5, 2) FROM jsonb_array_elements(o.fee_rules) AS r (rule)
                   WHERE r.rule ->> 'name' = f.fee ->> 'name' AND r.rule ->> 'kind' = f.fee ->> 'kind' LIMIT 1
               ), 0) AS tax_rate
        FROM o CROSS JOIN LATERAL jsonb_array_elements(o.fees) WITH ORDINALITY AS f (fee, place)
        WHERE o.paid_at IS NOT NULL
    ),
    told AS (
        SELECT o.id AS order_id, coalesce(l.worth, 0) AS lines, coalesce(l.tax, 0) AS lines_tax,
               coalesce(f.worth, 0) AS fees, coalesce(f.tax, 0) AS fees_tax
        FROM o
        LEFT JOIN (SELECT order_id, sum(worth) AS worth, sum(tax) AS tax FROM line GROUP BY 1) l ON l.order_id = o.id
        LEFT JOIN (SELECT order_id, sum(worth) AS worth, sum(tax) AS tax FROM fee GROUP BY 1) f ON f.order_id = o.id
    ),
    piece AS (
        SELECT order_id, place, kind, event_id, item_id, tax_rate, worth::numeric, tax::numeric, owed_back::numeric,
               cancelled_at
        FROM line
        UNION ALL
        SELECT order_id, place, 'fee', 0, 0, tax_rate, worth, tax, 0, NULL FROM fee
        UNION ALL
        SELECT o.id, 200000, 'fee', 0, 0, 0, o.fees_minor - t.fees, 0, 0, NULL
        FROM o JOIN told t ON t.order_id = o.id WHERE o.paid_at IS NOT NULL AND o.fees_minor <> t.fees
        UNION ALL
        SELECT o.id, 200001, 'delivery', 0, 0, coalesce((o.rules ->> 'delivery_tax_rate')::numeric(5, 2), 0),
               o.delivery_minor, greatest(o.tax_minor - t.lines_tax - t.fees_tax, 0), 0, NULL
        FROM o JOIN told t ON t.order_id = o.id WHERE o.paid_at IS NOT NULL AND o.delivery_minor > 0
        UNION ALL
        SELECT o.id, 200002, 'other', 0, 0, 0, o.total_minor - t.lines - o.fees_minor - o.delivery_minor, 0, 0, NULL
        FROM o JOIN told t ON t.order_id = o.id
        WHERE o.paid_at IS NOT NULL AND o.total_minor <> t.lines + o.fees_minor + o.delivery_minor
    ),
"""

# Where each piece lies: on the order's total, among what is owed back, and on what is left then.
_PLACED = """
    placed AS (
        SELECT p.*, sum(worth) OVER by_place AS worth_to, sum(worth - owed_back) OVER by_place AS rest_to,
               sum(owed_back) OVER (PARTITION BY order_id ORDER BY cancelled_at NULLS LAST, place) AS owed_to,
               sum(owed_back) OVER (PARTITION BY order_id) AS owed
        FROM piece p WINDOW by_place AS (PARTITION BY order_id ORDER BY place)
    ),
    entry AS (
        SELECT l.order_id, l.at, l.kind, l.currency, o.total_minor::numeric AS total,
               l.currency = o.currency AND o.paid_at IS NOT NULL AS own,
               greatest(sum(l.amount_minor) FILTER (WHERE l.kind = 'payment') OVER all_of - o.total_minor, 0) AS excess,
               sum(CASE WHEN l.kind = 'refund' THEN -l.amount_minor ELSE l.amount_minor END) OVER so_far AS hi,
               CASE WHEN l.kind = 'refund' THEN -l.amount_minor ELSE l.amount_minor END AS size
        FROM o JOIN payments_ledgerentry l ON l.order_id = o.id
        WINDOW all_of AS (PARTITION BY l.order_id, l.currency),
               so_far AS (PARTITION BY l.order_id, l.currency, l.kind ORDER BY l.at, l.id ROWS UNBOUNDED PRECEDING)
    ),
    span AS (
        SELECT *, hi - size AS lo, coalesce(excess, 0) AS on_top FROM entry
    ),
"""


def _share(x: str) -> str:
    """How much of the first `x` of the money that came in, of fees or of disputes is a piece's."""
    to, start = f"div({x} * p.worth_to, s.total)", f"div({x} * (p.worth_to - p.worth), s.total)"
    return f"(CASE WHEN s.total > 0 THEN {to} - {start} ELSE 0 END)"


def _filled(x: str) -> str:
    """The same of money that came in: what is more than the total is no piece's."""
    return _share(f"least({x}, s.total)")


def _back(x: str) -> str:
    """How much of the first `x` of the money that went back was a piece's."""
    beyond = f"greatest({x} - s.on_top, 0)"
    owed = f"least(greatest({beyond} - (p.owed_to - p.owed_back), 0), p.owed_back)"
    rest = f"greatest({beyond} - p.owed, 0)"
    left = "(s.total - p.owed)"
    spread = (
        f"CASE WHEN {left} > 0 THEN div({rest} * p.rest_to, {left})"
        f" - div({rest} * (p.rest_to - p.worth + p.owed_back), {left}) ELSE 0 END"
    )
    return f"({owed} + {spread})"


def _taxed(amount: str) -> str:
    """The tax in so much of a piece."""
    return f"(CASE WHEN p.worth > 0 THEN div({amount} * p.tax, p.worth) ELSE 0 END)"


_SPLIT = f"""
    split AS (
        SELECT s.order_id, s.at, s.kind AS movement, p.kind, p.event_id, p.item_id, p.tax_rate, s.currency,
               CASE s.kind WHEN 'payment' THEN {_filled("s.hi")} - {_filled("s.lo")}
                           WHEN 'refund' THEN {_back("s.hi")} - {_back("s.lo")}
                           ELSE {_share("s.hi")} - {_share("s.lo")} END AS amount,
               CASE s.kind WHEN 'payment' THEN {_taxed(_filled("s.hi"))} - {_taxed(_filled("s.lo"))}
                           WHEN 'refund' THEN {_taxed(_back("s.hi"))} - {_taxed(_back("s.lo"))} ELSE 0 END AS tax
        FROM span s JOIN placed p ON p.order_id = s.order_id WHERE s.own
    ),
    moved AS (
        SELECT order_id, at, movement, kind, event_id, item_id, tax_rate, currency, amount, tax FROM split
        UNION ALL
        SELECT s.order_id, s.at, s.kind, 'other', 0, 0, 0, s.currency, s.size - coalesce(t.amount, 0), 0
        FROM (SELECT order_id, at, kind, currency, sum(size) AS size FROM span GROUP BY 1, 2, 3, 4) s
        LEFT JOIN (SELECT order_id, at, movement, currency, sum(amount) AS amount FROM split GROUP BY 1, 2, 3, 4) t
          ON t.order_id = s.order_id AND t.at = s.at AND t.movement = s.kind AND t.currency = s.currency
        WHERE s.size <> coalesce(t.amount, 0)
    ),
"""  # noqa: S608  (expressions of this module)

_ALL = """
    sold AS (
        SELECT order_id, paid_at AS at, kind, event_id, item_id, tax_rate, currency, '' AS name,
               (row_number() OVER (PARTITION BY order_id ORDER BY place) = 1)::int AS orders,
               (row_number() OVER (PARTITION BY order_id, event_id ORDER BY place) = 1)::int AS event_orders,
               quantity, CASE WHEN stands THEN 0 ELSE quantity END AS cancelled, list_minor, discount_minor
        FROM line
    ),
    cheaper AS (
        SELECT l.order_id, l.paid_at AS at, a.kind, l.event_id, l.item_id, l.tax_rate, l.currency,
               left(a.name, 150) AS name,
               (row_number() OVER (PARTITION BY l.order_id, a.kind, a.name ORDER BY l.place) = 1)::int AS orders,
               (row_number() OVER (PARTITION BY l.order_id, l.event_id, a.kind, a.name ORDER BY l.place) = 1)::int
                   AS event_orders,
               l.quantity, l.list_minor, a.amount_minor AS discount_minor, l.worth AS gross_minor
        FROM line l CROSS JOIN LATERAL jsonb_to_recordset(
            CASE WHEN jsonb_typeof(l.applied) = 'array' THEN l.applied ELSE '[]'::jsonb END
        ) AS a (kind text, name text, amount_minor bigint)
        WHERE l.stands AND a.kind IN ('discount', 'voucher', 'complimentary')
    ),
    given AS (
        SELECT order_id, at, kind, event_id, item_id, tax_rate, currency, name, orders, event_orders, quantity,
               cancelled, list_minor, discount_minor, 0::numeric AS gross_minor, 0::numeric AS refunded_minor,
               0::numeric AS fees_minor, 0::numeric AS adjustments_minor, 0::numeric AS tax_minor,
               0::numeric AS tax_back_minor
        FROM sold
        UNION ALL
        SELECT order_id, at, kind, event_id, item_id, tax_rate, currency, name, orders, event_orders, quantity, 0,
               list_minor, discount_minor, gross_minor, 0, 0, 0, 0, 0
        FROM cheaper
        UNION ALL
        SELECT order_id, at, kind, event_id, item_id, tax_rate, currency, '', 0, 0, 0, 0, 0, 0,
               CASE movement WHEN 'payment' THEN amount ELSE 0 END, CASE movement WHEN 'refund' THEN amount ELSE 0 END,
               CASE movement WHEN 'fee' THEN -amount ELSE 0 END, CASE movement WHEN 'adjustment' THEN amount ELSE 0 END,
               CASE movement WHEN 'payment' THEN tax ELSE 0 END, CASE movement WHEN 'refund' THEN tax ELSE 0 END
        FROM moved WHERE amount <> 0
    ),
"""

_KEY, _MEASURES = ", ".join(KEY), ", ".join(MEASURES)
_SUMS = ", ".join(f"sum({name}) AS {name}" for name in MEASURES)

_WRITE = f"""
    fresh AS (
        SELECT g.order_id, (g.at AT TIME ZONE %(zone)s)::date AS day,
               (g.at AT TIME ZONE coalesce(e.timezone, %(zone)s))::date AS event_day, g.kind, g.event_id, g.item_id,
               o.channel, g.currency, g.tax_rate, g.name, {", ".join(f"sum(g.{name}) AS {name}" for name in MEASURES)}
        FROM given g JOIN o ON o.id = g.order_id LEFT JOIN events_event e ON e.id = g.event_id
        GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
    ),
    gone AS (
        DELETE FROM reports_part WHERE order_id = ANY (%(ids)s) RETURNING *
    ),
    kept AS (
        INSERT INTO reports_part (order_id, {_KEY}, {_MEASURES}) SELECT order_id, {_KEY}, {_MEASURES} FROM fresh
    ),
    difference AS (
        SELECT {_KEY}, {_SUMS} FROM (
            SELECT {_KEY}, {_MEASURES} FROM fresh
            UNION ALL
            SELECT {_KEY}, {", ".join(f"-{name}" for name in MEASURES)} FROM gone
        ) AS both_sides
        GROUP BY {_KEY} HAVING {" OR ".join(f"sum({name}) <> 0" for name in MEASURES)}
    )
    INSERT INTO reports_day AS d ({_KEY}, {_MEASURES}) SELECT {_KEY}, {_MEASURES} FROM difference ORDER BY {_KEY}
    ON CONFLICT ({_KEY}) DO UPDATE SET {", ".join(f"{name} = d.{name} + excluded.{name}" for name in MEASURES)}
"""  # noqa: S608  (names of columns)

REFRESH = f"WITH {_PIECES} {_PLACED} {_SPLIT} {_ALL} {_WRITE}"


def lock(*, wait: bool = True) -> bool:
    """Let nobody else write this tenant's figures until the transaction ends. Without `wait`: False if one does."""
    function = "pg_advisory_xact_lock" if wait else "pg_try_advisory_xact_lock"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(%s, hashtext(%s))", [LOCK, connection.schema_name])
        return cursor.fetchone()[0] is not False


def refresh(orders: Collection[UUID], *, wait: bool = True) -> None:
    """Make the figures of these orders what their rows say now; two statements a batch.

    One at a time in a tenant: who comes second sees what the first has written, or, without `wait`, does nothing.
    """
    wanted = sorted(orders)
    zone = current_tenant().timezone
    for start in range(0, len(wanted), BATCH):
        with transaction.atomic(), connection.cursor() as cursor:
            if not lock(wait=wait):
                return
            cursor.execute(REFRESH, {"ids": wanted[start : start + BATCH], "zone": zone})
