"""Whether the figures are what the ledger and the orders say (P8): beside the other promises of `invariants.py`.

Only orders that the figures have to know by now are asked about: their messages are delivered, their rows are older
than the catch-up, and the first build is done. What is on its way is no breach.
"""

DAYS = """
    SELECT format('%s %s event %s item %s %s: the day has %s, its orders %s', k.day, k.kind, k.event_id, k.item_id,
                  k.currency, k.of_day, k.of_parts)
    FROM (
        SELECT day, event_day, kind, event_id, item_id, channel, currency, tax_rate, name,
               sum(sign * (gross_minor + 3 * refunded_minor + 7 * fees_minor + 11 * adjustments_minor + 13 * tax_minor
                   + 17 * tax_back_minor + 19 * list_minor + 23 * discount_minor + 29 * quantity + 31 * cancelled
                   + 37 * orders + 41 * event_orders)) AS difference,
               sum(gross_minor) FILTER (WHERE sign = 1) AS of_day, sum(gross_minor) FILTER (WHERE sign = -1) AS of_parts
        FROM (
            SELECT 1 AS sign, day, event_day, kind, event_id, item_id, channel, currency, tax_rate, name, gross_minor,
                   refunded_minor, fees_minor, adjustments_minor, tax_minor, tax_back_minor, list_minor, discount_minor,
                   quantity, cancelled, orders, event_orders
            FROM reports_day
            UNION ALL
            SELECT -1, day, event_day, kind, event_id, item_id, channel, currency, tax_rate, name, gross_minor,
                   refunded_minor, fees_minor, adjustments_minor, tax_minor, tax_back_minor, list_minor, discount_minor,
                   quantity, cancelled, orders, event_orders
            FROM reports_part
        ) AS both_sides
        GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9
    ) AS k WHERE k.difference <> 0
"""

# Orders that something is still to be told of: an open message of their own or of one of their payments.
_ON_ITS_WAY = """
    SELECT substr(m.aggregate, 14)::uuid AS order_id FROM activity_outboxmessage m
    WHERE m.delivered_at IS NULL AND m.aggregate LIKE 'orders.order:%'
    UNION
    SELECT p.order_id FROM activity_outboxmessage m JOIN payments_payment p ON p.id::text = substr(m.aggregate, 18)
    WHERE m.delivered_at IS NULL AND m.aggregate LIKE 'payments.payment:%'
    UNION
    SELECT p.order_id FROM activity_outboxmessage m JOIN payments_dispute d ON d.id::text = substr(m.aggregate, 18)
    JOIN payments_payment p ON p.id = d.payment_id
    WHERE m.delivered_at IS NULL AND m.aggregate LIKE 'payments.dispute:%'
"""

LEDGER = f"""
    WITH way AS ({_ON_ITS_WAY})
    SELECT format('order %s in %s on %s: ledger %s in, %s back, %s kept; figures %s, %s, %s', m.order_id, m.currency,
                  m.day, m.came, m.went, m.rest, m.gross, m.refunded, m.other)
    FROM (
        SELECT order_id, day, currency, sum(came) AS came, sum(went) AS went, sum(rest) AS rest, sum(gross) AS gross,
               sum(refunded) AS refunded, sum(other) AS other
        FROM (
            SELECT l.order_id, (l.at AT TIME ZONE b.zone)::date AS day, l.currency,
                   CASE WHEN l.kind = 'payment' THEN l.amount_minor ELSE 0 END AS came,
                   CASE WHEN l.kind = 'refund' THEN -l.amount_minor ELSE 0 END AS went,
                   CASE WHEN l.kind IN ('fee', 'adjustment') THEN l.amount_minor ELSE 0 END AS rest,
                   0 AS gross, 0 AS refunded, 0 AS other
            FROM payments_ledgerentry l JOIN reports_state b ON b.built_at IS NOT NULL
            UNION ALL
            SELECT p.order_id, p.day, p.currency, 0, 0, 0, p.gross_minor, p.refunded_minor,
                   p.adjustments_minor - p.fees_minor
            FROM reports_part p JOIN reports_state b ON b.built_at IS NOT NULL
            WHERE p.kind NOT IN ('discount', 'voucher', 'complimentary')
        ) AS both_sides
        GROUP BY 1, 2, 3
    ) AS m
    JOIN orders_order o ON o.id = m.order_id
    WHERE (m.came, m.went, m.rest) IS DISTINCT FROM (m.gross, m.refunded, m.other)
      AND o.modified_at < now() - interval '1 hour'
      AND NOT EXISTS (
          SELECT FROM payments_ledgerentry l JOIN reports_state b ON true
          WHERE l.order_id = m.order_id
            AND to_timestamp(('x' || translate(left(l.id::text, 13), '-', ''))::bit(48)::bigint / 1000.0)
                > least(b.seen_until, now() - interval '1 hour')
      )
      AND m.order_id NOT IN (SELECT order_id FROM way)
"""  # noqa: S608  (a statement of this module)
