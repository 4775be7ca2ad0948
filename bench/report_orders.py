"""Orders by the hundred thousand, with all that happens to money: written by statements over generated rows.

Every kind of end is among them: paid, expired, cancelled; paid twice, too late, in another currency; refunded in whole,
in part, by the line; fees of providers, disputes; discounts and vouchers; taxes in and on top of prices; goods with
delivery; events in other zones than the tenant's, and days on which clocks change. The same seed gives the same orders.
"""

# ruff: noqa: E501  (statements are read beside each other, clause by clause)

from typing import Any

# Zones with whole, half and three-quarter hours, some with summer time.
ZONES = ("Europe/Berlin", "Asia/Tokyo", "America/New_York", "Pacific/Chatham", "Asia/Kathmandu", "Europe/London")
CURRENCIES = ("EUR", "JPY", "KWD")
EVENTS = 18
DAYS = 700

_SETUP = """
    CREATE OR REPLACE FUNCTION pg_temp.id_at(moment timestamptz, salt text) RETURNS uuid LANGUAGE sql AS $$
        SELECT (lpad(to_hex((extract(epoch FROM moment) * 1000)::bigint), 12, '0') || '7' || substr(md5(salt), 1, 3)
                || '8' || substr(md5(salt), 4, 15))::uuid
    $$;
    CREATE OR REPLACE FUNCTION pg_temp.draw(number bigint, what text) RETURNS double precision LANGUAGE sql IMMUTABLE AS $$
        SELECT ('x' || substr(md5(number || what), 1, 8))::bit(32)::bigint / 4294967296.0
    $$;
"""

_ORDERS = """
    CREATE TEMPORARY TABLE gen_order AS
    SELECT i, pg_temp.id_at(placed, 'order' || i) AS id, placed, placed + interval '3 minutes' AS paid,
           CASE WHEN pg_temp.draw(i, 'status') < 0.04 THEN 'pending' WHEN pg_temp.draw(i, 'status') < 0.08 THEN 'expired'
                WHEN pg_temp.draw(i, 'status') < 0.16 THEN 'cancelled' ELSE 'paid' END AS status,
           (array['EUR', 'JPY', 'KWD'])[1 + i %% 3] AS currency, (i %% 3)::int AS pool,
           (array['web', 'web', 'web', 'box_office', 'import'])[1 + (pg_temp.draw(i, 'channel') * 5)::int %% 5] AS channel,
           1 + (pg_temp.draw(i, 'lines') * pg_temp.draw(i, 'more') * 4)::int AS lines,
           pg_temp.draw(i, 'off') < 0.3 AS cheaper, pg_temp.draw(i, 'code') < 0.1 AS by_code,
           pg_temp.draw(i, 'fee') < 0.3 AS with_fee, pg_temp.draw(i, 'free') < 0.03 AS free,
           (array['manual', 'cash', 'stripe', 'stripe', 'stripe', 'test'])[1 + (pg_temp.draw(i, 'by') * 6)::int %% 6]
               AS provider
    FROM (
        SELECT i, date_trunc('second', %(start)s::timestamptz + pg_temp.draw(i, 'at') * %(days)s * interval '1 day')
            AS placed
        FROM generate_series(1, %(count)s) AS i
    ) drawn;
    CREATE TEMPORARY TABLE gen_line AS
    SELECT o.i, o.id AS order_id, n AS place, o.pool, o.currency,
           CASE WHEN n > 1 AND pg_temp.draw(o.i * 10 + n, 'goods') < 0.35 THEN 'product' ELSE 'ticket' END AS kind,
           CASE WHEN pg_temp.draw(o.i, 'both') < 0.2 THEN n ELSE 1 END AS other, o.free, o.cheaper, o.by_code,
           o.status, o.paid,
           pg_temp.draw(o.i * 10 + n, 'price') AS price, pg_temp.draw(o.i * 10 + n, 'type') AS type,
           pg_temp.draw(o.i, 'event') AS event, pg_temp.draw(o.i * 10 + n, 'rate') AS rate,
           pg_temp.draw(o.i * 10 + n, 'ends') AS ends
    FROM gen_order o CROSS JOIN LATERAL generate_series(1, o.lines) AS n;
    CREATE TEMPORARY TABLE gen_priced AS
    SELECT l.*, base + CASE WHEN included THEN 0 ELSE tax END AS total FROM (
        SELECT l.*, list - off AS base,
               CASE WHEN included THEN round((list - off) * tax_rate / (100 + tax_rate))
                    ELSE round((list - off) * tax_rate / 100) END::bigint AS tax
        FROM (
            SELECT l.*, unit * quantity AS list,
                   CASE WHEN cheaper THEN round(unit * quantity * 0.15)::bigint ELSE 0 END AS by_discount,
                   CASE WHEN by_code THEN least(unit * quantity - CASE WHEN cheaper THEN round(unit * quantity * 0.15)
                        ELSE 0 END, 137)::bigint ELSE 0 END AS by_voucher,
                   CASE WHEN cheaper THEN round(unit * quantity * 0.15)::bigint ELSE 0 END
                   + CASE WHEN by_code THEN least(unit * quantity - CASE WHEN cheaper THEN round(unit * quantity * 0.15)
                     ELSE 0 END, 137)::bigint ELSE 0 END AS off
            FROM (
                SELECT l.*, CASE WHEN free THEN 0 ELSE 100 + (price * 9000)::bigint END AS unit,
                       CASE WHEN kind = 'product' THEN 1 + (type * 3)::int ELSE 1 END AS quantity,
                       (array[0, 7, 19, 20, 5.5])[1 + (rate * 5)::int %% 5]::numeric AS tax_rate, rate < 0.7 AS included,
                       1 + pool + 3 * (((event * 6)::int + other) %% 6) AS event_no, 1 + (type * 3)::int %% 3 AS type_no
                FROM gen_line l
            ) l
        ) l
    ) l;
    ALTER TABLE gen_order ADD PRIMARY KEY (id);
    CREATE INDEX ON gen_priced (order_id);
    ANALYZE gen_order; ANALYZE gen_priced;
"""

