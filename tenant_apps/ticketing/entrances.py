"""Writing about an event's entrances: check-in lists, and the zones that they lead into.

What they mean for a scan is in `admission`.
"""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from shared_apps.core.clock import local
from shared_apps.core.errors import FieldError, InvalidInput
from tenant_apps.activity.services import before_and_after, gone, made, record
from tenant_apps.events.models import Event
from tenant_apps.events.times import BadTime, moment
from tenant_apps.ticketing import admission
from tenant_apps.ticketing.errors import CheckInListUsed, ZoneFuller, ZoneInUse
from tenant_apps.ticketing.models import CheckIn, CheckInList, CheckInZone, TicketType
from tenant_apps.ticketing.rows import ids, locked, of_event
from tenant_apps.ticketing.type_fields import text

MOST_LISTS = 100
MOST_PEOPLE = 10_000_000
LONGEST_EVENT = 400
LIST_FIELDS = ("gate", "zone", "day", "day_starts", "opens_at", "closes_at", "entries", "directions")
_TIMES = ("opens_at", "closes_at")


def ensure_door(event: Event) -> None:
    """Give the event a check-in list that takes every ticket type, unless it has a list already."""
    if not event.check_in_lists.exists():
        CheckInList.objects.create(event=event, name=_("All tickets"))


def days_of(event: Event) -> list[date]:
    """Return the days of the event, as its own clock shows them."""
    first = local(event.starts_at, event.timezone).date()
    last = local(event.ends_at or event.starts_at, event.timezone).date()
    return [first + timedelta(days=number) for number in range(min((last - first).days, LONGEST_EVENT) + 1)]


@transaction.atomic
def create_check_in_list(
    event: Event, *, name: str, ticket_types: Iterable[TicketType] = (), actor: Any, **fields: Any
) -> CheckInList:
    """Make a list; one without ticket types accepts all of its event. `fields` are LIST_FIELDS."""
    if event.check_in_lists.count() >= MOST_LISTS:
        raise InvalidInput(_("An event has at most %d check-in lists.") % MOST_LISTS)
    entrance = CheckInList(event=event, name=text("name", name, CheckInList))
    _fill(entrance, fields)
    entrance.save()
    entrance.ticket_types.set(of_event(event, ticket_types, "ticket_types"))
    told = made(name=entrance.name, ticket_types=ids(entrance.ticket_types), **_told(entrance, fields))
    record("check_in_list.created", entrance, actor=actor, details={"name": entrance.name, **told}, deliver=False)
    return entrance


@transaction.atomic
def change_check_in_list(entrance: CheckInList, *, actor: Any, **fields: Any) -> CheckInList:
    """Change what is given. Whoever is inside stays counted where they came in; the next scan goes by the new rules."""
    entrance = locked(CheckInList, entrance.pk)
    types = fields.pop("ticket_types", None)
    before: dict[str, Any] = {"name": entrance.name, **_told(entrance, fields)}
    if "name" in fields:
        entrance.name = text("name", fields.pop("name"), CheckInList)
    _fill(entrance, fields)
    entrance.save()
    after: dict[str, Any] = {"name": entrance.name, **_told(entrance, fields)}
    if types is not None:
        before["ticket_types"] = ids(entrance.ticket_types)
        entrance.ticket_types.set(of_event(entrance.event, types, "ticket_types"))
        after["ticket_types"] = ids(entrance.ticket_types)
    details = before_and_after(before, after)
    record("check_in_list.updated", entrance, actor=actor, details=details, deliver=False)
    return entrance


@transaction.atomic
def delete_check_in_list(entrance: CheckInList, *, actor: Any) -> None:
    """Delete it. Raises CheckInListUsed once it was scanned at: scans are kept."""
    entrance = locked(CheckInList, entrance.pk)
    if CheckIn.objects.filter(check_in_list=entrance).exists():
        raise CheckInListUsed
    was = gone(name=entrance.name)
    record("check_in_list.deleted", entrance, actor=actor, details={"name": entrance.name, **was}, deliver=False)
    entrance.delete()


def copy_entrances(event: Event, copy: Event, twins: Mapping[int, TicketType]) -> None:
    """Give an event's twin the same lists and zones, on its own days; part of duplicating it."""
    shift = copy.starts_at - event.starts_at
    days = (days_of(copy)[0] - days_of(event)[0]) if copy.starts_at != event.starts_at else timedelta(0)
    lists = list(event.check_in_lists.prefetch_related("ticket_types").order_by("pk"))
    if lists:
        # The first ticket type brought one that takes everything; the event has its own.
        copy.check_in_lists.all().delete()
    zones = {
        zone.pk: CheckInZone.objects.create(event=copy, name=zone.name, capacity=zone.capacity)
        for zone in event.check_in_zones.order_by("pk")
    }
    for old in lists:
        fields = {name: getattr(old, name) for name in LIST_FIELDS}
        fields["zone"] = zones[old.zone_id] if old.zone_id else None
        fields["day"] = old.day + days if old.day else None
        fields |= {name: fields[name] + shift for name in _TIMES if fields[name]}
        twin = CheckInList.objects.create(event=copy, name=old.name, **fields)
        twin.ticket_types.set([twins[each.pk] for each in old.ticket_types.all()])


