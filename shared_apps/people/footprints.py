"""Where a person bought: the public copy behind `me/…`. Written by what the tenants' outboxes say, one order at a time.

Reading goes through it to the few tenants that a page shows, one after the other: nothing joins two tenants.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.contrib.postgres.aggregates import ArrayAgg
from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.utils import timezone
from django.utils.crypto import salted_hmac

from shared_apps.accounts.models import User, small_letters
from shared_apps.core.personal import is_erased
from shared_apps.people.models import BoughtOrder, BoughtPlace

_SALT = "people.address"
# No order was placed then.
NEVER = datetime(1, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Place:
    """One admission that stands."""

    line_id: UUID
    ticket_id: UUID | None
    event_id: int
    starts_at: datetime
    until: datetime
    called_off: bool = False


@dataclass(frozen=True)
class Footprint:
    """What an order leaves in public: whose it is, when it was placed, and its places."""

    order_id: UUID
    placed_at: datetime
    user_id: int | None
    address_key: str
    places: tuple[Place, ...]


def address_key(email: str) -> str:
    """Return what a guest's address is known by here: a keyed hash."""
    return salted_hmac(_SALT, small_letters(email), algorithm="sha256").hexdigest()


def footprint(
    *, order_id: UUID, placed_at: datetime, user_id: int | None, email: str, places: Iterable[Place]
) -> Footprint | None:
    """Describe an order for the copy; None for one whose buyer was erased."""
    if is_erased(email):
        return None
    key = "" if user_id is not None else address_key(email)
    return Footprint(order_id, placed_at, user_id, key, tuple(places))


def keep(tenant_id: int, order_id: UUID, now_is: Footprint | None) -> None:
    """Make the copy of one order what it is now; None takes it away. Repeating it changes nothing (G2).

    Runs in public, in a transaction of its own. The order's row is locked first, so of two deliveries the later
    statement wins with whole rows; both read the order after the change that they follow from.
    """
    with transaction.atomic():
        if now_is is None or (now_is.user_id and not with_account([now_is.user_id])):
            BoughtPlace.objects.filter(tenant_id=tenant_id, order_id=order_id).delete()
            BoughtOrder.objects.filter(tenant_id=tenant_id, order_id=order_id).delete()
            return
        BoughtOrder.objects.bulk_create(
            [_order_row(tenant_id, now_is)],
            update_conflicts=True,
            unique_fields=["tenant", "order_id"],
            update_fields=["user", "address_key", "placed_at"],
        )
        list(BoughtOrder.objects.select_for_update().filter(tenant_id=tenant_id, order_id=order_id).values_list("pk"))
        lines = [place.line_id for place in now_is.places]
        BoughtPlace.objects.filter(tenant_id=tenant_id, order_id=order_id).exclude(line_id__in=lines).delete()
        BoughtPlace.objects.bulk_create(
            _place_rows(tenant_id, now_is),
            update_conflicts=True,
            unique_fields=["tenant", "line_id"],
            update_fields=["user", "address_key", "ticket_id", "event_id", "starts_at", "until", "called_off"],
        )


def keep_new(tenant_id: int, found: Collection[Footprint]) -> None:
    """Copy orders of which nothing is kept yet: four statements for all instead of six for each. Runs in public."""
    buyers = {each.user_id for each in found if each.user_id}
    active = with_account(buyers)
    shown = [each for each in found if not each.user_id or each.user_id in active]
    with transaction.atomic():
        BoughtOrder.objects.bulk_create([_order_row(tenant_id, each) for each in shown], ignore_conflicts=True)
        places = [row for each in shown for row in _place_rows(tenant_id, each)]
        BoughtPlace.objects.bulk_create(places, ignore_conflicts=True)


def _order_row(tenant_id: int, each: Footprint) -> BoughtOrder:
    return BoughtOrder(
        tenant_id=tenant_id,
        order_id=each.order_id,
        user_id=each.user_id,
        address_key=each.address_key,
        placed_at=each.placed_at,
    )


def _place_rows(tenant_id: int, each: Footprint) -> list[BoughtPlace]:
    return [
        BoughtPlace(
            tenant_id=tenant_id,
            order_id=each.order_id,
            user_id=each.user_id,
            address_key=each.address_key,
            line_id=place.line_id,
            ticket_id=place.ticket_id,
            event_id=place.event_id,
            starts_at=place.starts_at,
            until=place.until,
            called_off=place.called_off,
        )
        for place in each.places
    ]


def move_event(tenant_id: int, event_id: int, starts_at: datetime, until: datetime, called_off: bool) -> None:
    """An event has other times now, or takes place no more. Rows that say so already are not written."""
    others = ~Q(starts_at=starts_at, until=until, called_off=called_off)
    rows = BoughtPlace.objects.filter(others, tenant_id=tenant_id, event_id=event_id)
    rows.update(starts_at=starts_at, until=until, called_off=called_off)


def as_kept(tenant_id: int, order_ids: Collection[UUID]) -> dict[UUID, Footprint]:
    """Return what the copy says of these orders, for comparing it with the tenant's own rows.

    What no order leaves, places without their order or of somebody else than it, is dated `NEVER`: it is equal to none.
    """
    orders = {row.order_id: row for row in BoughtOrder.objects.filter(tenant_id=tenant_id, order_id__in=order_ids)}
    places: dict[UUID, list[Place]] = {}
    torn: set[UUID] = set()
    for row in BoughtPlace.objects.filter(tenant_id=tenant_id, order_id__in=order_ids).order_by("line_id"):
        place = Place(row.line_id, row.ticket_id, row.event_id, row.starts_at, row.until, row.called_off)
        places.setdefault(row.order_id, []).append(place)
        order = orders.get(row.order_id)
        if order is None or (order.user_id, order.address_key) != (row.user_id, row.address_key):
            torn.add(row.order_id)
    kept = {}
    for order_id in orders.keys() | places.keys():
        found = orders.get(order_id)
        if found is None:
            kept[order_id] = Footprint(order_id, NEVER, None, "", ())
        else:
            placed_at = NEVER if order_id in torn else found.placed_at
            own = tuple(places.get(order_id, ()))
            kept[order_id] = Footprint(order_id, placed_at, found.user_id, found.address_key, own)
    return kept


