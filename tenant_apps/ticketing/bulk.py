"""Events and their ticket types from staged rows: checked and applied by statements over all of them.

What the services refuse one by one is refused here with the same codes, limits and moves, which are the services' own;
the database's constraints are the last line for both. Statements name their columns: tables may have more of them.
"""

from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from shared_apps.billing import limits
from shared_apps.core.errors import Conflict, InvalidInput
from shared_apps.core.money import CURRENCIES, exponent
from shared_apps.core.staging import Staging
from tenant_apps.events import services as events
from tenant_apps.events.errors import CurrencyFixed, EditWindowClosed, IsTemplate
from tenant_apps.events.models import Event
from tenant_apps.events.naming import make_missing
from tenant_apps.events.standing import STANDINGS
from tenant_apps.ticketing.bulk_changes import OF_EVENT, PLAIN, Told, lines_table
from tenant_apps.ticketing.errors import CapacityBelowSold
from tenant_apps.ticketing.services import MOST_TYPES
from tenants.context import current_tenant
from tenants.preferences import preference

# Room for "-123456" behind it.
SLUG_LENGTH = 72
Status = Event.Status


def becomes(was: str, wanted: str, *, fresh: bool, over: bool) -> str | None:
    """Return the status that a row leads to, None where no move leads there. All moves are those of the services.

    What was published and is over by now has ended by itself: no change. What says "finished" is published, and the
    schedule ends it; a new event that is over already is finished at once.
    """
    if not wanted or wanted == was or (wanted == Status.PUBLISHED and was == Status.FINISHED):
        return was
    if wanted == Status.FINISHED:
        return wanted if fresh and over else becomes(was, Status.PUBLISHED, fresh=fresh, over=over)
    if fresh:
        return wanted  # from a draft everything can be reached
    if wanted == Status.CANCELLED and was == Status.DRAFT:
        return wanted  # by way of published
    return wanted if wanted != Status.POSTPONED and wanted in events.MOVES[was] else None


class DuplicateRow(Conflict):
    """Two rows of one file say unlike things about one event or ticket type."""

    code = "duplicate_row"
    message = gettext_lazy("An earlier row with the same key says something else.")