# --- Zones ---------------------------------------------------------------------------------------------------------


@transaction.atomic
def create_zone(event: Event, *, name: str, capacity: int | None = None, actor: Any) -> CheckInZone:
    """Make a zone. `capacity` None means no limit."""
    if event.check_in_zones.count() >= MOST_LISTS:
        raise InvalidInput(_("An event has at most %d zones.") % MOST_LISTS)
    zone = CheckInZone(event=event, name=text("name", name, CheckInZone), capacity=_people(capacity))
    zone.save()
    told = made(name=zone.name, capacity=zone.capacity)
    record("check_in_zone.created", zone, actor=actor, details={"event": event.pk, **told}, deliver=False)
    return zone


@transaction.atomic
def change_zone(zone: CheckInZone, *, actor: Any, **fields: Any) -> CheckInZone:
    """Change name or capacity. Raises ZoneFuller for a capacity below the number of people inside."""
    changes: dict[str, Any] = {}
    enough = Q()
    if "name" in fields:
        changes["name"] = text("name", fields["name"], CheckInZone)
    if "capacity" in fields:
        changes["capacity"] = capacity = _people(fields["capacity"])
        enough = Q() if capacity is None else Q(inside__lte=capacity)
    before = {name: getattr(zone, name) for name in changes}
    # One conditional UPDATE: whoever comes in at this moment is counted.
    if not CheckInZone.objects.filter(enough, pk=zone.pk).update(**changes, modified_at=timezone.now()):
        fresh = locked(CheckInZone, zone.pk)
        raise ZoneFuller(field="capacity", inside=fresh.inside)
    details = before_and_after(before, changes)
    zone = CheckInZone.objects.get(pk=zone.pk)
    record("check_in_zone.updated", zone, actor=actor, details={"name": zone.name, **details}, deliver=False)
    return zone


@transaction.atomic
def delete_zone(zone: CheckInZone, *, actor: Any) -> None:
    """Delete it. Raises ZoneInUse while a list leads into it or people are counted inside."""
    zone = locked(CheckInZone, zone.pk)
    if zone.inside or zone.lists.exists():
        raise ZoneInUse
    was = gone(name=zone.name, capacity=zone.capacity)
    record("check_in_zone.deleted", zone, actor=actor, details={"name": zone.name, **was}, deliver=False)
    zone.delete()


@transaction.atomic
def empty_zone(zone: CheckInZone, *, actor: Any) -> int:
    """Count everybody as gone, for a morning after nobody was scanned out; return how many. They may come in again
    where the list allows it."""
    people = admission.empty(zone, timezone.now())
    zone.refresh_from_db()
    told = before_and_after({"inside": zone.inside + people}, {"inside": zone.inside})
    if people:
        record("check_in_zone.emptied", zone, actor=actor, details={"name": zone.name, **told}, deliver=False)
    return people


# --- Inside ------------------------------------------------------------------------------------------------------


def _told(entrance: CheckInList, fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: getattr(entrance, "zone_id" if name == "zone" else name) for name in LIST_FIELDS if name in fields}


def _fill(entrance: CheckInList, fields: Mapping[str, Any]) -> None:
    """Put the values on the row; raises InvalidInput naming each that does not fit. Times without an offset are the
    event's local time (B3)."""
    unknown = set(fields) - set(LIST_FIELDS)
    if unknown:
        raise TypeError(f"CheckInList has no field {sorted(unknown)}.")
    errors: list[FieldError] = []
    for name, value in fields.items():
        if name == "gate":
            value = text("gate", value, CheckInList)
        elif name == "zone":
            value = of_event(entrance.event, [value], "zone")[0] if value is not None else None
        elif name in _TIMES:
            try:
                value = moment(value, entrance.event.timezone, name)
            except BadTime as bad:
                errors.append(bad.error)
                continue
        setattr(entrance, name, value)
    if "day" in fields and entrance.day is not None and entrance.day not in days_of(entrance.event):
        errors.append(FieldError("day", "not_a_day_of_the_event", _("The event is not on this day.")))
    if isinstance(entrance.day_starts, bool) or not 0 <= entrance.day_starts <= 23:
        errors.append(FieldError("day_starts", "out_of_range", _("An hour from 0 to 23.")))
    if entrance.entries not in CheckInList.Entries.values:
        errors.append(FieldError("entries", "invalid", _("There is no such rule.")))
    if entrance.directions not in CheckInList.Directions.values:
        errors.append(FieldError("directions", "invalid", _("There is no such direction.")))
    if entrance.opens_at and entrance.closes_at and entrance.closes_at <= entrance.opens_at:
        errors.append(FieldError("closes_at", "before_start", _("It cannot close before it opens.")))
    if errors:
        raise InvalidInput(errors=errors)


def _people(capacity: int | None) -> int | None:
    if capacity is None:
        return None
    if isinstance(capacity, bool) or not isinstance(capacity, int) or not 0 <= capacity <= MOST_PEOPLE:
        message = _("A whole number of people from 0 to %d, or nothing for no limit.") % MOST_PEOPLE
        raise InvalidInput(errors=[FieldError("capacity", "out_of_range", message)])
    return capacity
