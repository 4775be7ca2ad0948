"""Events with their ticket types, venues, categories and tags, as rows of a file."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from shared_apps.core.money import MAX_MINOR, to_minor
from shared_apps.core.resources import (
    BulkResource,
    BulkRow,
    Choice,
    ColumnError,
    Currency,
    Moment,
    Number,
    Text,
    Whole,
    Words,
    Zone,
    column,
    degrees,
)
from tenant_apps.events.models import Event
from tenant_apps.events.services import LONGEST_DESCRIPTION, MOST_TAGS, clean_description
from tenant_apps.events.slugs import slug_from
from tenant_apps.events.times import BadTime, moment
from tenant_apps.ticketing.bulk import SLUG_LENGTH, EventsInBulk
from tenant_apps.ticketing.bulk_changes import SEPARATOR, changes
from tenant_apps.ticketing.services import MOST_PLACES
from tenants.context import current_tenant

TEXTS = ("title", "summary", "category", "level", "venue_name", "venue_address", "venue_city", "status", "ticket_type")
# Before the address of an event that has no id of a maker's, in files that we gave out.
OWN = "foyer:"


class EventResource(BulkResource):
    """One row is one ticket type of an event; rows that share `external_id` are one event.

    A row without `external_id` is known by its content and by how often that content came before, so the same
    file twice makes nothing new.
    """

    # A file publishes, moves and prices events as their own routes do, and asks for the same right.
    permission = "change_event"

    external_id = column(Text(100))
    title = column(Text(200))
    summary = column(Text(300))
    description = column(Text(LONGEST_DESCRIPTION, lines=True))
    category = column(Text(80))
    tags = column(Words(60))
    level = column(Text(20))
    starts_at = column(Moment())
    ends_at = column(Moment())
    timezone = column(Zone())
    venue_name = column(Text(150))
    venue_address = column(Text(300))
    venue_city = column(Text(80))
    venue_latitude = column(Number())
    venue_longitude = column(Number())
    status = column(Choice(*Event.Status.values))
    ticket_type = column(Text(100))
    price = column(Number())
    currency = column(Currency())
    capacity = column(Whole(MOST_PLACES))

    label = gettext_lazy("Events")
    required = ("title", "starts_at")
    known_by_content = True
    assumed = {"ticket_type": (("price", "capacity"), gettext_lazy("Admission"))}
    aliases = {
        **dict.fromkeys(("id", "event_id", "uid", "key", "listing_id", "код", "ид", "внешний_код"), "external_id"),
        **dict.fromkeys(("name", "event", "event_name", "event_title", "название", "событие", "мероприятие",
                         "наименование", "заголовок"), "title"),
        **dict.fromkeys(("short_description", "subtitle", "кратко", "анонс", "подзаголовок"), "summary"),
        **dict.fromkeys(("details", "about", "text", "описание", "подробно"), "description"),
        **dict.fromkeys(("kind", "genre", "event_type", "activity_type", "категория", "вид", "жанр"), "category"),
        **dict.fromkeys(("keywords", "labels", "types", "topics", "метки", "теги", "тэги", "темы"), "tags"),
        **dict.fromkeys(("difficulty", "уровень", "сложность"), "level"),
        **dict.fromkeys(("start", "starts", "begin", "begins_at", "start_time", "start_date", "date", "datetime",
                         "начало", "дата", "дата_начала", "когда"), "starts_at"),
        **dict.fromkeys(("end", "ends", "finish", "end_time", "end_date", "окончание", "конец",
                         "дата_окончания"), "ends_at"),
        **dict.fromkeys(("time_zone", "tz", "zone", "часовой_пояс"), "timezone"),
        **dict.fromkeys(("venue", "place", "hall", "place_name", "building", "location_name", "место", "площадка",
                         "зал", "где"), "venue_name"),
        **dict.fromkeys(("address", "location", "venue_location", "адрес", "адрес_площадки"), "venue_address"),
        **dict.fromkeys(("city", "town", "город"), "venue_city"),
        **dict.fromkeys(("latitude", "lat", "широта"), "venue_latitude"),
        **dict.fromkeys(("longitude", "lon", "lng", "долгота"), "venue_longitude"),
        **dict.fromkeys(("state", "статус", "состояние"), "status"),
        **dict.fromkeys(("ticket", "ticket_name", "tariff", "билет", "тип_билета", "тариф"), "ticket_type"),
        **dict.fromkeys(("cost", "ticket_price", "amount", "цена", "стоимость"), "price"),
        **dict.fromkeys(("валюта",), "currency"),
        **dict.fromkeys(("places", "seats", "quota", "max_participants", "places_total", "мест", "места", "квота",
                         "вместимость", "количество_мест"), "capacity"),
    }  # fmt: skip
    stage = {
        **dict.fromkeys(("title", "summary", "description", "category", "tags", "level"), "text"),
        "starts_at": "timestamptz",
        "ends_at": "timestamptz",
        **dict.fromkeys(("timezone", "venue_name", "venue_address", "venue_city"), "text"),
        "venue_latitude": "numeric(9,6)",
        "venue_longitude": "numeric(9,6)",
        **dict.fromkeys(("status", "ticket_type", "currency", "slug"), "text"),
        "price_minor": "bigint",
        "capacity": "integer",
    }

    def take(self, rows: Sequence[BulkRow]) -> None:
        """Stage the rows, with times in UTC and prices in minor units by what the row, or else the event, says."""
        tenant = current_tenant()
        known = self._known(rows)
        for row in rows:
            values = row.values
            there = known.get(row.key, (tenant.timezone, tenant.currency))
            errors: list[ColumnError] = []
            zone = values.get("timezone") or there[0]
            times = [self._time(values.get(name), zone, name, errors) for name in ("starts_at", "ends_at")]
            price = self._price(values.get("price"), values.get("currency") or there[1], errors)
            places = [degrees(values.get(name), name, most, errors)
                      for name, most in (("venue_latitude", 90), ("venue_longitude", 180))]  # fmt: skip
            capacity = values.get("capacity")
            if (price is not None or capacity is not None) and not values.get("ticket_type"):
                message = _("Name the ticket type that this belongs to.")
                errors.append(ColumnError("ticket_type", "required", message))
            tags = values.get("tags") or ()
            if len(tags) > MOST_TAGS:
                errors.append(ColumnError("tags", "too_many", _("An event has at most %d tags.") % MOST_TAGS))
            description = values.get("description") or ""
            if description:
                description = clean_description(description)
                if len(description) > LONGEST_DESCRIPTION:
                    message = _("At most %d characters.") % LONGEST_DESCRIPTION
                    errors.append(ColumnError("description", "too_long", message))
            if errors:
                self.staging.refuse(row.line, errors)
                continue
            get = values.get
            title = values["title"]
            self.staging.add(row.line, (
                row.key, title, get("summary") or "", description, get("category") or "", SEPARATOR.join(tags),
                get("level") or "", *times, get("timezone") or "", get("venue_name") or "", get("venue_address") or "",
                get("venue_city") or "", *places, get("status") or "", get("ticket_type") or "", get("currency") or "",
                slug_from(title, fallback="event", length=SLUG_LENGTH), price, capacity,
            ))  # fmt: skip

    def settle(self) -> None:
        self.bulk = EventsInBulk(self.staging, self.columns, self.on_duplicate)
        self.bulk.settle()

    def put(self) -> None:
        self.bulk.put(self.actor)

    def changes(self, most: int) -> tuple[int, list[dict[str, Any]]]:
        return changes(self.staging, self.columns, most)

    def _known(self, rows: Sequence[BulkRow]) -> dict[str, tuple[str, str]]:
        """The zone and currency of the events that are there already, for rows that do not say them."""
        keys = [row.key for row in rows if not (row.values.get("timezone") and row.values.get("currency"))]
        if not keys:
            return {}
        slugs = [key.removeprefix(OWN) for key in keys if key.startswith(OWN)]
        found = Event.objects.filter(Q(external_id__in=keys) | Q(external_id=None, slug__in=slugs))
        there = found.values_list("external_id", "slug", "timezone", "currency")
        return {key or f"{OWN}{slug}": (zone, currency) for key, slug, zone, currency in there}

    def _time(self, value: Any, zone: str, name: str, errors: list[ColumnError]) -> Any:
        if value is None:
            return None
        try:
            return moment(value, zone, name)
        except BadTime as bad:
            errors.append(ColumnError(name, bad.error.code, str(bad.error.message)))
            return None

    def _price(self, value: Decimal | None, currency: str, errors: list[ColumnError]) -> int | None:
        if value is None:
            return None
        try:
            price = to_minor(value, currency)
        except ValueError as error:
            errors.append(ColumnError("price", "invalid_price", str(error)))
            return None
        if not 0 <= price <= MAX_MINOR:
            errors.append(ColumnError("price", "out_of_range", _("A price cannot be negative or this large.")))
        return price