# Lines of orders that go on and that end by themselves, and what is owed back for them.
_WRITE = """
    CREATE TEMPORARY TABLE gen_sum AS
    SELECT o.*, s.subtotal, s.off, s.added, s.tax::bigint AS lines_tax, s.total::bigint AS lines_total, s.goods,
           CASE WHEN o.with_fee AND s.total > 0 THEN 150 ELSE 0 END AS fee,
           CASE WHEN o.with_fee AND s.total > 0 THEN 24 ELSE 0 END AS fee_tax,
           CASE WHEN s.goods AND NOT o.free THEN 490 ELSE 0 END AS delivery,
           CASE WHEN s.goods AND NOT o.free THEN 78 ELSE 0 END AS delivery_tax
    FROM gen_order o JOIN (
        SELECT order_id, sum(list) AS subtotal, sum(off) AS off, sum(tax) AS tax,
               sum(CASE WHEN included THEN 0 ELSE tax END) AS added, sum(total) AS total, bool_or(kind = 'product') AS goods
        FROM gen_priced GROUP BY 1
    ) s ON s.order_id = o.id;
    INSERT INTO orders_order (id, code, secret, status, email, name, language, channel, currency, subtotal_minor,
        discount_minor, fees_minor, tax_minor, delivery_minor, total_minor, refunded_minor, fees, rules, delivery,
        created_at, modified_at, paid_at)
    SELECT id, 'G' || i, 'secret' || i, status, 'buyer' || (pg_temp.draw(i, 'who') * %(people)s)::int || '@example.test',
           '', 'en', channel, currency, subtotal, off, fee, lines_tax + fee_tax + delivery_tax, delivery,
           lines_total + fee + delivery, 0,
           CASE WHEN fee > 0 THEN jsonb_build_array(jsonb_build_object('kind', 'service', 'name', 'Service',
                'amount_minor', fee, 'tax_minor', fee_tax)) ELSE '[]' END,
           jsonb_build_object('delivery_tax_rate', '19.00', 'fees', jsonb_build_array(jsonb_build_object(
               'kind', 'service', 'name', 'Service', 'tax_rate', '19.00'))),
           CASE WHEN delivery > 0 THEN jsonb_build_object('method', 'Courier', 'kind', 'courier') ELSE '{}' END,
           placed, paid, CASE WHEN status IN ('paid', 'cancelled') THEN paid END
    FROM gen_sum;
    CREATE TEMPORARY TABLE gen_ended AS
    SELECT p.order_id, p.place, p.paid + (1 + p.ends * 20) * interval '1 day' AS at,
           (p.total * CASE WHEN p.ends < 0.03 THEN 1 ELSE 0.5 END)::bigint AS back
    FROM gen_priced p JOIN gen_sum s ON s.id = p.order_id
    WHERE p.status = 'paid' AND p.ends < 0.06 AND s.lines > 1 AND p.place = 2 AND p.total > 1;
    CREATE INDEX ON gen_ended (order_id);
    ANALYZE gen_ended; ANALYZE gen_sum;
    INSERT INTO ticketing_ticket (id, event_id, ticket_type_id, token, short_code, status, holder_name, holder_email,
        price_minor, currency, seat)
    SELECT pg_temp.id_at(p.paid, 'ticket' || p.i || '-' || p.place), e.id, t.id, md5('token' || p.i || '-' || p.place)::uuid,
           'G' || p.i || '-' || p.place, CASE WHEN p.status = 'cancelled' OR d.place IS NOT NULL THEN 'cancelled'
           WHEN p.rate < 0.8 THEN 'used' ELSE 'active' END, '', '', p.total, p.currency, ''
    FROM gen_priced p JOIN gen_event e ON e.number = p.event_no JOIN gen_type t ON t.event_id = e.id AND t.number = p.type_no
    LEFT JOIN gen_ended d ON d.order_id = p.order_id AND d.place = p.place
    WHERE p.kind = 'ticket' AND p.status IN ('paid', 'cancelled');
    INSERT INTO orders_orderline (id, order_id, position, kind, status, event_id, ticket_type_id, variant_id, fulfilment,
        ticket_id, quotas, title, quantity, unit_price_minor, discount_minor, applied, tax_rate, tax_included, tax_minor,
        total_minor, attendee_name, attendee_email, cancelled_at, released_minor, returned_minor)
    SELECT pg_temp.id_at(p.paid, 'line' || p.i || '-' || p.place), p.order_id, p.place, p.kind,
           CASE WHEN p.status = 'cancelled' OR d.place IS NOT NULL THEN 'cancelled' ELSE 'active' END,
           CASE WHEN p.kind = 'ticket' THEN e.id END, CASE WHEN p.kind = 'ticket' THEN t.id END,
           CASE WHEN p.kind = 'product' THEN v.id END,
           CASE WHEN p.kind = 'product' THEN (array['unpacked', 'packed', 'shipped', 'delivered'])[1 + (p.rate * 4)::int %% 4]
                ELSE '' END,
           CASE WHEN p.kind = 'ticket' AND p.status IN ('paid', 'cancelled')
                THEN pg_temp.id_at(p.paid, 'ticket' || p.i || '-' || p.place) END,
           '{}', 'Line', p.quantity, p.unit, p.off,
           CASE WHEN p.by_discount > 0 THEN jsonb_build_array(jsonb_build_object('kind', 'discount', 'name', 'Early',
                'amount_minor', p.by_discount)) ELSE '[]' END
           || CASE WHEN p.by_voucher > 0 THEN jsonb_build_array(jsonb_build_object('kind', 'voucher', 'name',
                'CODE' || p.i %% 7, 'amount_minor', p.by_voucher)) ELSE '[]' END,
           p.tax_rate, p.included, p.tax, p.total, '', '', d.at,
           CASE WHEN d.place IS NOT NULL THEN p.total END, d.back
    FROM gen_priced p JOIN gen_event e ON e.number = p.event_no JOIN gen_type t ON t.event_id = e.id AND t.number = p.type_no
    JOIN gen_variant v ON v.pool = p.pool AND v.number = p.type_no
    LEFT JOIN gen_ended d ON d.order_id = p.order_id AND d.place = p.place;
    INSERT INTO ticketing_checkin (id, check_in_list_id, ticket_id, scan_id, result, reason, direction, scanned_at)
    SELECT pg_temp.id_at(k.at, 'scan' || k.id), c.id, k.id, 'scan' || k.id, 'admitted', '', 'in', k.at
    FROM (SELECT t.*, %(start)s::timestamptz AS at FROM ticketing_ticket t WHERE t.status = 'used') k
    JOIN ticketing_checkinlist c ON c.event_id = k.event_id;
"""

