"""Writing about what is on sale: ticket types, quotas, and an event's twin with all of it.

What a ticket type's values must be is in `type_fields`; its price tiers are written by `price_tiers`, check-in lists by
`entrances`.
"""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import F, ProtectedError, Q
from django.utils.translation import gettext as _

from shared_apps.core.errors import FieldError, InvalidInput
from tenant_apps.activity.services import before_and_after, gone, made, record
from tenant_apps.events import details
from tenant_apps.events import services as events
from tenant_apps.events.models import Event
from tenant_apps.ticketing.draws import draw, draw_from, lock_types
from tenant_apps.ticketing.entrances import (
    change_check_in_list,
    copy_entrances,
    create_check_in_list,
    delete_check_in_list,
    ensure_door,
)
from tenant_apps.ticketing.errors import CapacityBelowSold, QuotaInUse, TicketTypeHasOrders
from tenant_apps.ticketing.freed import places_freed
from tenant_apps.ticketing.keys import ensure_key
from tenant_apps.ticketing.models import Quota, TicketType
from tenant_apps.ticketing.price_tiers import TierWish, set_tiers
from tenant_apps.ticketing.rows import ids, locked, of_event
from tenant_apps.ticketing.type_fields import TYPE_FIELDS, TYPE_TIMES, fill, text
from tenants.context import current_tenant
from tenants.preferences import preference

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


@transaction.atomic
def create_ticket_type(
    event: Event,
    *,
    actor: Any,
    name: str,
    price_minor: int = 0,
    quotas: Iterable[Quota] = (),
    tiers: Iterable[TierWish] = (),
    **fields: Any,
) -> TicketType:
    """Put a kind of admission on sale. The price is in the event's currency, in minor units; without a tax rate of its
    own it has the tenant's.

    With an event's first ticket type come its door and its key, so that scanning works as soon as selling does.
    """
    if event.ticket_types.count() >= MOST_TYPES:
        raise InvalidInput(_("An event has at most %d ticket types.") % MOST_TYPES)
    ticket_type = TicketType(event=event)
    if fields.get("tax_rate") is None:
        fields["tax_rate"] = Decimal(preference(current_tenant(), "tax_rate"))
    fill(ticket_type, {"name": name, "price_minor": price_minor, **fields})
    ticket_type.save()
    ticket_type.quotas.set(of_event(event, quotas, "quotas"))
    set_tiers(ticket_type, tiers)
    ensure_door(event)
    ensure_key(event)
    told = made(name=ticket_type.name, price_minor=ticket_type.price_minor)
    record(
        "ticket_type.created", ticket_type, actor=actor, details={"event": event.pk, "name": ticket_type.name, **told}
    )
    return ticket_type


@transaction.atomic
def change_ticket_type(ticket_type: TicketType, *, actor: Any, **fields: Any) -> TicketType:
    """Change what is given. Orders that were made keep their price (M6). `tiers`, if given, are all that it has."""
    ticket_type = locked(TicketType, ticket_type.pk)
    quotas = fields.pop("quotas", None)
    tiers: Iterable[TierWish] | None = fields.pop("tiers", None)
    before = {name: getattr(ticket_type, name) for name in fields}
    fill(ticket_type, fields)
    ticket_type.save()
    after = {name: getattr(ticket_type, name) for name in fields}
    if quotas is not None:
        wanted = of_event(ticket_type.event, quotas, "quotas")
        before["quotas"] = ids(ticket_type.quotas)
        draw_from(ticket_type, wanted)
        after["quotas"] = ids(ticket_type.quotas)
    if tiers is not None or ticket_type.price_kind != TicketType.PriceKind.FIXED:
        before["tiers"], after["tiers"] = set_tiers(ticket_type, tiers or ())
    details = before_and_after(before, after)
    record("ticket_type.updated", ticket_type, actor=actor, details=details)
    return ticket_type


@transaction.atomic
def delete_ticket_type(ticket_type: TicketType, *, actor: Any) -> None:
    """Delete it. Raises TicketTypeHasOrders if it was ever ordered."""
    was = gone(name=ticket_type.name, price_minor=ticket_type.price_minor)
    record("ticket_type.deleted", ticket_type, actor=actor, details={"name": ticket_type.name, **was})
    try:
        # Nothing leads from a type that was never ordered to a tier that counts anything.
        ticket_type.delete()
    except ProtectedError:
        raise TicketTypeHasOrders from None


