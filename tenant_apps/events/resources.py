"""Places as rows of a file."""

from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from shared_apps.core.resources import BulkResource, BulkRow, ColumnError, Number, Text, Zone, column, degrees
from tenant_apps.events.naming import make_missing

VENUE_COLUMNS = ("name", "address", "city", "latitude", "longitude", "timezone")
REST = VENUE_COLUMNS[2:]


class VenueResource(BulkResource):
    """One row is one venue, known by name and address; what the file says of it is put there."""

    name = column(Text(150))
    address = column(Text(300))
    city = column(Text(80))
    latitude = column(Number())
    longitude = column(Number())
    timezone = column(Zone())

    label = gettext_lazy("Venues")
    required = ("name",)
    permission = "change_event"
    aliases = {
        **dict.fromkeys(("venue", "venue_name", "place", "hall", "title", "название", "площадка", "место"), "name"),
        **dict.fromkeys(("venue_address", "location", "адрес"), "address"),
        **dict.fromkeys(("venue_city", "town", "город"), "city"),
        **dict.fromkeys(("venue_latitude", "lat", "широта"), "latitude"),
        **dict.fromkeys(("venue_longitude", "lon", "lng", "долгота"), "longitude"),
        **dict.fromkeys(("time_zone", "tz", "zone", "часовой_пояс"), "timezone"),
    }
    stage = {
        "name": "text", "address": "text", "city": "text", "latitude": "numeric(9,6)", "longitude": "numeric(9,6)",
        "timezone": "text",
    }  # fmt: skip

    def take(self, rows: Sequence[BulkRow]) -> None:
        for row in rows:
            errors: list[ColumnError] = []
            values = row.values
            places = [
                degrees(values.get(name), name, most, errors) for name, most in (("latitude", 90), ("longitude", 180))
            ]
            if errors:
                self.staging.refuse(row.line, errors)
                continue
            self.staging.add(row.line, ("", values["name"], values.get("address") or "", values.get("city") or "",
                                        *places, values.get("timezone") or ""))  # fmt: skip

    def settle(self) -> None:
        """Rows of one name and address must agree; which venue each is, and what it would change."""
        run = self.staging.run
        run("DROP TABLE IF EXISTS import_venue")
        run("UPDATE import_row SET outcome = 'unchanged', ignored = false WHERE outcome <> 'unchanged' OR ignored")
        last = "DESC" if self.on_duplicate == "last" else "ASC"
        told = [name for name in REST if name in self.columns]
        differs = {
            "city": "v.city <> r.city", "timezone": "r.timezone <> '' AND v.timezone <> r.timezone",
            "latitude": "v.latitude IS DISTINCT FROM r.latitude",
            "longitude": "v.longitude IS DISTINCT FROM r.longitude",
        }  # fmt: skip
        changed = ", ".join(f"CASE WHEN v.id IS NOT NULL AND {differs[name]} THEN '{name}' END" for name in told)
        run(
            "CREATE TEMPORARY TABLE import_venue ON COMMIT DROP AS SELECT DISTINCT ON (r.name, r.address) r.number, "
            f"v.id AS venue_id, array_remove(ARRAY[{changed}]::text[], NULL) AS changed FROM import_row r "
            "LEFT JOIN events_venue v ON v.name = r.name AND v.address = r.address "
            f"ORDER BY r.name, r.address, r.number {last}"
        )
        run("ALTER TABLE import_venue ADD PRIMARY KEY (number)")
        unlike = " OR ".join(f"r.{name} IS DISTINCT FROM w.{name}" for name in told) or "false"
        rows = (
            "FROM import_venue f JOIN import_row w ON w.number = f.number JOIN import_row r ON r.name = w.name "
            f"AND r.address = w.address WHERE r.number <> w.number AND ({unlike})"
        )
        if self.on_duplicate == "error":
            self.staging.refuse_rows(
                "name", "duplicate_row", _("An earlier row with the same key says something else."), rows
            )
        run(
            "UPDATE import_row r SET outcome = CASE WHEN f.venue_id IS NULL THEN 'new' ELSE 'changed' END "
            "FROM import_venue f WHERE f.number = r.number AND (f.venue_id IS NULL OR f.changed <> '{}')"
        )

    def put(self) -> None:
        """Make what is missing, change what differs."""
        make_missing(
            self.staging, "venue",
            "SELECT r.name, r.address, r.city, r.latitude, r.longitude, r.timezone, r.number FROM import_row r "
            "JOIN import_venue f ON f.number = r.number WHERE f.venue_id IS NULL",
        )  # fmt: skip
        told = [name for name in ("city", "latitude", "longitude") if name in self.columns]
        values = [f"{name} = r.{name}" for name in told]
        if "timezone" in self.columns:
            values.append("timezone = CASE WHEN r.timezone = '' THEN v.timezone ELSE r.timezone END")
        self.staging.run(
            f"UPDATE events_venue v SET {', '.join([*values, 'modified_at = now()'])} FROM import_venue f, "
            "import_row r WHERE v.id = f.venue_id AND r.number = f.number AND f.changed <> '{}'"
        )

    def changes(self, most: int) -> tuple[int, list[dict[str, Any]]]:
        ((count,),) = self.staging.fetch("SELECT count(*) FROM import_row WHERE outcome <> 'unchanged'")
        found = self.staging.fetch(
            "SELECT r.line, r.outcome, r.name, f.changed, r.address, r.city, r.latitude::text, r.longitude::text, "
            "r.timezone, v.address, v.city, v.latitude::text, v.longitude::text, v.timezone FROM import_row r "
            "JOIN import_venue f ON f.number = r.number LEFT JOIN events_venue v ON v.id = f.venue_id "
            "WHERE r.outcome <> 'unchanged' ORDER BY r.number LIMIT %s", most,
        )  # fmt: skip
        return int(count), [self._change(row) for row in found]

    def _change(self, row: tuple[Any, ...]) -> dict[str, Any]:
        line, outcome, name, changed = row[:4]
        after = dict(zip(VENUE_COLUMNS[1:], row[4:9], strict=True))
        before = dict(zip(VENUE_COLUMNS[1:], row[9:], strict=True))
        shown = [each for each in after if after[each]] if outcome == "new" else changed
        fields = [{"field": each, "before": before[each] or None, "after": after[each] or None} for each in shown]
        return {"line": line, "outcome": outcome, "key": name, "name": name, "fields": fields}