# Money: (number in the order, payment or not, kind, when, amount, currency), and refunds bound to their payment.
_MONEY = """
    CREATE TEMPORARY TABLE gen_pay AS
    SELECT id AS order_id, i, 1 AS no, paid AS at, lines_total + fee + delivery AS amount, currency, provider
    FROM gen_sum WHERE status IN ('paid', 'cancelled') AND lines_total + fee + delivery > 0
    UNION ALL  -- paid twice
    SELECT id, i, 2, paid + interval '7 minutes', lines_total + fee + delivery, currency, 'manual'
    FROM gen_sum WHERE status = 'paid' AND lines_total + fee + delivery > 0 AND pg_temp.draw(i, 'twice') < 0.01
    UNION ALL  -- in another currency
    SELECT id, i, 3, paid - interval '2 minutes', 777, CASE currency WHEN 'EUR' THEN 'JPY' ELSE 'EUR' END, 'manual'
    FROM gen_sum WHERE status = 'paid' AND pg_temp.draw(i, 'foreign') < 0.005
    UNION ALL  -- too late
    SELECT id, i, 4, paid + interval '1 day', lines_total + fee + delivery, currency, 'manual'
    FROM gen_sum WHERE status = 'expired' AND lines_total + fee + delivery > 0 AND pg_temp.draw(i, 'late') < 0.3;
    CREATE TEMPORARY TABLE gen_back AS
    SELECT order_id, i, no, at + interval '5 minutes' AS at, amount, 1 AS part FROM gen_pay WHERE no > 1
    UNION ALL  -- lines that ended
    SELECT d.order_id, o.i, 1, d.at + interval '1 minute', d.back, 10
    FROM gen_ended d JOIN gen_order o ON o.id = d.order_id JOIN gen_pay p ON p.order_id = d.order_id AND p.no = 1
    WHERE d.back > 0
    UNION ALL  -- whole orders that ended: all of it, half of it, nothing
    SELECT p.order_id, p.i, 1, p.at + (pg_temp.draw(p.i, 'when') * 30) * interval '1 day',
           CASE WHEN pg_temp.draw(p.i, 'half') < 0.7 THEN p.amount ELSE p.amount / 2 END, 20
    FROM gen_pay p JOIN gen_order o ON o.id = p.order_id
    WHERE p.no = 1 AND o.status = 'cancelled' AND pg_temp.draw(p.i, 'half') < 0.9
    UNION ALL  -- by amount, once or thrice
    SELECT p.order_id, p.i, 1, p.at + part * interval '30 hours', greatest(1, p.amount / (7 + part)), 30 + part
    FROM gen_pay p JOIN gen_order o ON o.id = p.order_id
    CROSS JOIN LATERAL generate_series(1, CASE WHEN pg_temp.draw(p.i, 'thrice') < 0.3 THEN 3 ELSE 1 END) AS part
    WHERE p.no = 1 AND o.status = 'paid' AND p.amount > 30 AND pg_temp.draw(p.i, 'part') < 0.05
      AND p.order_id NOT IN (SELECT order_id FROM gen_ended);
    DELETE FROM gen_back WHERE amount <= 0;
    CREATE INDEX ON gen_back (order_id);
    CREATE INDEX ON gen_pay (order_id);
    ANALYZE gen_back; ANALYZE gen_pay;
    INSERT INTO payments_payment (id, order_id, provider, account_id, reference, status, amount_minor, currency,
        captured_minor, refunding_minor, refunded_minor, created_at)
    SELECT pg_temp.id_at(p.at, 'pay' || p.i || '-' || p.no), p.order_id, p.provider,
           CASE p.provider WHEN 'stripe' THEN %(live)s::uuid WHEN 'test' THEN %(test)s::uuid END,
           'pay' || p.i || '-' || p.no, 'succeeded', p.amount, p.currency, p.amount, 0,
           coalesce((SELECT sum(b.amount) FROM gen_back b WHERE b.order_id = p.order_id AND b.no = p.no), 0), p.at
    FROM gen_pay p;
    INSERT INTO payments_refund (id, payment_id, status, amount_minor, currency, reason, reference, created_at)
    SELECT pg_temp.id_at(b.at, 'back' || b.i || '-' || b.no || '-' || b.part), pg_temp.id_at(p.at, 'pay' || p.i || '-' || p.no),
           'succeeded', b.amount, p.currency, '', 'back' || b.i || '-' || b.no || '-' || b.part, b.at
    FROM gen_back b JOIN gen_pay p ON p.order_id = b.order_id AND p.no = b.no;
    INSERT INTO payments_ledgerentry (id, at, kind, provider, account_id, reference, order_id, amount_minor, currency)
    SELECT pg_temp.id_at(at, kind || reference), at, kind, provider,
           CASE provider WHEN 'stripe' THEN %(live)s::uuid WHEN 'test' THEN %(test)s::uuid END, reference, order_id, amount,
           currency
    FROM (
        SELECT at, 'payment' AS kind, provider, 'pay' || i || '-' || no AS reference, order_id, amount, currency FROM gen_pay
        UNION ALL
        SELECT b.at, 'refund', p.provider, 'back' || b.i || '-' || b.no || '-' || b.part, b.order_id, -b.amount, p.currency
        FROM gen_back b JOIN gen_pay p ON p.order_id = b.order_id AND p.no = b.no
        UNION ALL
        SELECT at, 'fee', provider, 'pay' || i || '-' || no, order_id, -(amount * 29 / 1000 + 30), currency
        FROM gen_pay WHERE provider = 'stripe'
        UNION ALL  -- some of it comes back with a refund
        SELECT b.at, 'fee', p.provider, 'back' || b.i || '-' || b.no || '-' || b.part, b.order_id, 1 + b.amount * 29 / 1000,
               p.currency
        FROM gen_back b JOIN gen_pay p ON p.order_id = b.order_id AND p.no = b.no WHERE p.provider = 'stripe'
        UNION ALL  -- disputes: taken, and half of them given back
        SELECT at + turn * interval '9 days', 'adjustment', provider, 'dispute' || i || '-' || turn, order_id,
               CASE turn WHEN 1 THEN -amount ELSE amount END, currency
        FROM gen_pay CROSS JOIN LATERAL generate_series(1, CASE WHEN pg_temp.draw(i, 'won') < 0.5 THEN 2 ELSE 1 END) AS turn
        WHERE provider = 'stripe' AND no = 1 AND pg_temp.draw(i, 'dispute') < 0.01
    ) moves WHERE amount <> 0;
    UPDATE orders_order o SET refunded_minor = least(o.total_minor, b.back) FROM (
        SELECT order_id, sum(amount) AS back FROM gen_back WHERE no = 1 GROUP BY 1
    ) b WHERE b.order_id = o.id;
    UPDATE catalog_variant v SET held = c.held, sold = c.sold FROM (
        SELECT l.variant_id, coalesce(sum(l.quantity) FILTER (WHERE o.status = 'pending'), 0) AS held,
               coalesce(sum(l.quantity) FILTER (WHERE o.status = 'paid'), 0) AS sold
        FROM orders_orderline l JOIN orders_order o ON o.id = l.order_id
        WHERE l.status = 'active' AND l.variant_id IS NOT NULL GROUP BY 1
    ) c WHERE c.variant_id = v.id;
    ANALYZE orders_order; ANALYZE orders_orderline; ANALYZE payments_ledgerentry; ANALYZE ticketing_ticket;
    ANALYZE ticketing_checkin;
"""


