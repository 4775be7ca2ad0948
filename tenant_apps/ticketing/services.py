"""Writing about what is on sale: ticket types, quotas, check-in lists and the keys that sign tickets."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import transaction
from django.db.models import F, ProtectedError, Q
from django.utils.translation import gettext as _

from shared_apps.core.errors import FieldError, InvalidInput, NotFound
from shared_apps.core.money import MAX_MINOR
from tenant_apps.activity.services import before_and_after, gone, made, record
from tenant_apps.events import details
from tenant_apps.events import services as events
from tenant_apps.events.models import Event
from tenant_apps.events.times import BadTime, moment
from tenant_apps.ticketing.errors import CapacityBelowSold, CheckInListUsed, QuotaInUse, TicketTypeHasOrders
from tenant_apps.ticketing.keys import ensure_key
from tenant_apps.ticketing.models import CheckIn, CheckInList, Quota, TicketType

__all__ = [
    "change_check_in_list",
    "change_quota",
    "change_ticket_type",
    "create_check_in_list",
    "create_quota",
    "create_ticket_type",
    "delete_check_in_list",
    "delete_quota",
    "delete_ticket_type",
    "duplicate_event",
    "ensure_door",
    "ensure_key",
]

MOST_PLACES = 10_000_000
MOST_TYPES = 200
TEXTS, TIMES, NUMBERS = ("name", "description"), ("sale_starts_at", "sale_ends_at"), ("min_per_order", "max_per_order")
TYPE_FIELDS = frozenset({*TEXTS, *TIMES, *NUMBERS, "price_minor", "tax_rate", "hidden", "position"})


@transaction.atomic
def create_ticket_type(
    event: Event, *, actor: Any, name: str, price_minor: int = 0, quotas: Iterable[Quota] = (), **fields: Any
) -> TicketType:
    """Put a kind of admission on sale. The price is in the event's currency, in minor units.

    With an event's first ticket type come its door and its key, so that scanning works as soon as selling does.
    """
    if event.ticket_types.count() >= MOST_TYPES:
        raise InvalidInput(_("An event has at most %d ticket types.") % MOST_TYPES)
    ticket_type = TicketType(event=event)
    _fill(ticket_type, {"name": name, "price_minor": price_minor, **fields})
    ticket_type.save()
    ticket_type.quotas.set(_of_event(event, quotas, "quotas"))
    ensure_door(event)
    ensure_key(event)
    told = made(name=ticket_type.name, price_minor=ticket_type.price_minor)
    record(
        "ticket_type.created", ticket_type, actor=actor, details={"event": event.pk, "name": ticket_type.name, **told}
    )
    return ticket_type


@transaction.atomic
def change_ticket_type(ticket_type: TicketType, *, actor: Any, **fields: Any) -> TicketType:
    """Change what is given. Orders that were made keep their price (M6)."""
    ticket_type = _locked(TicketType, ticket_type.pk)
    quotas = fields.pop("quotas", None)
    before = {name: getattr(ticket_type, name) for name in fields}
    _fill(ticket_type, fields)
    ticket_type.save()
    after = {name: getattr(ticket_type, name) for name in fields}
    if quotas is not None:
        before["quotas"] = _ids(ticket_type.quotas)
        ticket_type.quotas.set(_of_event(ticket_type.event, quotas, "quotas"))
        after["quotas"] = _ids(ticket_type.quotas)
    details = before_and_after(before, after)
    record("ticket_type.updated", ticket_type, actor=actor, details=details)
    return ticket_type


@transaction.atomic
def delete_ticket_type(ticket_type: TicketType, *, actor: Any) -> None:
    """Delete it. Raises TicketTypeHasOrders if it was ever ordered."""
    was = gone(name=ticket_type.name, price_minor=ticket_type.price_minor)
    record("ticket_type.deleted", ticket_type, actor=actor, details={"name": ticket_type.name, **was})
    try:
        ticket_type.delete()
    except ProtectedError:
        raise TicketTypeHasOrders from None


@transaction.atomic
def create_quota(
    event: Event, name: str, capacity: int | None, ticket_types: Iterable[TicketType] = (), *, actor: Any = None
) -> Quota:
    """Make a number of places that the ticket types draw from. `capacity` None means no limit."""
    quota = Quota(event=event, name=_text("name", name, Quota), capacity=_places(capacity))
    quota.save()
    quota.ticket_types.set(_of_event(event, ticket_types, "ticket_types"))
    told = made(name=quota.name, capacity=capacity)
    record("quota.created", quota, actor=actor, details={"event": event.pk, "capacity": capacity, **told})
    return quota


@transaction.atomic
def change_quota(quota: Quota, *, actor: Any, **fields: Any) -> Quota:
    """Change name, capacity or ticket types. Raises CapacityBelowSold where places would be taken from buyers (M1)."""
    changes: dict[str, Any] = {}
    if "name" in fields:
        changes["name"] = _text("name", fields["name"], Quota)
    enough = Q()
    if "capacity" in fields:
        changes["capacity"] = capacity = _places(fields["capacity"])
        if capacity is not None:
            enough = Q(held__lte=capacity - F("sold"))
    before = {name: getattr(quota, name) for name in changes}
    # One conditional UPDATE: whoever buys at this moment is counted (M1).
    if changes and not Quota.objects.filter(enough, pk=quota.pk).update(**changes):
        fresh = _locked(Quota, quota.pk)
        raise CapacityBelowSold(field="capacity", taken=fresh.held + fresh.sold)
    quota = Quota.objects.get(pk=quota.pk)
    if "ticket_types" in fields:
        before["ticket_types"] = _ids(quota.ticket_types)
        quota.ticket_types.set(_of_event(quota.event, fields["ticket_types"], "ticket_types"))
        changes["ticket_types"] = _ids(quota.ticket_types)
    quota.save(update_fields=["modified_at"])
    record("quota.updated", quota, actor=actor, details=before_and_after(before, changes))
    return quota


@transaction.atomic
def delete_quota(quota: Quota, *, actor: Any) -> None:
    """Delete it. Raises QuotaInUse while places of it are sold or held: their count would be lost."""
    quota = _locked(Quota, quota.pk)
    if quota.held or quota.sold:
        raise QuotaInUse
    record(
        "quota.deleted",
        quota,
        actor=actor,
        details={"name": quota.name, **gone(name=quota.name, capacity=quota.capacity)},
    )
    quota.delete()


def _ids(rows: Any) -> list[int]:
    return sorted(rows.values_list("pk", flat=True))


def ensure_door(event: Event) -> None:
    """Give the event a check-in list that takes every ticket type, unless it has a list already."""
    if not event.check_in_lists.exists():
        CheckInList.objects.create(event=event, name=_("All tickets"))


@transaction.atomic
def create_check_in_list(
    event: Event, *, name: str, ticket_types: Iterable[TicketType] = (), actor: Any
) -> CheckInList:
    """Make a list; one without ticket types accepts all of its event."""
    entrance = CheckInList.objects.create(event=event, name=_text("name", name, CheckInList))
    entrance.ticket_types.set(_of_event(event, ticket_types, "ticket_types"))
    told = made(name=entrance.name, ticket_types=_ids(entrance.ticket_types))
    record("check_in_list.created", entrance, actor=actor, details={"name": entrance.name, **told}, deliver=False)
    return entrance


@transaction.atomic
def change_check_in_list(entrance: CheckInList, *, actor: Any, **fields: Any) -> CheckInList:
    """Change its name or the ticket types it accepts."""
    entrance = _locked(CheckInList, entrance.pk)
    before: dict[str, Any] = {"name": entrance.name}
    if "name" in fields:
        entrance.name = _text("name", fields["name"], CheckInList)
    entrance.save()
    after: dict[str, Any] = {"name": entrance.name}
    if "ticket_types" in fields:
        before["ticket_types"] = _ids(entrance.ticket_types)
        entrance.ticket_types.set(_of_event(entrance.event, fields["ticket_types"], "ticket_types"))
        after["ticket_types"] = _ids(entrance.ticket_types)
    details = before_and_after(before, after)
    record("check_in_list.updated", entrance, actor=actor, details=details, deliver=False)
    return entrance


@transaction.atomic
def delete_check_in_list(entrance: CheckInList, *, actor: Any) -> None:
    """Delete it. Raises CheckInListUsed once it was scanned at: scans are kept."""
    entrance = _locked(CheckInList, entrance.pk)
    if CheckIn.objects.filter(check_in_list=entrance).exists():
        raise CheckInListUsed
    was = gone(name=entrance.name)
    record("check_in_list.deleted", entrance, actor=actor, details={"name": entrance.name, **was}, deliver=False)
    entrance.delete()


@transaction.atomic
def duplicate_event(event: Event, *, actor: Any, **changes: Any) -> Event:
    """Make a draft like the event: ticket types, quotas, programme, what to bring and questions; nothing sold.

    Sale windows and the programme move with the start.
    """
    copy = events.duplicate(event, actor=actor, **changes)
    shift = copy.starts_at - event.starts_at
    twins: dict[int, TicketType] = {}
    for old in event.ticket_types.all():
        same = {name: getattr(old, name) for name in TYPE_FIELDS}
        moved = {name: same[name] + shift for name in TIMES if same[name] is not None}
        twins[old.pk] = create_ticket_type(copy, actor=actor, **{**same, **moved})
    for quota in event.quotas.prefetch_related("ticket_types"):
        types = [twins[old.pk] for old in quota.ticket_types.all()]
        create_quota(copy, quota.name, quota.capacity, types, actor=actor)
    details.copy_details(event, copy, {old: twin.pk for old, twin in twins.items()})
    return copy


# --- Inside ------------------------------------------------------------------------------------------------------


def _locked(model: Any, pk: Any) -> Any:
    row = model.objects.select_for_update(of=("self",)).select_related("event").filter(pk=pk).first()
    if row is None:
        raise NotFound
    return row


def _of_event(event: Event, rows: Iterable[Any], field: str) -> list[Any]:
    rows = list(rows)
    if any(row.event_id != event.pk for row in rows):
        raise InvalidInput(errors=[FieldError(field, "does_not_exist", _("This belongs to another event."))])
    return rows


def _text(name: str, value: Any, model: Any) -> str:
    text = " ".join(str(value or "").split())
    longest = model._meta.get_field(name).max_length
    if not text and name == "name":
        raise InvalidInput(errors=[FieldError(name, "required", _("Give it a name."))])
    if len(text) > longest:
        raise InvalidInput(errors=[FieldError(name, "too_long", _("At most %d characters.") % longest)])
    return text


def _places(capacity: int | None) -> int | None:
    if capacity is None:
        return None
    if isinstance(capacity, bool) or not isinstance(capacity, int) or not 0 <= capacity <= MOST_PLACES:
        message = _("A whole number of places from 0 to %d, or nothing for no limit.") % MOST_PLACES
        raise InvalidInput(errors=[FieldError("capacity", "out_of_range", message)])
    return capacity


def _fill(ticket_type: TicketType, fields: Mapping[str, Any]) -> None:
    unknown = set(fields) - TYPE_FIELDS
    if unknown:
        raise TypeError(f"TicketType has no field {sorted(unknown)}.")
    errors: list[FieldError] = []
    for name, value in fields.items():
        if name in TEXTS:
            value = _text(name, value, TicketType)
        elif name in TIMES:
            try:
                value = moment(value, ticket_type.event.timezone, name)
            except BadTime as bad:
                errors.append(bad.error)
                continue
        setattr(ticket_type, name, value)
    if not 0 <= ticket_type.price_minor <= MAX_MINOR:
        errors.append(FieldError("price", "out_of_range", _("A price cannot be negative or this large.")))
    if not 0 <= ticket_type.tax_rate <= 100:
        errors.append(FieldError("tax_rate", "out_of_range", _("A tax rate lies between 0 and 100.")))
    if not 1 <= ticket_type.min_per_order <= ticket_type.max_per_order <= 1000:
        errors.append(FieldError("max_per_order", "out_of_range", _("The limits per order do not fit each other.")))
    starts, ends = ticket_type.sale_starts_at, ticket_type.sale_ends_at
    if starts and ends and ends <= starts:
        errors.append(FieldError("sale_ends_at", "before_start", _("The sale cannot end before it starts.")))
    if errors:
        raise InvalidInput(errors=errors)
