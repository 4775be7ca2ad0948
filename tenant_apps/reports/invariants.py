"""What must hold, asked of the rows themselves (P8). Reads only; a breach is reported, never mended.

Each check is one statement that returns a line of text for every breach, so an empty answer means that the
promise is kept. They run inside the tenant's schema, in one snapshot, since a sale between two statements would
look like a breach.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from django.db import connection, transaction

from tenant_apps.reports import figure_checks, standing_checks
from tenants.context import in_public, in_tenant
from tenants.models import Tenant


class Breach(NamedTuple):
    """One promise that is not kept: its number in the invariants, and what was found."""

    invariant: str
    found: str


class Check(NamedTuple):
    """One promise as a statement that returns a text for every row that breaks it."""

    invariant: str
    promise: str
    statement: str


TENANT_CHECKS = (
    Check(
        "M1",
        "sold + held stay within the capacity",
        """
        SELECT format('quota %s (%s): held %s + sold %s of %s', id, name, held, sold, coalesce(capacity::text, 'any'))
        FROM ticketing_quota WHERE held < 0 OR sold < 0 OR held + sold > capacity
        """,
    ),
    Check(
        "M1",
        "counters equal the places that orders claimed and carts hold",
        """
        SELECT format('quota %s (%s): counts held %s, sold %s; orders have held %s, sold %s; carts hold %s, offers %s,'
                      ' vouchers %s',
                      q.id, q.name, q.held, q.sold, coalesce(r.held, 0), coalesce(r.sold, 0), coalesce(c.held, 0),
                      coalesce(w.held, 0), coalesce(k.kept, 0))
        FROM ticketing_quota q LEFT JOIN (
            SELECT quota_id, sum(reserved) AS kept FROM promo_voucher WHERE quota_id IS NOT NULL GROUP BY quota_id
        ) k ON k.quota_id = q.id LEFT JOIN (
            SELECT claimed.quota, sum(e.held) AS held
            FROM orders_waiting e CROSS JOIN LATERAL unnest(e.quotas) AS claimed(quota)
            WHERE e.held > 0 GROUP BY claimed.quota
        ) w ON w.quota = q.id LEFT JOIN (
            SELECT claimed.quota,
                   coalesce(sum(l.quantity) FILTER (WHERE o.status = 'pending'), 0) AS held,
                   coalesce(sum(l.quantity) FILTER (WHERE o.status = 'paid'), 0) AS sold
            FROM orders_orderline l
            JOIN orders_order o ON o.id = l.order_id
            CROSS JOIN LATERAL unnest(l.quotas) AS claimed(quota)
            WHERE l.status = 'active' AND o.status IN ('pending', 'paid')
            GROUP BY claimed.quota
        ) r ON r.quota = q.id
        LEFT JOIN (
            SELECT p.quota::bigint AS quota, sum(p.places::int) AS held
            FROM orders_cartline CROSS JOIN LATERAL jsonb_each_text(places) AS p(quota, places) GROUP BY p.quota
        ) c ON c.quota = q.id
        WHERE q.held <> coalesce(r.held, 0) + coalesce(c.held, 0) + coalesce(w.held, 0) + coalesce(k.kept, 0)
           OR q.sold <> coalesce(r.sold, 0)
        """,
    ),
    Check(
        "M1",
        "counters equal the pieces of goods that orders claimed and did not bring back, and carts hold",
        """
        SELECT format('variant %s (%s): counts held %s, sold %s; orders have held %s, sold %s; carts hold %s',
                      v.id, v.sku, v.held, v.sold, coalesce(r.held, 0), coalesce(r.sold, 0), coalesce(c.held, 0))
        FROM catalog_variant v LEFT JOIN (
            SELECT l.variant_id,
                   coalesce(sum(l.quantity) FILTER (WHERE o.status = 'pending'), 0) AS held,
                   coalesce(sum(l.quantity) FILTER (WHERE o.status = 'paid'), 0) AS sold
            FROM orders_orderline l
            JOIN orders_order o ON o.id = l.order_id
            WHERE l.status = 'active' AND l.fulfilment <> 'returned' AND l.variant_id IS NOT NULL
              AND o.status IN ('pending', 'paid')
            GROUP BY l.variant_id
        ) r ON r.variant_id = v.id
        LEFT JOIN (
            SELECT variant_id, sum(pieces) AS held FROM orders_cartline WHERE variant_id IS NOT NULL GROUP BY variant_id
        ) c ON c.variant_id = v.id
        WHERE v.held <> coalesce(r.held, 0) + coalesce(c.held, 0) OR v.sold <> coalesce(r.sold, 0)
        """,
    ),
    Check(
        "M4",
        "a voucher counts the orders that have it, and no more than it may",
        """
        SELECT format('voucher %s: counts %s of %s, orders have %s', v.code, v.used, coalesce(v.max_uses::text, 'any'),
                      coalesce(u.uses, 0))
        FROM promo_voucher v LEFT JOIN (
            SELECT voucher_id, count(*) AS uses FROM promo_use WHERE given_back_at IS NULL GROUP BY voucher_id
        ) u ON u.voucher_id = v.id
        WHERE v.used <> coalesce(u.uses, 0) OR v.used > v.max_uses OR v.reserved < 0
        """,
    ),
    Check(
        "M4",
        "a use is given back if and only if its order ended unpaid or was cancelled in full",
        """
        SELECT format('order %s: %s, its use of voucher %s %s given back', o.code, o.status, u.voucher_id,
                      CASE WHEN u.given_back_at IS NULL THEN 'is not' ELSE 'is' END)
        FROM promo_use u JOIN orders_order o ON o.id = u.order_id
        WHERE (u.given_back_at IS NULL) <> (o.status IN ('pending', 'paid'))
        """,
    ),
    Check(
        "M5",
        "an order's total is its lines - discount + fees + delivery + tax that was added to prices, never below 0",
        """
        SELECT format('order %s: total %s, lines %s', o.code, o.total_minor, coalesce(r.subtotal, 0))
        FROM orders_order o LEFT JOIN (
            SELECT order_id, sum(unit_price_minor * quantity) AS subtotal, sum(discount_minor) AS discount,
                   sum(tax_minor) FILTER (WHERE NOT tax_included) AS added
            FROM orders_orderline WHERE charged GROUP BY order_id
        ) r ON r.order_id = o.id
        WHERE o.total_minor < 0 OR o.subtotal_minor <> coalesce(r.subtotal, 0)
           OR o.discount_minor < coalesce(r.discount, 0)
           OR o.total_minor <> o.subtotal_minor - o.discount_minor + o.fees_minor + o.delivery_minor
                               + coalesce(r.added, 0)
        """,
    ),
    Check(
        "M7",
        "refunds, done and in progress, stay within what was captured",
        """
        SELECT format('payment %s: captured %s, refunded %s, in progress %s', id, captured_minor, refunded_minor,
                      refunding_minor)
        FROM payments_payment
        WHERE refunded_minor < 0 OR refunding_minor < 0 OR refunded_minor + refunding_minor > captured_minor
        """,
    ),
    Check(
        "M7",
        "a payment's counters equal its refunds",
        """
        SELECT format('payment %s: counts refunded %s, in progress %s; refunds sum to %s and %s', p.id,
                      p.refunded_minor, p.refunding_minor, coalesce(r.done, 0), coalesce(r.open, 0))
        FROM payments_payment p LEFT JOIN (
            SELECT payment_id,
                   coalesce(sum(amount_minor) FILTER (WHERE status = 'succeeded'), 0) AS done,
                   coalesce(sum(amount_minor) FILTER (WHERE status = 'pending'), 0) AS open
            FROM payments_refund GROUP BY payment_id
        ) r ON r.payment_id = p.id
        WHERE p.refunded_minor <> coalesce(r.done, 0) OR p.refunding_minor <> coalesce(r.open, 0)
        """,
    ),
    Check(
        "M8",
        "the ledger of an order sums to what its payments captured and gave back",
        """
        SELECT format('order %s: ledger %s, payments %s', o.code, coalesce(l.balance, 0), coalesce(p.balance, 0))
        FROM orders_order o
        LEFT JOIN (
            SELECT order_id, sum(amount_minor) AS balance FROM payments_ledgerentry
            WHERE kind IN ('payment', 'refund') GROUP BY order_id
        ) l ON l.order_id = o.id
        LEFT JOIN (
            SELECT order_id, sum(captured_minor - refunded_minor) AS balance FROM payments_payment GROUP BY order_id
        ) p ON p.order_id = o.id
        WHERE coalesce(l.balance, 0) <> coalesce(p.balance, 0)
        """,
    ),
    Check(
        "M8",
        "every row of money has its order's currency, but for what came in another and is sent back",
        """
        SELECT format('%s %s: %s in an order in %s', m.what, m.id, m.currency, o.currency)
        FROM orders_order o JOIN (
            SELECT 'ledger entry' AS what, id::text, order_id, currency FROM payments_ledgerentry l WHERE NOT EXISTS
                (SELECT FROM payments_payment p WHERE p.order_id = l.order_id AND p.currency = l.currency)
            UNION ALL SELECT 'payment', id::text, order_id, currency FROM payments_payment
            WHERE captured_minor = 0 AND status <> 'failed' OR captured_minor > refunded_minor + refunding_minor
        ) m ON m.order_id = o.id WHERE m.currency <> o.currency
        """,
    ),
    Check(
        "M8",
        "an invoice comes to what its order costs, and its credit notes take back no more than that",
        """
        SELECT format('%s: invoiced %s, order %s costs %s, credited %s',
                      i.number, i.total_minor, o.code, o.total_minor, coalesce(n.total, 0))
        FROM orders_invoice i JOIN orders_order o ON o.id = i.order_id
        LEFT JOIN (
            SELECT corrects_id, sum(total_minor) AS total FROM orders_invoice GROUP BY corrects_id
        ) n ON n.corrects_id = i.id
        WHERE i.kind = 'invoice' AND (i.total_minor <> o.total_minor OR coalesce(n.total, 0) > i.total_minor)
        """,
    ),
    Check(
        "M8",
        "the counter of invoices stands at the last number that was given",
        """
        SELECT format('counted to %s, given up to %s', coalesce(c.last, 0), g.last)
        FROM (SELECT max(sequence) AS last FROM orders_invoice) g
        LEFT JOIN orders_counter c ON c.name = 'documents' WHERE coalesce(c.last, 0) <> coalesce(g.last, 0)
        """,
    ),
    Check(
        "O4",
        "a paid order has its money",
        """
        SELECT format('order %s: paid, captured %s of %s', o.code, coalesce(p.captured, 0), o.total_minor)
        FROM orders_order o LEFT JOIN (
            SELECT order_id, sum(captured_minor) AS captured FROM payments_payment GROUP BY order_id
        ) p ON p.order_id = o.id
        WHERE o.status = 'paid' AND coalesce(p.captured, 0) < o.total_minor
        """,
    ),
    Check(
        "O4",
        "a paid order has its tickets",
        """
        SELECT format('order %s: line %s has no ticket', o.code, l.position)
        FROM orders_order o JOIN orders_orderline l ON l.order_id = o.id
        WHERE o.status = 'paid' AND l.status = 'active' AND l.kind = 'ticket' AND l.ticket_id IS NULL
        """,
    ),
    Check(
        "O4",
        "no good ticket belongs to an unpaid order",
        """
        SELECT format('ticket %s: %s, but order %s is %s', t.short_code, t.status, o.code, o.status)
        FROM ticketing_ticket t
        JOIN orders_orderline l ON l.ticket_id = t.id
        JOIN orders_order o ON o.id = l.order_id
        WHERE t.status IN ('active', 'used') AND (o.status IN ('pending', 'expired') OR l.status <> 'active')
        """,
    ),
    Check(
        "T1",
        "a ticket code is unique",
        """
        SELECT format('token of ticket %s comes %s times', min(short_code), count(*))
        FROM ticketing_ticket GROUP BY token HAVING count(*) > 1
        """,
    ),
    Check(
        "T4",
        "of a ticket that was passed on only the last one is good",
        """
        SELECT format('ticket %s is %s, but it was passed on', t.short_code, t.status)
        FROM ticketing_handover h JOIN ticketing_ticket t ON t.id = h.old_id
        WHERE t.status IN ('active', 'used', 'revoked')
        """,
    ),
    Check(
        "T2",
        "a zone counts those who stand in it",
        """
        SELECT format('zone %s: %s inside, %s admissions stand', z.id, z.inside, coalesce(c.people, 0))
        FROM ticketing_zone z LEFT JOIN (
            SELECT zone_id, count(*) AS people FROM ticketing_checkin
            WHERE result = 'admitted' AND direction = 'in' AND undone_at IS NULL AND left_at IS NULL GROUP BY zone_id
        ) c ON c.zone_id = z.id
        WHERE z.inside <> coalesce(c.people, 0)
        """,
    ),
    Check(
        "T2",
        "at most one admission stands for a ticket and list",
        """
        SELECT format('ticket %s: %s admissions at list %s', ticket_id, count(*), check_in_list_id)
        FROM ticketing_checkin
        WHERE result = 'admitted' AND direction = 'in' AND undone_at IS NULL AND left_at IS NULL
          AND ticket_id IS NOT NULL
        GROUP BY ticket_id, check_in_list_id HAVING count(*) > 1
        """,
    ),
    Check(
        "E1", "an event's counters, with what waits for them, equal its likes and favourites", standing_checks.EVENTS
    ),
    Check("E1", "an event's stars, with what waits for them, are its reviews that are shown", standing_checks.STARS),
    Check(
        "E1", "a product's counters, with what waits for them, equal its likes and favourites", standing_checks.GOODS
    ),
    Check("M8", "the figures of a day are the sums of what its orders gave", figure_checks.DAYS),
    Check("M8", "the figures of an order are its ledger's, day by day", figure_checks.LEDGER),
)

# Schemas of tenants begin with t_; their names in answers are for operators only (N2).
CATALOG_CHECKS = (
    Check(
        "N3",
        "no table is both in public and in a tenant's schema",
        """
        SELECT format('table %s is in public and in %s schema(s), such as %s', c.relname, count(*), min(n.nspname))
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname LIKE 't\\_%' AND c.relkind IN ('r', 'p') AND c.relname <> 'django_migrations'
          AND EXISTS (SELECT 1 FROM pg_class p WHERE p.relname = c.relname AND p.relkind IN ('r', 'p')
                      AND p.relnamespace = 'public'::regnamespace)
        GROUP BY c.relname
        """,
    ),
    Check(
        "N3",
        "no constraint leads from one schema into another",
        """
        SELECT format('%s on %s.%s leads to %s.%s', k.conname, n.nspname, c.relname, fn.nspname, f.relname)
        FROM pg_constraint k
        JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        JOIN pg_class f ON f.oid = k.confrelid JOIN pg_namespace fn ON fn.oid = f.relnamespace
        WHERE k.contype = 'f' AND n.oid <> fn.oid
          AND (n.nspname = 'public' OR n.nspname LIKE 't\\_%')
        """,
    ),
    Check(
        "N3",
        "no trigger of ours",
        """
        SELECT format('trigger %s on %s.%s', t.tgname, n.nspname, c.relname)
        FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE NOT t.tgisinternal AND (n.nspname = 'public' OR n.nspname LIKE 't\\_%')
        """,
    ),
    Check(
        "N3",
        "every tenant's schema is there",
        """
        SELECT format('tenant %s: schema %s is missing', t.slug, t.schema_name)
        FROM public.tenants_tenant t
        WHERE t.status IN ('open', 'suspended', 'closing') AND to_regnamespace(quote_ident(t.schema_name)) IS NULL
        """,
    ),
)


def breaches_in(tenant: Tenant) -> list[Breach]:
    """Return every breach in one tenant's data: one statement a check, all on one snapshot."""
    with in_tenant(tenant), _snapshot():
        return list(_run(TENANT_CHECKS))


def breaches_of_catalog() -> list[Breach]:
    """Return every breach in how the schemas are built."""
    with in_public(), _snapshot():
        return list(_run(CATALOG_CHECKS))


@contextmanager
def _snapshot() -> Iterator[None]:
    """Let all checks see the same moment. Within a transaction that has begun, its own snapshot rules serve."""
    nested = connection.in_atomic_block
    with transaction.atomic():
        if not nested:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
                cursor.execute("SET LOCAL statement_timeout = '5min'")
        yield


def _run(checks: tuple[Check, ...]) -> Iterator[Breach]:
    for check in checks:
        with connection.cursor() as cursor:
            cursor.execute(check.statement)
            for (found,) in cursor.fetchall():
                yield Breach(check.invariant, f"{check.promise}: {found}")