@transaction.atomic
def create_quota(
    event: Event, name: str, capacity: int | None, ticket_types: Iterable[TicketType] = (), *, actor: Any = None
) -> Quota:
    """Make a number of places that the ticket types draw from. `capacity` None means no limit."""
    quota = Quota(event=event, name=text("name", name, Quota), capacity=_places(capacity))
    quota.save()
    draw(quota, of_event(event, ticket_types, "ticket_types"))
    told = made(name=quota.name, capacity=capacity)
    record("quota.created", quota, actor=actor, details={"event": event.pk, "capacity": capacity, **told})
    return quota


@transaction.atomic
def change_quota(quota: Quota, *, actor: Any, **fields: Any) -> Quota:
    """Change name, capacity or ticket types. What a type that joins has sold or holds is counted from then on.

    Raises CapacityBelowSold where places would be taken from buyers (M1).
    """
    changes: dict[str, Any] = {}
    if "name" in fields:
        changes["name"] = text("name", fields["name"], Quota)
    if "ticket_types" in fields:
        fields["ticket_types"] = of_event(quota.event, fields["ticket_types"], "ticket_types")
        lock_types(each.pk for each in fields["ticket_types"])
    enough = Q()
    if "capacity" in fields:
        changes["capacity"] = capacity = _places(fields["capacity"])
        if capacity is not None:
            enough = Q(held__lte=capacity - F("sold"))
    before = {name: getattr(quota, name) for name in changes}
    # One conditional UPDATE: whoever buys at this moment is counted (M1).
    if changes and not Quota.objects.filter(enough, pk=quota.pk).update(**changes):
        fresh = locked(Quota, quota.pk)
        raise CapacityBelowSold(field="capacity", taken=fresh.held + fresh.sold)
    quota = Quota.objects.get(pk=quota.pk)
    if "ticket_types" in fields:
        before["ticket_types"] = ids(quota.ticket_types)
        draw(quota, fields["ticket_types"])
        changes["ticket_types"] = ids(quota.ticket_types)
    quota.save(update_fields=["modified_at"])
    record("quota.updated", quota, actor=actor, details=before_and_after(before, changes))
    if "capacity" in changes:
        places_freed([quota.pk])
    return quota


@transaction.atomic
def delete_quota(quota: Quota, *, actor: Any) -> None:
    """Delete it. Raises QuotaInUse while places of it are sold or held: their count would be lost."""
    quota = locked(Quota, quota.pk)
    if quota.held or quota.sold:
        raise QuotaInUse
    record(
        "quota.deleted",
        quota,
        actor=actor,
        details={"name": quota.name, **gone(name=quota.name, capacity=quota.capacity)},
    )
    quota.delete()


@transaction.atomic
def duplicate_event(event: Event, *, actor: Any, **changes: Any) -> Event:
    """Make a draft like the event: ticket types, quotas, programme, what to bring and questions; nothing sold.

    Sale windows, price tiers, deadlines and the programme move with the start.
    """
    copy = events.duplicate(event, actor=actor, **changes)
    shift = copy.starts_at - event.starts_at
    twins: dict[int, TicketType] = {}
    for old in event.ticket_types.prefetch_related("tiers__quota"):
        same = {name: getattr(old, name) for name in TYPE_FIELDS}
        moved = {name: same[name] + shift for name in TYPE_TIMES if same[name] is not None}
        tiers = [TierWish.like(tier, shift) for tier in old.tiers.all()]
        twins[old.pk] = create_ticket_type(copy, actor=actor, tiers=tiers, **{**same, **moved})
    for quota in event.quotas.prefetch_related("ticket_types"):
        types = [twins[old.pk] for old in quota.ticket_types.all()]
        create_quota(copy, quota.name, quota.capacity, types, actor=actor)
    copy_entrances(event, copy, twins)
    details.copy_details(event, copy, {old: twin.pk for old, twin in twins.items()})
    return copy


# --- Inside ------------------------------------------------------------------------------------------------------


def _places(capacity: int | None) -> int | None:
    if capacity is None:
        return None
    if isinstance(capacity, bool) or not isinstance(capacity, int) or not 0 <= capacity <= MOST_PLACES:
        message = _("A whole number of places from 0 to %d, or nothing for no limit.") % MOST_PLACES
        raise InvalidInput(errors=[FieldError("capacity", "out_of_range", message)])
    return capacity
