"""What discounts and vouchers did in paid orders, by name and currency: read from what the orders keep (M6)."""

from dataclasses import dataclass
from datetime import date

from shared_apps.core.clock import day_bounds
from tenants.context import current_tenant
from tenants.database import connection


@dataclass(frozen=True, slots=True)
class Row:
    """One discount or voucher in orders that were paid in the time. Amounts in minor units of `currency`: `gross` is
    the list price of what it made cheaper, `off` what it took off, `net` what these tickets and goods cost then."""

    kind: str
    name: str
    currency: str
    orders: int
    quantity: int
    gross_minor: int
    off_minor: int
    net_minor: int


def promotions(*, since: date, until: date) -> list[Row]:
    """Return a row for each name and currency, from the beginning of `since` to the end of `until` in the tenant's time
    zone; one statement. Cancelled lines count no more."""
    zone = current_tenant().timezone
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT a.kind, a.name, o.currency, count(DISTINCT o.id), sum(l.quantity),
                   sum(l.unit_price_minor * l.quantity), sum(a.amount_minor), sum(l.total_minor)
            FROM orders_order o
            JOIN orders_orderline l ON l.order_id = o.id AND l.status = 'active'
            CROSS JOIN LATERAL jsonb_to_recordset(l.applied) AS a(kind text, name text, amount_minor bigint)
            WHERE o.status = 'paid' AND o.paid_at >= %s AND o.paid_at < %s
            GROUP BY 1, 2, 3 ORDER BY 3, 7 DESC, 1, 2
            """,
            [day_bounds(since, zone)[0], day_bounds(until, zone)[1]],
        )
        return [Row(*row[:3], *map(int, row[3:])) for row in cursor.fetchall()]
