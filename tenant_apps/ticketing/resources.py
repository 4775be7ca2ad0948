"""Events with their ticket types, venues, categories and tags, as rows of a file."""

import hashlib
from typing import Any

from django.utils.translation import gettext as _

from shared_apps.core.errors import DomainError, FieldError, InvalidInput
from shared_apps.core.money import to_minor
from shared_apps.core.resources import (
    Choice,
    Currency,
    Moment,
    Number,
    Outcome,
    RowResource,
    Text,
    Whole,
    Words,
    Zone,
    column,
)
from tenant_apps.events import services as events
from tenant_apps.events.models import Category, Event, Tag
from tenant_apps.events.taxonomy import get_or_create_named, get_or_create_venue
from tenant_apps.events.times import BadTime, moment
from tenant_apps.ticketing import services
from tenant_apps.ticketing.models import TicketType
from tenants.context import current_tenant

TICKET_COLUMNS = ("ticket_type", "price", "capacity")
VENUE_COLUMNS = ("venue_name", "venue_address", "venue_city", "venue_latitude", "venue_longitude")


class ConflictingRow(DomainError):
    """Two rows of one file say unlike things about one event or ticket type."""

    code, status = "duplicate_row", 409
    message = _("An earlier row with the same key says something else.")


class EventResource(RowResource):
    """One row is one ticket type of an event; rows that share `external_id` are one event.

    A row without `external_id` is known by its content and by how often that content came before, so the same
    file twice makes nothing new.
    """

    external_id = column(Text(100))
    title = column(Text(200))
    summary = column(Text(300))
    description = column(Text(50_000, lines=True))
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
    capacity = column(Whole(services.MOST_PLACES))

    required = ("title", "starts_at")

    def __init__(self, actor: Any = None):
        super().__init__(actor)
        self._events: dict[str, tuple[Event, dict[str, Any]]] = {}
        self._ticket_rows: dict[tuple[int, str], dict[str, Any]] = {}
        self._seen: dict[str, int] = {}
        # Categories, tags and venues by what the file calls them: most rows name the same few.
        self._named: dict[tuple[Any, ...], Any] = {}

    def apply(self, values: dict[str, Any]) -> Outcome:
        """Make or change the row's event and ticket type; unchanged if both are so already."""
        key = values.get("external_id") or self._key_of(values)
        first = key not in self._events
        try:
            return self._apply(key, values)
        except DomainError:
            # What this row made is taken back with it, so later rows must not count on it.
            self._named.clear()
            if first:
                self._events.pop(key, None)
            raise

    def _apply(self, key: str, values: dict[str, Any]) -> Outcome:
        of_event = {name: value for name, value in values.items() if name not in (*TICKET_COLUMNS, "external_id")}
        outcomes = []
        if key in self._events:
            event, before = self._events[key]
            if before != of_event:
                raise ConflictingRow(field=next(name for name in of_event if before.get(name) != of_event[name]))
        else:
            event, outcome = self._put_event(key, of_event)
            self._events[key] = event, of_event
            outcomes.append(outcome)
        outcomes.append(self._put_ticket_type(event, values))
        if Outcome.NEW in outcomes:
            return Outcome.NEW
        return Outcome.CHANGED if Outcome.CHANGED in outcomes else Outcome.UNCHANGED

    def _key_of(self, values: dict[str, Any]) -> str:
        digest = hashlib.sha256(repr(sorted(values.items())).encode()).hexdigest()[:40]
        self._seen[digest] = self._seen.get(digest, 0) + 1
        return f"row:{digest}:{self._seen[digest]}"

    def _put_event(self, key: str, values: dict[str, Any]) -> tuple[Event, Outcome]:
        event = Event.objects.select_related("category", "venue").filter(external_id=key).first()
        if event is None:
            fields = self._fields(values, values.get("timezone") or current_tenant().timezone)
            fields = {name: value for name, value in fields.items() if value not in (None, "")}
            event = events.create_event(actor=self.actor, external_id=key, **fields)
            return self._put_status(event, values.get("status")), Outcome.NEW
        fields = self._fields(values, values.get("timezone") or event.timezone)
        changes = {name: value for name, value in fields.items() if not _same(event, name, value)}
        if changes:
            event = events.update_event(event, actor=self.actor, **changes)
        before = event.status
        event = self._put_status(event, values.get("status"))
        return event, Outcome.CHANGED if changes or event.status != before else Outcome.UNCHANGED

    def _fields(self, values: dict[str, Any], zone: str) -> dict[str, Any]:
        """The row as `create_event` and `update_event` take it; only what the file has a column for."""
        plain = ("title", "summary", "description", "level")
        fields: dict[str, Any] = {name: values[name] for name in plain if name in values}
        # An empty cell leaves zone and currency as they are: an event cannot be without.
        fields |= {name: values[name] for name in ("timezone", "currency") if values.get(name)}
        for name in ("starts_at", "ends_at"):
            if name in values:
                try:
                    fields[name] = moment(values[name], zone, name)
                except BadTime as bad:
                    raise InvalidInput(errors=[bad.error]) from None
        if "category" in values:
            fields["category"] = self._by_name(Category, values["category"]) if values["category"] else None
        if "tags" in values:
            fields["tags"] = [self._by_name(Tag, name) for name in values["tags"]]
        if "venue_name" in values:
            fields["venue"] = self._venue(values, zone) if values["venue_name"] else None
        return fields

    def _by_name(self, model: Any, name: str) -> Any:
        if (model, name) not in self._named:
            self._named[model, name] = get_or_create_named(model, name)
        return self._named[model, name]

    def _venue(self, values: dict[str, Any], zone: str) -> Any:
        details = {
            name.removeprefix("venue_"): values[name] for name in VENUE_COLUMNS[2:] if values.get(name) is not None
        }
        name, address = values["venue_name"], values.get("venue_address", "")
        if ("venue", name, address) not in self._named:
            self._named["venue", name, address] = get_or_create_venue(
                name=name, address=address, timezone=zone, **details
            )
        return self._named["venue", name, address]

    def _put_status(self, event: Event, wanted: str | None) -> Event:
        """Move the event along its life. What was published and is over by now has ended by itself: no change."""
        if not wanted or wanted == event.status or (wanted == "published" and event.status == "finished"):
            return event
        steps = {"published": events.publish, "cancelled": events.cancel, "archived": events.archive}
        if wanted == "finished":  # the schedule ends what is over
            return self._put_status(event, "published")
        if wanted not in steps:
            message = _("An import cannot move an event to %s.") % wanted
            raise InvalidInput(errors=[FieldError("status", "wrong_state", message)])
        if wanted == "cancelled" and event.status == "draft":
            event = events.publish(event, actor=self.actor)
        return steps[wanted](event, actor=self.actor)

    def _put_ticket_type(self, event: Event, values: dict[str, Any]) -> Outcome:
        name = values.get("ticket_type", "")
        if not name:
            for column_name in ("price", "capacity"):
                if values.get(column_name) is not None:
                    raise InvalidInput(
                        errors=[FieldError("ticket_type", "required", _("Name the ticket type that this belongs to."))]
                    )
            return Outcome.UNCHANGED
        row = {name: values[name] for name in TICKET_COLUMNS if name in values}
        if self._ticket_rows.setdefault((event.pk, name.lower()), row) != row:
            raise ConflictingRow(field="ticket_type")
        price = self._price(values, event)
        capacity = values.get("capacity")
        ticket_type = TicketType.objects.filter(event=event, name__iexact=name).prefetch_related("quotas").first()
        if ticket_type is None:
            ticket_type = services.create_ticket_type(
                event,
                actor=self.actor,
                name=name,
                price_minor=price or 0,
                position=TicketType.objects.filter(event=event).count(),
            )
            services.create_quota(event, name, capacity, [ticket_type], actor=self.actor)
            return Outcome.NEW
        return self._change_ticket_type(ticket_type, price, capacity, "capacity" in values)

    def _change_ticket_type(
        self, ticket_type: TicketType, price: int | None, capacity: int | None, has_capacity: bool
    ) -> Outcome:
        outcome = Outcome.UNCHANGED
        if price is not None and price != ticket_type.price_minor:
            services.change_ticket_type(ticket_type, actor=self.actor, price_minor=price)
            outcome = Outcome.CHANGED
        quotas = list(ticket_type.quotas.all())
        if has_capacity and len(quotas) == 1 and quotas[0].capacity != capacity:
            services.change_quota(quotas[0], actor=self.actor, capacity=capacity)
            outcome = Outcome.CHANGED
        elif has_capacity and capacity is not None and len(quotas) > 1 and capacity not in {q.capacity for q in quotas}:
            message = _("This ticket type draws from several quotas; change them one by one.")
            raise InvalidInput(errors=[FieldError("capacity", "several_quotas", message)])
        return outcome

    def _price(self, values: dict[str, Any], event: Event) -> int | None:
        if values.get("price") is None:
            return None
        try:
            price = to_minor(values["price"], event.currency)
        except ValueError as error:
            raise InvalidInput(errors=[FieldError("price", "invalid_price", str(error))]) from None
        if price < 0:
            raise InvalidInput(errors=[FieldError("price", "out_of_range", _("A price cannot be negative."))])
        return price


def _same(event: Event, name: str, value: Any) -> bool:
    """True if the event has this value already, as the services would write it."""
    if name == "tags":
        return {tag.pk for tag in event.tags.all()} == {tag.pk for tag in value}
    if name in ("category", "venue"):
        return getattr(event, f"{name}_id") == (value.pk if value else None)
    if name == "description":
        return event.description == events.clean_description(value)
    return getattr(event, name) == value