def generate(cursor: Any, count: int, *, start: str = "2024-11-01T00:00:00Z", days: int = DAYS) -> None:
    """Write so many orders with all that hangs on them into the present tenant's schema."""
    live, test = _things(cursor, start)
    cursor.execute(_SETUP)
    cursor.execute("SET statement_timeout = '10min'")
    values = {"count": count, "start": start, "days": days, "people": max(20, count // 4), "live": live, "test": test}
    for statement in (_ORDERS, _WRITE, _MONEY):
        cursor.execute(statement, values)
    cursor.execute("DROP TABLE gen_order, gen_line, gen_priced, gen_sum, gen_ended, gen_pay, gen_back")
    cursor.execute("DROP TABLE gen_event, gen_type, gen_variant")
    cursor.execute("RESET statement_timeout")


def _things(cursor: Any, start: str) -> tuple[Any, Any]:
    """Events, ticket types, goods and accounts, by the product's own models; their ids are kept for the statements."""
    from datetime import datetime, timedelta

    from tenant_apps.catalog.models import Product, ProductVariant
    from tenant_apps.events.models import Event
    from tenant_apps.payments.models import ProviderAccount
    from tenant_apps.ticketing.models import CheckInList, TicketType

    begin = datetime.fromisoformat(start)
    cursor.execute("CREATE TEMPORARY TABLE gen_event (id bigint, number int)")
    cursor.execute("CREATE TEMPORARY TABLE gen_type (id bigint, event_id bigint, number int)")
    cursor.execute("CREATE TEMPORARY TABLE gen_variant (id bigint, pool int, number int)")
    for number in range(1, EVENTS + 1):
        event = Event.objects.create(
            slug=f"generated-{number}", title=f"Generated {number}", status="published",
            starts_at=begin + timedelta(days=number * 37), timezone=ZONES[number % len(ZONES)],
            currency=CURRENCIES[(number - 1) % 3],
        )  # fmt: skip
        CheckInList.objects.create(event=event, name="Door")
        cursor.execute("INSERT INTO gen_event VALUES (%s, %s)", [event.pk, number])
        for kind in range(1, 4):
            made = TicketType.objects.create(event=event, name=f"Kind {kind}", price_minor=100)
            cursor.execute("INSERT INTO gen_type VALUES (%s, %s, %s)", [made.pk, event.pk, kind])
    for pool, currency in enumerate(CURRENCIES):
        product = Product.objects.create(slug=f"mug-{pool}", name="Mug", currency=currency, price_minor=100)
        for number in range(1, 4):
            variant = ProductVariant.objects.create(product=product, name=f"Size {number}", capacity=None)
            cursor.execute("INSERT INTO gen_variant VALUES (%s, %s, %s)", [variant.pk, pool, number])
    live, test = (ProviderAccount.objects.create(provider="stripe", live=live, sealed=b"") for live in (True, False))
    return live.pk, test.pk