def kept_orders(tenant_id: int) -> QuerySet[BoughtOrder]:
    """Return the tenant's orders in the copy."""
    return BoughtOrder.objects.filter(tenant_id=tenant_id)


def known_orders(tenant_id: int, after: UUID | None, most: int) -> list[UUID]:
    """Return the next of the tenant's orders of which the copy knows anything, in turn."""
    found: set[UUID] = set()
    for model in (BoughtOrder, BoughtPlace):
        rows = model._default_manager.filter(tenant_id=tenant_id)
        rows = rows if after is None else rows.filter(order_id__gt=after)
        found.update(rows.order_by("order_id").values_list("order_id", flat=True).distinct()[:most])
    return sorted(found)[:most]


def left_of_erased() -> list[tuple[str, int]]:
    """Return tenants whose data is gone and of whom the copy still knows orders, with how many."""
    gone = BoughtOrder.objects.filter(tenant__erased_at__isnull=False)
    return list(gone.values_list("tenant__slug").annotate(number=Count("pk")).order_by("tenant__slug"))


def forget_erased() -> int:
    """Drop what the copy knows of tenants whose data is gone; return how many orders."""
    BoughtPlace.objects.filter(tenant__erased_at__isnull=False).delete()
    rows = BoughtOrder.objects.filter(tenant__erased_at__isnull=False)
    count = rows.count()
    rows.delete()
    return count


def with_account(user_ids: Collection[int]) -> set[int]:
    """Return those of these people whose account has not ended: only of them anything is kept."""
    return set(User.objects.filter(pk__in=user_ids, is_active=True).values_list("pk", flat=True))


def forget_tenant(tenant_id: int) -> None:
    """Drop the tenant's part of the copy."""
    BoughtPlace.objects.filter(tenant_id=tenant_id).delete()
    BoughtOrder.objects.filter(tenant_id=tenant_id).delete()


# --- Questions ----------------------------------------------------------------------------------------------------


def belongs_to(user: Any) -> Q:
    """Return the condition for what is this person's: ordered while signed in, or by their confirmed address."""
    mine = Q(user_id=user.pk)
    return mine | Q(address_key=address_key(user.email)) if user.email_verified else mine


def orders_of(user: Any) -> QuerySet[BoughtOrder]:
    """Return the person's orders at tenants that are open, newest first."""
    return BoughtOrder.objects.filter(belongs_to(user), tenant__status="open").select_related("tenant")


def tickets_of(user: Any) -> QuerySet[BoughtPlace]:
    """Return the person's places that have a ticket, latest first."""
    issued = BoughtPlace.objects.filter(belongs_to(user), tenant__status="open", ticket_id__isnull=False)
    return issued.select_related("tenant").order_by("-starts_at", "-line_id")


def upcoming_events_of(user: Any, now: datetime | None = None) -> "QuerySet[BoughtPlace, Any]":
    """Return events ahead at which the person has places, as {tenant_id, event_id, starts_at}, soonest first."""
    ahead = BoughtPlace.objects.filter(
        belongs_to(user), tenant__status="open", called_off=False, until__gte=now or timezone.now()
    )
    return ahead.order_by("starts_at", "tenant_id", "event_id").values("tenant_id", "event_id", "starts_at").distinct()


def past_events_of(user: Any, now: datetime | None = None) -> "QuerySet[BoughtPlace, Any]":
    """Return events that are over, for which the person had tickets; as `upcoming_events_of`, the latest first."""
    over = BoughtPlace.objects.filter(
        belongs_to(user), tenant__status="open", ticket_id__isnull=False, until__lt=now or timezone.now()
    )
    named = over.values("tenant_id", "event_id", "starts_at").distinct()
    return named.order_by("-starts_at", "-tenant_id", "-event_id")


def shown_places_of(
    user: Any, *, ahead: bool, tenant_id: int | None, most: int, now: datetime | None = None
) -> "list[tuple[int, int, list[UUID]]]":
    """Return (tenant, event, tickets) of events that the person has tickets for, ahead or over, the nearest first; at
    one tenant or at all that are open. For showing to others: what is not paid for is not in it."""
    now = now or timezone.now()
    issued = BoughtPlace.objects.filter(
        belongs_to(user), tenant__status="open", called_off=False, ticket_id__isnull=False
    )
    rows = issued.filter(until__gte=now) if ahead else issued.filter(until__lt=now)
    rows = rows if tenant_id is None else rows.filter(tenant_id=tenant_id)
    way = "" if ahead else "-"
    grouped = rows.values_list("tenant_id", "event_id", "starts_at").annotate(tickets=ArrayAgg("ticket_id"))
    found = grouped.order_by(f"{way}starts_at", "tenant_id", "event_id")[:most]
    return [(tenant, event, tickets) for tenant, event, _starts_at, tickets in found]


def places_of(user: Any) -> QuerySet[BoughtPlace]:
    """Return the person's places, with or without a ticket yet."""
    return BoughtPlace.objects.filter(belongs_to(user), tenant__status="open")
