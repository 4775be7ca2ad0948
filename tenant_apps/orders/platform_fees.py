"""What the platform has of each paid ticket. An order keeps the fee that held when it was made (M6), and what a plan
costs later changes nothing about it. Sales at the counter carry none: their rules hold no fees."""

from datetime import datetime
from decimal import Decimal

from shared_apps.billing.fees import Sums, reckoned_by
from shared_apps.core.money import share
from tenant_apps.orders.models import Order, OrderLine
from tenants.database import connection

KIND = "platform"
# One percentage and one rounding for each ticket (M5); numeric rounds half away from zero, and nothing is below it.
_OF_TIME = """
SELECT o.currency, count(*), sum(l.total_minor),
    sum(round(l.total_minor * (f.rule ->> 'percent')::numeric / 100) + (f.rule ->> 'fixed_minor')::bigint)
FROM orders_order o
JOIN LATERAL jsonb_array_elements(o.rules -> 'fees') AS f (rule) ON f.rule ->> 'kind' = %s
JOIN orders_orderline l ON l.order_id = o.id AND l.kind = %s AND l.charged AND l.total_minor > 0
WHERE o.paid_at >= %s AND o.paid_at < %s
GROUP BY o.currency
"""


def of_order(order: Order) -> int:
    """Return the platform's part of an order, in minor units; of its tickets, as it was made."""
    rules = [rule for rule in order.rules.get("fees", ()) if rule["kind"] == KIND]
    if not rules:
        return 0
    lines = order.lines.filter(kind=OrderLine.Kind.TICKET, charged=True, total_minor__gt=0)
    paid = list(lines.values_list("total_minor", flat=True))
    return sum(int(rule["fixed_minor"]) + share(total, Decimal(rule["percent"])) for rule in rules for total in paid)


def in_time(begins: datetime, ends: datetime) -> dict[str, Sums]:
    """Return what the tickets cost that were paid then, and the platform's part of it, by currency; also of tickets
    that were given back since."""
    with connection.cursor() as cursor:
        cursor.execute(_OF_TIME, [KIND, OrderLine.Kind.TICKET, begins, ends])
        return {currency: Sums(tickets, int(gross), int(fee)) for currency, tickets, gross, fee in cursor.fetchall()}


reckoned_by(in_time)