class EventsInBulk:
    """One run over the staged rows. `columns` are those of ours that the file has."""

    def __init__(self, staging: Staging, columns: frozenset[str], on_duplicate: str):
        self.staging = staging
        self.run = staging.run
        self.columns = columns
        self.on_duplicate = on_duplicate
        self.order = "DESC" if on_duplicate == "last" else "ASC"
        self.lines = lines_table()

    # --- What would happen ---

    def settle(self) -> None:
        """Plan everything and refuse what must not be done. May be called again after rows were locked."""
        self.run("DROP TABLE IF EXISTS import_event, import_type")
        self.run("UPDATE import_row SET outcome = 'unchanged', ignored = false WHERE outcome <> 'unchanged' OR ignored")
        self._plan_events()
        self._refuse_contradictions()
        self._find_changes()
        self._plan_types()
        self._refuse_events()
        self._refuse_types()
        self._tell_outcomes()

    def _plan_events(self) -> None:
        self.run(
            "CREATE TEMPORARY TABLE import_event ON COMMIT DROP AS "
            "SELECT DISTINCT ON (r.key) r.number, r.key, r.slug, e.id AS event_id, e.id IS NULL AS fresh, "
            "coalesce(e.status, 'draft') AS was, NULL::text AS becomes, '{}'::text[] AS changed FROM import_row r "
            "LEFT JOIN (SELECT id, status, coalesce(external_id, 'foyer:' || slug) AS key FROM events_event) e "
            "USING (key) "
            f"ORDER BY r.key, r.number {self.order}"
        )
        self.run("ALTER TABLE import_event ADD PRIMARY KEY (number)")
        self.run("CREATE UNIQUE INDEX import_event_key ON import_event (key)")
        self.run("ANALYZE import_row")
        self.run("ANALYZE import_event")

    def _refuse_contradictions(self) -> None:
        """Rows of one event must agree on it, unless the first or the last was said to count."""
        (self.repeated,) = self.staging.fetch(
            "SELECT (SELECT count(*) FROM import_row) <> (SELECT count(*) FROM import_event)"
        )[0]
        if not self.repeated:
            return
        told = [name for name in OF_EVENT if name in self.columns]
        first = "CASE " + " ".join(f"WHEN r.{name} IS DISTINCT FROM w.{name} THEN '{name}'" for name in told) + " END"
        unlike = (
            f"FROM import_row w JOIN import_event f ON f.number = w.number, import_row r "
            f"WHERE f.key = r.key AND r.number <> w.number AND {first} IS NOT NULL"
        )
        if self.on_duplicate == "error":
            self.run(
                f"INSERT INTO import_error (line, field, code, message) SELECT r.line, {first}, %s, %s {unlike}",
                DuplicateRow.code, str(DuplicateRow.message),
            )  # fmt: skip
        if self.on_duplicate != "last":
            self.run(
                "UPDATE import_row x SET ignored = true "
                f"WHERE x.number IN (SELECT r.number {unlike})"
            )  # fmt: skip

    def _find_changes(self) -> None:
        over = (
            f"coalesce(r.ends_at, r.starts_at + interval '{events.WITHOUT_END.total_seconds():.0f} seconds') <= now()"
        )
        moves = ", ".join(
            f"({fresh}, '{was}', '{wanted}', {over_}, '{result}')"
            for fresh in (True, False)
            for over_ in (True, False)
            for was in Status.values
            for wanted in ("", *Status.values)
            if (result := becomes(was, wanted, fresh=fresh, over=over_)) is not None
        )
        self.run(
            "UPDATE import_event f SET becomes = m.becomes FROM import_row r, "
            f"(VALUES {moves}) AS m (fresh, was, wanted, over, becomes) WHERE r.number = f.number "
            f"AND m.fresh = f.fresh AND m.was = f.was AND m.wanted = r.status AND m.over = ({over})"
        )
        self.run(
            f"UPDATE import_event f SET changed = array_remove(ARRAY[{', '.join(self._differences())}]::text[], NULL) "
            "FROM import_row r, events_event e LEFT JOIN events_category c ON c.id = e.category_id "
            "LEFT JOIN events_venue v ON v.id = e.venue_id WHERE r.number = f.number AND e.id = f.event_id"
        )

    def _differences(self) -> list[str]:
        """SQL that is a column's name where the row says something else than the event, NULL where it does not."""
        tests = {name: f"e.{name} <> r.{name}" for name in PLAIN if name in self.columns}
        tests["starts_at"] = "e.starts_at <> r.starts_at"
        if "ends_at" in self.columns:
            tests["ends_at"] = "e.ends_at IS DISTINCT FROM r.ends_at"
        for name in ("timezone", "currency"):
            if name in self.columns:
                # An empty cell leaves them as they are: an event cannot be without.
                tests[name] = f"r.{name} <> '' AND e.{name} <> r.{name}"
        if "category" in self.columns:
            tests["category"] = "upper(coalesce(c.name, '')) <> upper(r.category)"
        if "tags" in self.columns:
            tests["tags"] = (
                "ARRAY(SELECT DISTINCT upper(x) FROM unnest(string_to_array(r.tags, E'\\x1f')) AS x ORDER BY 1) <> "
                "ARRAY(SELECT upper(t.name) FROM events_eventtag l JOIN events_tag t ON t.id = l.tag_id "
                "WHERE l.event_id = e.id ORDER BY 1)"
            )
        if "venue_name" in self.columns:
            tests["venue"] = "coalesce(v.name, '') <> r.venue_name"
            if "venue_address" in self.columns:
                tests["venue"] += " OR (r.venue_name <> '' AND v.address <> r.venue_address)"
        tests["status"] = "f.becomes <> f.was"
        return [f"CASE WHEN {test} THEN '{name}' END" for name, test in tests.items()]

    def _plan_types(self) -> None:
        self.run(
            "CREATE TEMPORARY TABLE import_type ON COMMIT DROP AS "
            "SELECT DISTINCT ON (f.number, upper(r.ticket_type)) r.number, f.number AS event_number, f.event_id, "
            "r.ticket_type AS name, upper(r.ticket_type) AS folded, r.price_minor, r.capacity, "
            "NULL::bigint AS type_id, "
            "NULL::bigint AS price_was, 0 AS quotas, NULL::bigint AS quota_id, NULL::integer AS capacity_was, "
            "0 AS taken, false AS price_changes, false AS capacity_changes, false AS fits "
            "FROM import_row r JOIN import_event f ON f.key = r.key WHERE r.ticket_type <> '' AND NOT r.ignored "
            f"ORDER BY f.number, upper(r.ticket_type), r.number {self.order}"
        )
        self.run("ALTER TABLE import_type ADD PRIMARY KEY (number)")
        self.run("ANALYZE import_type")
        price = "i.price_minor IS NOT NULL AND i.price_minor <> t.price_minor" if "price" in self.columns else "false"
        self.run(
            f"UPDATE import_type i SET type_id = t.id, price_was = t.price_minor, price_changes = ({price}) FROM ("
            "SELECT DISTINCT ON (event_id, upper(name)) id, event_id, upper(name) AS folded, price_minor "
            "FROM ticketing_tickettype WHERE event_id IN (SELECT event_id FROM import_event) "
            "ORDER BY event_id, upper(name), position, id) t WHERE t.event_id = i.event_id AND t.folded = i.folded"
        )
        if "capacity" not in self.columns:
            return
        self.run(
            "UPDATE import_type i SET quotas = q.quotas, quota_id = q.id, capacity_was = q.capacity, taken = q.taken, "
            "fits = i.capacity IS NULL OR i.capacity = ANY (q.capacities), "
            "capacity_changes = q.quotas = 1 AND q.capacity IS DISTINCT FROM i.capacity FROM ("
            "SELECT l.ticket_type_id, count(*) AS quotas, min(q.id) AS id, min(q.capacity) AS capacity, "
            "min(q.held + q.sold) AS taken, array_agg(q.capacity) AS capacities "
            "FROM ticketing_quota_type l JOIN ticketing_quota q ON q.id = l.quota_id "
            "WHERE l.ticket_type_id IN (SELECT type_id FROM import_type) GROUP BY 1) q "
            "WHERE q.ticket_type_id = i.type_id"
        )

    def _refuse_events(self) -> None:
        refuse = self.staging.refuse_rows
        self._refuse_beyond_plan()
        there = "FROM import_event f JOIN import_row r ON r.number = f.number JOIN events_event e ON e.id = f.event_id "
        ordered = f"EXISTS (SELECT FROM {self.lines} l WHERE l.event_id = e.id)"
        refuse(
            "status", "wrong_state", _("An import cannot move this event to that status."),
            "FROM import_event f JOIN import_row r ON r.number = f.number WHERE f.becomes IS NULL",
        )  # fmt: skip
        refuse(
            "status", IsTemplate.code, IsTemplate.message,
            f"{there} JOIN events_eventseries s ON s.template_id = e.id WHERE f.becomes <> f.was",
        )  # fmt: skip
        ends = (
            "r.ends_at"
            if "ends_at" in self.columns
            else "(SELECT e.ends_at FROM events_event e WHERE e.id = f.event_id)"
        )
        refuse(
            "ends_at", "before_start", _("The event cannot end before it starts."),
            f"FROM import_event f JOIN import_row r ON r.number = f.number WHERE {ends} < r.starts_at",
        )  # fmt: skip
        policy = preference(current_tenant(), "event_edit_policy")
        window = str(EditWindowClosed(why=events.why_closed(policy)))
        if policy == "one_hour_after_creation":
            refuse(
                "", EditWindowClosed.code, window,
                f"{there} WHERE f.was <> 'draft' AND cardinality(array_remove(f.changed, 'status')) > 0 "
                "AND e.created_at + interval '1 hour' < now()",
            )  # fmt: skip
        elif policy == "until_first_sale":
            promised = ", ".join(f"'{name}'" for name in sorted(events.PROMISED))
            refuse(
                "starts_at", EditWindowClosed.code, window,
                f"{there} WHERE f.was <> 'draft' AND f.changed && ARRAY[{promised}]::text[] AND {ordered}",
            )  # fmt: skip
        if "currency" in self.columns:
            moved = f"{there} WHERE 'currency' = ANY (f.changed) AND "
            refuse("currency", CurrencyFixed.code, str(CurrencyFixed()), moved + ordered)
            digits = ", ".join(f"('{code}', {exponent(code)})" for code in sorted(CURRENCIES))
            digit = f"(SELECT d.digits FROM (VALUES {digits}) AS d (code, digits) WHERE d.code = %s)"
            refuse(
                "currency", CurrencyFixed.code,
                _("Set the prices to 0 first: this currency counts in other units."),
                f"{moved} NOT {ordered} AND {digit % 'e.currency'} <> {digit % 'r.currency'} "
                "AND EXISTS (SELECT FROM ticketing_tickettype t WHERE t.event_id = e.id AND (t.price_minor > 0 "
                "OR t.suggested_price_minor > 0 "
                "OR EXISTS (SELECT FROM ticketing_tier p WHERE p.ticket_type_id = t.id AND p.price_minor > 0)))",
            )  # fmt: skip

    def _refuse_beyond_plan(self) -> None:
        """Refuse the new events for which the plan has no room (N7); the first ones of the file have it."""
        lasting = "f.fresh AND f.becomes = ANY (%s)"
        ((count,),) = self.staging.fetch(
            f"SELECT count(*) FROM import_event f WHERE {lasting}", [Status.DRAFT, Status.PUBLISHED, Status.POSTPONED]
        )
        if count and (refusal := limits.refused("events", count)) is not None:
            self.staging.refuse_rows(
                "", refusal.code, str(refusal),
                f"FROM (SELECT number FROM import_event f WHERE {lasting} ORDER BY number OFFSET %s) AS beyond "
                "JOIN import_row r USING (number)",
                [Status.DRAFT, Status.PUBLISHED, Status.POSTPONED], refusal.room,
            )  # fmt: skip

    def _refuse_types(self) -> None:
        refuse = self.staging.refuse_rows
        if self.repeated and self.on_duplicate == "error":
            refuse(
                "ticket_type", DuplicateRow.code, DuplicateRow.message,
                "FROM import_type i JOIN import_event f ON f.number = i.event_number "
                "JOIN import_row r ON r.key = f.key "
                "WHERE r.number <> i.number AND NOT r.ignored AND upper(r.ticket_type) = i.folded "
                "AND (r.price_minor IS DISTINCT FROM i.price_minor OR r.capacity IS DISTINCT FROM i.capacity)",
            )  # fmt: skip
        this = "FROM import_type i JOIN import_row r ON r.number = i.number WHERE "
        self.run(
            "INSERT INTO import_error (line, field, code, message) "
            f"SELECT r.line, 'capacity', %s, replace(%s, '{{taken}}', i.taken::text) {this} "
            "i.capacity_changes AND i.capacity < i.taken",
            CapacityBelowSold.code, str(CapacityBelowSold.message),
        )  # fmt: skip
        refuse(
            "capacity", "several_quotas", _("This ticket type draws from several quotas; change them one by one."),
            f"{this} i.quotas > 1 AND NOT i.fits",
        )  # fmt: skip
        refuse(
            "", InvalidInput.code, _("An event has at most %d ticket types.") % MOST_TYPES,
            "FROM (SELECT i.number, row_number() OVER (PARTITION BY i.event_number ORDER BY i.number) + "
            "(SELECT count(*) FROM ticketing_tickettype t WHERE t.event_id = i.event_id) AS place "
            "FROM import_type i WHERE i.type_id IS NULL) n JOIN import_row r ON r.number = n.number "
            f"WHERE n.place > {MOST_TYPES}",
        )  # fmt: skip

    def _tell_outcomes(self) -> None:
        self.run(
            "UPDATE import_row r SET outcome = CASE WHEN f.fresh THEN 'new' ELSE 'changed' END FROM import_event f "
            "WHERE r.number = f.number AND (f.fresh OR f.changed <> '{}')"
        )
        self.run(
            "UPDATE import_row r SET outcome = CASE WHEN i.type_id IS NULL THEN 'new' ELSE 'changed' END "
            "FROM import_type i WHERE r.number = i.number AND r.outcome <> 'new' "
            "AND (i.type_id IS NULL OR i.price_changes OR i.capacity_changes)"
        )

    # --- Doing it ---

    def put(self, actor: Any) -> None:
        """Write it all. Events before quotas, both by id (M2); then the plan is made again on what is locked."""
        if self._lock():
            self.settle()
            if self.staging.errors(1)[0]:
                return
        self._make_names()
        self._find_slugs()
        self._insert_events()
        told = Told(self.staging)
        self._update_events()
        self._put_tags()
        self._put_types()
        told.record(actor)

    def _lock(self) -> int:
        events_ = self.run(
            "SELECT e.id FROM events_event e WHERE e.id IN (SELECT event_id FROM import_event WHERE NOT fresh "
            "AND (changed <> '{}' OR number IN (SELECT event_number FROM import_type WHERE type_id IS NULL))) "
            # Not NO KEY: orders that are being made hold KEY SHARE on what they read, and count from their commit on.
            "ORDER BY e.id FOR UPDATE"
        )
        quotas = self.run(
            "SELECT q.id FROM ticketing_quota q WHERE q.id IN "
            "(SELECT quota_id FROM import_type WHERE capacity_changes) "
            "ORDER BY q.id FOR NO KEY UPDATE"
        )
        types = self.run("SELECT 1 FROM import_type WHERE price_changes LIMIT 1")
        return events_ + quotas + types

    def _make_names(self) -> None:
        """Categories, tags and venues that are not there yet, once each."""
        touched = (
            "FROM import_event f JOIN import_row r ON r.number = f.number WHERE (f.fresh OR '{}' = ANY (f.changed))"
        )
        if "category" in self.columns:
            make_missing(self.staging, "category", f"SELECT r.category AS name, f.number {touched.format('category')}")
        if "tags" in self.columns:
            make_missing(
                self.staging, "tag",
                "SELECT x AS name, f.number FROM import_event f JOIN import_row r ON r.number = f.number, "
                "unnest(string_to_array(r.tags, E'\\x1f')) AS x WHERE (f.fresh OR 'tags' = ANY (f.changed))",
            )  # fmt: skip
        if "venue_name" in self.columns:
            make_missing(
                self.staging, "venue",
                "SELECT r.venue_name AS name, r.venue_address AS address, r.venue_city AS city, r.venue_latitude "
                "AS latitude, r.venue_longitude AS longitude, coalesce(nullif(r.timezone, ''), "
                f"'{current_tenant().timezone}') AS timezone, f.number {touched.format('venue')}",
                by_address="venue_address" in self.columns,
            )  # fmt: skip

    def _find_slugs(self) -> None:
        """Number equal addresses through, behind those that are there; what still clashes is counted on by itself."""
        self.run(
            "UPDATE import_event f SET slug = n.slug FROM (SELECT number, CASE WHEN place = 1 THEN slug "
            "ELSE slug || '-' || place END AS slug FROM (SELECT f.number, f.slug, coalesce(t.most, 0) + row_number() "
            "OVER (PARTITION BY f.slug ORDER BY f.number) AS place FROM import_event f LEFT JOIN ("
            "SELECT regexp_replace(slug, '-[0-9]{1,7}$', '') AS base, "
            "max(coalesce(substring(slug from '-([0-9]{1,7})$')::integer, 1)) AS most FROM events_event GROUP BY 1"
            ") t ON t.base = f.slug WHERE f.fresh) p) n WHERE n.number = f.number AND n.slug <> f.slug"
        )
        clashes = self.staging.fetch(
            "SELECT f.number, f.slug FROM import_event f WHERE f.fresh AND (EXISTS (SELECT FROM events_event e "
            "WHERE e.slug = f.slug) OR f.number > (SELECT min(g.number) FROM import_event g "
            "WHERE g.fresh AND g.slug = f.slug)) ORDER BY f.number"
        ) if self._slugs_clash() else []  # fmt: skip
        for number, slug in clashes:
            place = 2
            while self.staging.fetch(
                "SELECT 1 FROM events_event WHERE slug = %s UNION ALL SELECT 1 FROM import_event WHERE slug = %s",
                f"{slug}-{place}", f"{slug}-{place}",
            ):  # fmt: skip
                place += 1
            self.run("UPDATE import_event SET slug = %s WHERE number = %s", f"{slug}-{place}", number)

    def _slugs_clash(self) -> bool:
        return bool(
            self.staging.fetch(
                "SELECT 1 FROM import_event f JOIN events_event e ON e.slug = f.slug WHERE f.fresh UNION ALL "
                "(SELECT 1 FROM import_event f WHERE f.fresh GROUP BY f.slug HAVING count(*) > 1) LIMIT 1"
            )
        )

    def _names(self) -> str:
        """Joins that lead from a row `r` to its category `c` and venue `v`, as far as the file names them."""
        category = "LEFT JOIN (SELECT DISTINCT ON (upper(name)) id, upper(name) AS folded FROM events_category "\
            "ORDER BY upper(name), id) c ON r.category <> '' AND c.folded = upper(r.category) "  # fmt: skip
        venue = "LEFT JOIN events_venue v ON v.name = r.venue_name AND v.address = r.venue_address "
        if "venue_address" not in self.columns:
            venue = "LEFT JOIN (SELECT DISTINCT ON (name) id, name FROM events_venue ORDER BY name, id) v "\
                "ON v.name = r.venue_name "  # fmt: skip
        return category + venue

    def _insert_events(self) -> None:
        tenant = current_tenant()
        self.run(
            "INSERT INTO events_event (slug, title, summary, description, status, starts_at, ends_at, timezone, "
            "currency, category_id, venue_id, level, external_id) SELECT f.slug, r.title, r.summary, r.description, "
            "f.becomes, r.starts_at, r.ends_at, coalesce(nullif(r.timezone, ''), %s), "
            "coalesce(nullif(r.currency, ''), %s), c.id, v.id, r.level, f.key "
            f"FROM import_event f JOIN import_row r ON r.number = f.number {self._names()}"
            "WHERE f.fresh ORDER BY f.number",
            tenant.timezone, tenant.currency,
        )  # fmt: skip
        self.run(
            "UPDATE import_event f SET event_id = e.id FROM events_event e WHERE f.fresh AND e.external_id = f.key"
        )
        STANDINGS.add_missing()
        self.run(
            "UPDATE import_type i SET event_id = f.event_id FROM import_event f "
            "WHERE f.fresh AND f.number = i.event_number"
        )

    def _update_events(self) -> None:
        values = {name: f"r.{name}" for name in (*PLAIN, "starts_at", "ends_at") if name in self.columns}
        values |= {
            name: f"CASE WHEN r.{name} = '' THEN e.{name} ELSE r.{name} END"
            for name in ("timezone", "currency")
            if name in self.columns
        }
        values |= {f"{name}_id": f"n.{name}_id" for name, told in (("category", "category"), ("venue", "venue_name"))
                   if told in self.columns}  # fmt: skip
        self.run(
            f"UPDATE events_event e SET {', '.join(f'{name} = {value}' for name, value in values.items())}, "
            "status = f.becomes, "
            "revision = e.revision + 1, modified_at = now() FROM import_event f, import_row r, (SELECT r.number, "
            f"c.id AS category_id, v.id AS venue_id FROM import_row r {self._names()}) n WHERE e.id = f.event_id "
            "AND r.number = f.number AND n.number = f.number AND NOT f.fresh AND f.changed <> '{}'"
        )

    def _put_tags(self) -> None:
        if "tags" not in self.columns:
            return
        self.run(
            "DELETE FROM events_eventtag WHERE event_id IN (SELECT event_id FROM import_event "
            "WHERE NOT fresh AND 'tags' = ANY (changed))"
        )
        self.run(
            "INSERT INTO events_eventtag (event_id, tag_id) SELECT DISTINCT f.event_id, t.id FROM import_event f "
            "JOIN import_row r ON r.number = f.number, unnest(string_to_array(r.tags, E'\\x1f')) AS x, "
            "(SELECT DISTINCT ON (upper(name)) id, upper(name) AS folded FROM events_tag ORDER BY upper(name), id) t "
            "WHERE t.folded = upper(x) AND (f.fresh OR 'tags' = ANY (f.changed))"
        )

    def _put_types(self) -> None:
        self.run(
            "INSERT INTO ticketing_tickettype (event_id, name, description, price_minor, tax_rate, min_per_order, "
            "max_per_order, hidden, position) SELECT i.event_id, i.name, '', coalesce(i.price_minor, 0), %s, 1, "
            "20, false, "
            "row_number() OVER (PARTITION BY i.event_number ORDER BY i.number) - 1 + coalesce(n.count, 0) "
            "FROM import_type i LEFT JOIN (SELECT event_id, count(*) AS count FROM ticketing_tickettype GROUP BY 1) n "
            "ON n.event_id = i.event_id WHERE i.type_id IS NULL ORDER BY i.number",
            Decimal(preference(current_tenant(), "tax_rate")),
        )
        self.run(
            "WITH made AS (INSERT INTO ticketing_quota (event_id, name, capacity, held, sold) "
            "SELECT event_id, name, capacity, 0, 0 FROM import_type WHERE type_id IS NULL ORDER BY number "
            "RETURNING id, event_id, name) INSERT INTO ticketing_quota_type (quota_id, ticket_type_id) "
            "SELECT made.id, t.id FROM made JOIN ticketing_tickettype t ON t.event_id = made.event_id "
            "AND t.name = made.name"
        )
        self.run(
            "INSERT INTO ticketing_checkinlist (event_id, name) SELECT DISTINCT i.event_id, %s FROM import_type i "
            "WHERE i.type_id IS NULL AND NOT EXISTS (SELECT FROM ticketing_checkinlist l "
            "WHERE l.event_id = i.event_id)",
            _("All tickets"),
        )
        self.run(
            "UPDATE ticketing_tickettype t SET price_minor = i.price_minor, modified_at = now(), "
            # What was free costs something now; what is suggested is no less than the least.
            "price_kind = CASE WHEN t.price_kind = 'free' AND i.price_minor > 0 THEN 'fixed' ELSE t.price_kind END, "
            "suggested_price_minor = CASE WHEN t.suggested_price_minor < i.price_minor THEN i.price_minor "
            "ELSE t.suggested_price_minor END FROM import_type i WHERE t.id = i.type_id AND i.price_changes"
        )
        self.run(
            "UPDATE ticketing_quota q SET capacity = i.capacity, modified_at = now() FROM import_type i "
            "WHERE q.id = i.quota_id AND i.capacity_changes"
        )
