"""What an import of events would change, as people read it; and what those are told who hold tickets of what it did."""

import json
from typing import Any

from shared_apps.core.money import to_text
from shared_apps.core.staging import Staging
from tenant_apps.activity.services import before_and_after, record
from tenant_apps.events.models import Event
from tenant_apps.events.news import news
from tenants.context import current_tenant

# Between the tags of a row in one column; nobody types it.
SEPARATOR = "\x1f"
PLAIN = ("title", "summary", "description", "level")
OF_EVENT = (
    *PLAIN, "category", "tags", "starts_at", "ends_at", "timezone", "venue_name", "venue_address", "venue_city",
    "venue_latitude", "venue_longitude", "status", "currency",
)  # fmt: skip


def lines_table() -> str:
    """Return the table of orders' lines. By a reverse name, not an import: orders stand above."""
    related: Any = Event._meta.get_field("order_lines").related_model
    return str(related._meta.db_table)


class Told:
    """The import is one entry in the audit trail. An event that was ordered has one of its own too, which those follow
    who hold its tickets. Made before the events are changed, recorded after.
    """

    COMPARED = ("title", "summary", "level", "starts_at", "ends_at", "timezone", "currency", "category_id", "venue_id")

    def __init__(self, staging: Staging):
        moved = staging.fetch(
            "SELECT f.event_id FROM import_event f WHERE NOT f.fresh AND f.changed <> '{}' "
            f"AND EXISTS (SELECT FROM {lines_table()} l WHERE l.event_id = f.event_id)"
        )
        self.before = Event.objects.in_bulk([event_id for (event_id,) in moved])

    def record(self, actor: Any) -> None:
        """Write down what became of each."""
        for event in Event.objects.filter(pk__in=self.before).order_by("pk"):
            was = self.before[event.pk]
            before, after = ({name: getattr(row, name) for name in self.COMPARED} for row in (was, event))
            known = ({**each, "venue": each["venue_id"]} for each in (before, after))
            record(
                "event.updated", event, actor=actor,
                details={"by": "import", **before_and_after(before, after)}, payload=news(*known),
            )  # fmt: skip
            if event.status != was.status:
                change = before_and_after({"status": was.status}, {"status": event.status})
                details = {"by": "import", "from": str(was.status), **change}
                record(f"event.{event.status}", event, actor=actor, details=details)


def changes(staging: Staging, columns: frozenset[str], most: int) -> tuple[int, list[dict[str, Any]]]:
    """Return how many rows are new or changed, and the first of them field by field, as people read it."""
    ((count,),) = staging.fetch(
        "SELECT count(*) FROM import_row r WHERE outcome <> 'unchanged' "
        "AND NOT EXISTS (SELECT FROM import_error x WHERE x.line = r.line)"
    )
    rows = staging.fetch(
        "SELECT r.line, r.outcome, r.key, r.title, f.fresh, f.changed, f.number IS NOT NULL, "
        "i.number IS NOT NULL, i.type_id IS NULL, i.price_changes, i.capacity_changes, i.price_was, i.capacity_was, "
        "coalesce(nullif(r.currency, ''), e.currency, %s), r.ticket_type, r.price_minor, r.capacity, "
        "to_jsonb(r.*), jsonb_build_object('title', e.title, 'summary', e.summary, 'description', e.description, "
        "'level', e.level, 'starts_at', e.starts_at, 'ends_at', e.ends_at, 'timezone', e.timezone, "
        "'currency', e.currency, 'category', c.name, 'venue', v.name, 'status', e.status, 'tags', "
        "(SELECT string_agg(t.name, ', ' ORDER BY t.name) FROM events_eventtag l JOIN events_tag t "
        "ON t.id = l.tag_id WHERE l.event_id = e.id)), f.becomes "
        "FROM (SELECT * FROM import_row r WHERE outcome <> 'unchanged' "
        "AND NOT EXISTS (SELECT FROM import_error x WHERE x.line = r.line) ORDER BY number LIMIT %s) r "
        "LEFT JOIN import_event f ON f.number = r.number LEFT JOIN import_type i ON i.number = r.number "
        "LEFT JOIN events_event e ON e.id = f.event_id LEFT JOIN events_category c ON c.id = e.category_id "
        "LEFT JOIN events_venue v ON v.id = e.venue_id ORDER BY r.number",
        current_tenant().currency, most,
    )  # fmt: skip
    return int(count), [_change(row, columns) for row in rows]


def _change(row: tuple[Any, ...], columns: frozenset[str]) -> dict[str, Any]:
    (line, outcome, key, title, fresh, changed, is_event, is_type, type_fresh, price_changes, capacity_changes,
     price_was, capacity_was, currency, type_name, price, capacity, new, old, status) = row  # fmt: skip
    # Django leaves JSON of plain statements as text.
    new, old = json.loads(new), json.loads(old)
    new["venue"], new["status"] = new["venue_name"], status
    new["tags"] = ", ".join(sorted(filter(None, new["tags"].split(SEPARATOR))))
    fields: list[dict[str, Any]] = []

    def told(field: str, before: Any, after: Any) -> None:
        cut = [str(each)[:300] if isinstance(each, str) else each for each in (before, after)]
        fields.append({"field": field, "before": cut[0] or None, "after": cut[1] if cut[1] != "" else None})

    if is_event:
        for name in OF_EVENT if fresh else changed or ():
            if fresh and (name not in columns or new.get(name) in (None, "")):
                continue
            told(name, None if fresh else old.get(name), new.get(name))
    if is_type and type_fresh:
        told("ticket_type", None, type_name)
        told("price", None, to_text(price or 0, currency))
        if capacity is not None:
            told("capacity", None, capacity)
    elif is_type:
        if price_changes:
            told("price", to_text(price_was, currency), to_text(price, currency))
        if capacity_changes:
            fields.append({"field": "capacity", "before": capacity_was, "after": capacity})
    return {"line": line, "outcome": outcome, "key": key, "name": title, "fields": fields}
