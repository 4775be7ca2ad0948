"""Orders with their tickets and their money from staged rows: checked and written by statements over all of them.

Places are claimed by one conditional UPDATE for all (M1), in the same transaction in which orders are paid, tickets are
issued and the ledger is written (O4, M8).
"""

from typing import Any

from django.utils.translation import gettext as _

from shared_apps.core.errors import SoldOut
from shared_apps.core.money import CURRENCIES, MAX_MINOR, exponent, to_text
from shared_apps.core.staging import Staging
from tenant_apps.orders.errors import MixedCurrencies, NotOnSale
from tenants.context import current_tenant

# Before an order's key in the reference of its payment, by which the next file knows it.
REFERENCE = "import:"
PROVIDER = "manual"
CHANNEL = "import"
DIGITS = ", ".join(f"('{code}', {exponent(code)})" for code in sorted(CURRENCIES))


class AdmissionsInBulk:
    """One run over the staged rows."""

    def __init__(self, staging: Staging):
        self.staging = staging
        self.run = staging.run

    def settle(self) -> None:
        """Find each row's event, ticket type and price, and refuse what cannot be sold. Orders that are there stay."""
        run, refuse = self.run, self.staging.refuse_rows
        run("DROP TABLE IF EXISTS import_line, import_kind")
        run("UPDATE import_row SET outcome = 'unchanged' WHERE outcome <> 'unchanged'")
        run(
            "CREATE TEMPORARY TABLE import_kind ON COMMIT DROP AS SELECT n.event, n.slug, n.folded, e.id AS event_id, "
            "NULL::bigint AS type_id FROM (SELECT DISTINCT event, slug, upper(ticket_type) AS folded "
            "FROM import_row) n "
            "LEFT JOIN LATERAL (SELECT id FROM events_event e WHERE e.external_id = n.event OR e.slug = n.slug "
            "OR (e.title = n.event AND (SELECT count(*) FROM events_event t WHERE t.title = n.event) = 1) "
            "ORDER BY e.external_id = n.event DESC NULLS LAST, e.slug = n.slug DESC LIMIT 1) e ON true"
        )
        run(
            "UPDATE import_kind k SET type_id = t.id FROM ticketing_tickettype t WHERE t.event_id = k.event_id "
            "AND CASE WHEN k.folded = '' THEN (SELECT count(*) FROM ticketing_tickettype o "
            "WHERE o.event_id = k.event_id) = 1 ELSE upper(t.name) = k.folded END"
        )
        run(
            "CREATE TEMPORARY TABLE import_line ON COMMIT DROP AS SELECT r.number, r.key, k.event_id, k.type_id, "
            "e.currency, e.status IN ('cancelled', 'archived') OR EXISTS (SELECT FROM events_eventseries s "
            "WHERE s.template_id = e.id) AS closed, "
            "e.title || ': ' || t.name AS title, t.tax_rate, d.digits, coalesce(r.price * 10 ^ d.digits, "
            "t.price_minor) AS price_minor, row_number() OVER (PARTITION BY r.key ORDER BY r.number) AS position, "
            "ARRAY(SELECT l.quota_id FROM ticketing_quota_type l WHERE l.ticket_type_id = t.id ORDER BY 1) AS quotas, "
            f"EXISTS (SELECT FROM payments_payment p WHERE p.provider = '{PROVIDER}' AND p.reference = "
            f"'{REFERENCE}' || r.key) OR EXISTS (SELECT FROM orders_order o WHERE o.code = r.key) AS known "
            "FROM import_row r JOIN import_kind k ON k.event = r.event AND k.folded = upper(r.ticket_type) "
            "LEFT JOIN events_event e ON e.id = k.event_id LEFT JOIN ticketing_tickettype t ON t.id = k.type_id "
            f"LEFT JOIN (VALUES {DIGITS}) AS d (code, digits) ON d.code = e.currency"
        )
        run("ALTER TABLE import_line ADD PRIMARY KEY (number)")
        run("ANALYZE import_line")
        this = "FROM import_line i JOIN import_row r ON r.number = i.number WHERE NOT i.known AND "
        refuse("event", "does_not_exist", _("There is no such event."), f"{this} i.event_id IS NULL")
        refuse(
            "event", NotOnSale.code, _("Tickets of this event admit nobody: it is cancelled, archived, or a set-up."),
            f"{this} i.closed",
        )  # fmt: skip
        refuse(
            "ticket_type", "does_not_exist", _("The event has no such ticket type."),
            f"{this} i.event_id IS NOT NULL AND i.type_id IS NULL",
        )  # fmt: skip
        refuse(
            "currency", "currency", _("The event is sold in another currency."),
            f"{this} r.currency <> '' AND r.currency <> i.currency",
        )  # fmt: skip
        refuse(
            "price", "invalid_price", _("This is no amount of money in the event's currency."),
            f"{this} (i.price_minor <> trunc(i.price_minor) OR i.price_minor > {MAX_MINOR})",
        )  # fmt: skip
        unlike = "JOIN import_line f ON f.key = i.key AND f.position = 1"
        first = "FROM import_line i JOIN import_row r ON r.number = i.number " + unlike + " JOIN import_row w "
        refuse(
            "email", "duplicate_row", _("An earlier row with the same key says something else."),
            f"{first} ON w.number = f.number WHERE NOT i.known "
            "AND (lower(r.email), r.name) <> (lower(w.email), w.name)",
        )  # fmt: skip
        refuse(
            "currency", MixedCurrencies.code, MixedCurrencies.message,
            f"{first} ON w.number = f.number WHERE NOT i.known AND i.currency <> f.currency",
        )  # fmt: skip
        self.run(
            "INSERT INTO import_error (line, field, code, message) "
            "SELECT DISTINCT r.line, 'ticket_type', %s, replace(%s, '{what}', i.title) "
            "FROM (SELECT i.number, q.capacity - q.held - q.sold AS free, row_number() OVER (PARTITION BY q.id "
            "ORDER BY i.number) AS place FROM import_line i JOIN ticketing_quota q ON q.id = ANY (i.quotas) "
            "WHERE NOT i.known) n JOIN import_line i ON i.number = n.number JOIN import_row r ON r.number = n.number "
            "WHERE n.place > n.free",
            SoldOut.code, str(SoldOut.message),
        )  # fmt: skip
        refuse(
            "ticket_type", SoldOut.code, _("This ticket type draws from no quota, so it has no places."),
            f"{this} i.type_id IS NOT NULL AND cardinality(i.quotas) = 0",
        )  # fmt: skip
        run("UPDATE import_row r SET outcome = 'new' FROM import_line i WHERE i.number = r.number AND NOT i.known")

    def changes(self, most: int) -> tuple[int, list[dict[str, Any]]]:
        """Return how many admissions are new and the first of them: what was sold, not to whom."""
        ((count,),) = self.staging.fetch("SELECT count(*) FROM import_line WHERE NOT known AND type_id IS NOT NULL")
        rows = self.staging.fetch(
            "SELECT r.line, i.key, i.title, i.price_minor, i.currency, r.seat FROM import_line i JOIN import_row r "
            "ON r.number = i.number WHERE NOT i.known AND i.type_id IS NOT NULL "
            "AND NOT EXISTS (SELECT FROM import_error x WHERE x.line = r.line) ORDER BY i.number LIMIT %s", most,
        )  # fmt: skip
        return int(count), [
            {
                "line": line, "outcome": "new", "key": key, "name": title,
                "fields": [{"field": "price", "before": None, "after": to_text(int(price), currency)}]
                + ([{"field": "seat", "before": None, "after": seat}] if seat else []),
            }
            for line, key, title, price, currency, seat in rows
        ]  # fmt: skip

    def put(self) -> None:
        """Write it all. What was read is locked first (M2), then the plan is made again on what is locked.

        Events and types stay as they are until the commit, as for an order (orders.checkout): else a type might join
        another quota, or an event get another currency, past the lines that are being written (M1, M6).
        """
        self.run(
            "SELECT e.id FROM events_event e WHERE e.id IN (SELECT event_id FROM import_line WHERE NOT known) "
            "ORDER BY e.id FOR KEY SHARE"
        )
        self.run(
            "SELECT t.id FROM ticketing_tickettype t WHERE t.id IN (SELECT type_id FROM import_line WHERE NOT known) "
            "ORDER BY t.id FOR KEY SHARE"
        )
        # The lines' quotas as they are now: one that a type has joined meanwhile is locked too.
        self.settle()
        self.run(
            "SELECT q.id FROM ticketing_quota q WHERE q.id IN (SELECT unnest(quotas) FROM import_line WHERE NOT known) "
            "ORDER BY q.id FOR NO KEY UPDATE"
        )
        self.settle()
        if self.staging.errors(1)[0]:
            return
        new = "FROM import_line i JOIN import_row r ON r.number = i.number WHERE NOT i.known"
        tax = "round(i.price_minor * i.tax_rate / (100 + i.tax_rate))"
        self.run(
            "INSERT INTO orders_order (id, code, secret, status, email, name, language, channel, currency, "
            "subtotal_minor, discount_minor, fees_minor, tax_minor, delivery_minor, total_minor, refunded_minor, "
            "created_at, paid_at) "
            "SELECT r.order_id, r.code, r.secret, 'paid', r.email, r.name, %s, %s, i.currency, n.total, 0, 0, "
            "n.tax, 0, "
            "n.total, 0, r.ordered_at, r.ordered_at FROM import_line i JOIN import_row r ON r.number = i.number JOIN ("
            f"SELECT i.key, sum(i.price_minor) AS total, sum({tax}) AS tax FROM import_line i GROUP BY 1) n "
            "ON n.key = i.key WHERE NOT i.known AND i.position = 1",
            current_tenant().language, CHANNEL,
        )  # fmt: skip
        self.run(
            "INSERT INTO ticketing_ticket (id, event_id, ticket_type_id, token, short_code, status, holder_name, "
            "holder_email, price_minor, currency, seat) SELECT r.ticket_id, i.event_id, i.type_id, r.token, "
            "r.short_code, "
            "'active', coalesce(nullif(r.attendee_name, ''), r.name), coalesce(nullif(r.attendee_email, ''), r.email), "
            f"i.price_minor, i.currency, r.seat {new}"
        )
        self.run(
            "INSERT INTO orders_orderline (id, order_id, position, kind, status, event_id, ticket_type_id, ticket_id, "
            "quotas, title, quantity, unit_price_minor, discount_minor, tax_rate, tax_minor, total_minor, "
            "attendee_name, attendee_email) SELECT r.line_id, w.order_id, i.position, 'ticket', 'active', "
            "i.event_id, i.type_id, "
            f"r.ticket_id, i.quotas, i.title, 1, i.price_minor, 0, i.tax_rate, {tax}, i.price_minor, r.attendee_name, "
            "r.attendee_email FROM import_line i JOIN import_row r ON r.number = i.number JOIN import_line f "
            "ON f.key = i.key AND f.position = 1 JOIN import_row w ON w.number = f.number WHERE NOT i.known"
        )
        self.run(
            "INSERT INTO payments_payment (id, order_id, provider, reference, status, amount_minor, currency, "
            f"captured_minor, refunding_minor, refunded_minor, created_at) SELECT r.payment_id, o.id, '{PROVIDER}', "
            f"'{REFERENCE}' || i.key, 'succeeded', o.total_minor, o.currency, o.total_minor, 0, 0, r.ordered_at "
            "FROM import_line i JOIN import_row r ON r.number = i.number JOIN orders_order o ON o.id = r.order_id "
            "WHERE NOT i.known AND i.position = 1"
        )
        self.run(
            "INSERT INTO payments_ledgerentry (id, at, kind, provider, reference, order_id, amount_minor, currency) "
            f"SELECT r.ledger_id, r.ordered_at, 'payment', '{PROVIDER}', '{REFERENCE}' || i.key, o.id, o.total_minor, "
            "o.currency FROM import_line i JOIN import_row r ON r.number = i.number JOIN orders_order o "
            "ON o.id = r.order_id WHERE NOT i.known AND i.position = 1 AND o.total_minor > 0"
        )
        wanted = self.staging.fetch(
            "SELECT count(DISTINCT q) FROM import_line i, unnest(i.quotas) AS q WHERE NOT i.known"
        )[0][0]
        claimed = self.run(
            "UPDATE ticketing_quota q SET sold = q.sold + n.places FROM (SELECT q, count(*) AS places "
            "FROM import_line i, unnest(i.quotas) AS q WHERE NOT i.known GROUP BY 1) n WHERE q.id = n.q "
            "AND (q.capacity IS NULL OR q.held + q.sold + n.places <= q.capacity)"
        )
        if claimed != wanted:
            raise RuntimeError(f"{wanted - claimed} quotas that were locked have fewer places than a moment ago")
