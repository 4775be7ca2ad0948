"""What this tenant's orders leave in the public copy behind `me/…`: told by the outbox, checked and made anew here.

`keep_footprint` reads the order as it is when the message is delivered, so messages that come twice, late or together
lead to the same copy (G2). The copy is written in public, after the tenant's own commit (citus.md, rules 3 and 12).

Between reading here and writing there others may write: an event is moved while one of its orders is copied, or a
worker that stood still for longer than its lease goes on. So whoever has written reads once more, and writes again if
what was written is no longer so. Whoever writes last reads after everybody's change: the copy ends as the orders are.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import TypeVar
from uuid import UUID

from django.db.models import Q

from shared_apps.core.faults import point
from shared_apps.people import footprints
from shared_apps.people.footprints import Footprint, Place
from tenant_apps.activity.delivery import subscribe
from tenant_apps.activity.models import OutboxMessage
from tenant_apps.events.models import Event
from tenant_apps.orders.models import Order, OrderLine
from tenants.context import current_tenant, in_public
from tenants.restoring import Restored, afterwards

BATCH = 500
# Each round is one change that came in between. More than that is somebody at work, whose message is still to come.
MOST_ROUNDS = 20

# So often an order has to differ, with no message about it waiting, until that is called a difference.
LOOKS = 2

Facts = TypeVar("Facts")


class StillMoving(Exception):
    """It changed each time while it was copied. The message comes again."""


@subscribe("order.placed")
@subscribe("order.paid")
@subscribe("order.expired")
@subscribe("order.cancelled")
@subscribe("order.lines_cancelled")
@subscribe("order.ticket_passed_on")
@subscribe("order.claimed")
@subscribe("order.contact_changed")
@subscribe("order.forgotten")
def keep_footprint(message: OutboxMessage) -> None:
    """Copy whose order it is and which places it has now."""
    keep_order(UUID(message.aggregate.partition(":")[2]))


def keep_order(order_id: UUID) -> None:
    """Make the copy of one order of the present tenant what the order is."""
    tenant = current_tenant()

    def write(found: Footprint | None) -> None:
        point("projection.read")
        with in_public():
            footprints.keep(tenant.pk, order_id, found)
        point("projection.kept")

    _until_it_is_so(lambda: as_they_are([order_id]).get(order_id), write)


@subscribe("event.postponed")
@subscribe("event.updated")
@subscribe("event.cancelled")
@subscribe("event.published")
@subscribe("event.archived")
def move_places(message: OutboxMessage) -> None:
    """Copy an event's times, and whether it takes place, to the places that people have at it."""
    tenant, event_id = current_tenant(), int(message.aggregate.partition(":")[2])

    def read() -> Event | None:
        return Event.objects.filter(pk=event_id).first()

    def write(event: Event | None) -> None:
        if event is None:
            return
        with in_public():
            footprints.move_event(
                tenant.pk, event.pk, event.starts_at, event.ends_at or event.starts_at, _is_off(event)
            )

    def facts() -> tuple[Event | None, tuple[object, ...]]:
        event = read()
        return event, (event.starts_at, event.ends_at, event.status) if event else ()

    _until_it_is_so(facts, lambda found: write(found[0]), same=lambda one, other: one[1] == other[1])


def _until_it_is_so(
    read: Callable[[], Facts], write: Callable[[Facts], None], same: Callable[[Facts, Facts], bool] | None = None
) -> None:
    """Write what was read until it is still so afterwards."""
    found = read()
    for _round in range(MOST_ROUNDS):
        write(found)
        now_is = read()
        if same(found, now_is) if same else found == now_is:
            return
        found = now_is
    raise StillMoving


def _is_off(event: Event) -> bool:
    return event.status in (Event.Status.CANCELLED, Event.Status.ARCHIVED)


def as_they_are(order_ids: Collection[UUID]) -> dict[UUID, Footprint]:
    """Return what these orders of the present tenant should leave; three statements."""
    places: dict[UUID, list[Place]] = {}
    standing = OrderLine.objects.filter(
        order__in=order_ids, order__status__in=(Order.Status.PENDING, Order.Status.PAID), status=OrderLine.Status.ACTIVE
    )
    # What was passed on is its new holder's, who has a link to it.
    own = standing.exclude(event=None).exclude(ticket__secret__gt="")
    for line in own.select_related("event").order_by("pk"):
        event = line.event
        assert event is not None
        until = event.ends_at or event.starts_at
        place = Place(line.pk, line.ticket_id, event.pk, event.starts_at, until, _is_off(event))
        places.setdefault(line.order_id, []).append(place)
    found = {}
    orders = list(Order.objects.filter(pk__in=order_ids).only("pk", "created_at", "user_id", "email"))
    people = footprints.with_account({order.user_id for order in orders if order.user_id is not None})
    for order in orders:
        if order.user_id is not None and order.user_id not in people:
            continue
        left = footprints.footprint(
            order_id=order.pk,
            placed_at=order.created_at,
            user_id=order.user_id,
            email=order.email,
            places=places.get(order.pk, ()),
        )
        if left is not None:
            found[order.pk] = left
    return found


def copy_again(restored: Restored) -> Iterable[str]:
    """After a restore the copy is what the orders say; of a tenant that was gone all of it is made anew."""
    tenant = current_tenant()
    for ids in _batches():
        wanted = as_they_are(ids)
        with in_public():
            kept = footprints.as_kept(tenant.pk, ids)
            footprints.keep_new(tenant.pk, [each for order_id, each in wanted.items() if order_id not in kept])
            for order_id in kept:
                if kept[order_id] != wanted.get(order_id):
                    footprints.keep(tenant.pk, order_id, wanted.get(order_id))
    for _stranger in _strangers(tenant.pk, mend=True):
        pass
    return ()


afterwards("footprints", copy_again, order=40)


def differences(*, mend: bool = False) -> Iterator[str]:
    """Compare the copy with the present tenant's own orders, batch by batch; say and, if asked, mend each difference.

    What the outbox has yet to tell of is left to it, unless all is to be mended.
    """
    tenant = current_tenant()
    for ids in _batches():
        yield from _compared(tenant.pk, ids, mend=mend)
    yield from _strangers(tenant.pk, mend=mend)


def newest_differences(most: int) -> list[str]:
    """Return what differs among the newest orders of the present tenant; a few statements."""
    ids = list(Order.objects.order_by("-created_at", "-pk").values_list("pk", flat=True)[:most])
    return list(_compared(current_tenant().pk, ids, mend=False))


def _compared(tenant_id: int, ids: Collection[UUID], *, mend: bool) -> Iterator[str]:
    differing = _differing(tenant_id, ids)
    # While people buy, an order may change between the two questions; then its message waits, or was delivered since.
    for _look in range(0 if mend else LOOKS):
        if not differing:
            return
        waiting = _waiting(differing)
        differing = _differing(tenant_id, [pk for pk in differing if pk not in waiting])
    if not mend:
        waiting = _waiting(differing)
        differing = {pk: each for pk, each in differing.items() if pk not in waiting}
    for order_id, (kept, wanted) in differing.items():
        yield f"order {order_id}: {_word(kept, wanted)}"
        if mend:
            keep_order(order_id)


def _differing(tenant_id: int, ids: Collection[UUID]) -> dict[UUID, tuple[Footprint | None, Footprint | None]]:
    """Orders of which the copy says something else, with what it says and what it should. The copy is asked first."""
    with in_public():
        kept = footprints.as_kept(tenant_id, ids)
    wanted = as_they_are(ids)
    return {pk: (kept.get(pk), wanted.get(pk)) for pk in ids if kept.get(pk) != wanted.get(pk)}


def _waiting(order_ids: Collection[UUID]) -> set[UUID]:
    """Those of the orders of which, or of one of whose events, the outbox has something to tell."""
    lines = OrderLine.objects.filter(order__in=order_ids).exclude(event=None)
    events: dict[str, set[UUID]] = {}
    for order_id, event_id in lines.values_list("order_id", "event_id"):
        events.setdefault(f"events.event:{event_id}", set()).add(order_id)
    orders = {f"orders.order:{pk}": {pk} for pk in order_ids}
    about = Q(aggregate__in=[*orders, *events], delivered_at=None, parked_at=None)
    found = OutboxMessage.objects.filter(about).values_list("aggregate", flat=True)
    return {pk for aggregate in found for pk in (orders | events)[aggregate]}


def _batches() -> Iterator[list[UUID]]:
    last = None
    while True:
        rest = Order.objects.order_by("pk") if last is None else Order.objects.filter(pk__gt=last).order_by("pk")
        ids = list(rest.values_list("pk", flat=True)[:BATCH])
        if not ids:
            return
        yield ids
        last = ids[-1]


def _strangers(tenant_id: int, *, mend: bool) -> Iterator[str]:
    """Orders of the copy that the tenant does not have."""
    last = None
    while True:
        with in_public():
            ids = footprints.known_orders(tenant_id, last, BATCH)
        if not ids:
            return
        there = set(Order.objects.filter(pk__in=ids).values_list("pk", flat=True))
        for order_id in ids:
            if order_id not in there:
                yield f"order {order_id}: there is no such order"
                if mend:
                    with in_public():
                        footprints.keep(tenant_id, order_id, None)
        last = ids[-1]


def _word(kept: Footprint | None, wanted: Footprint | None) -> str:
    if wanted is None:
        return "must not be in the copy"
    if kept is None or (kept.placed_at == footprints.NEVER and not kept.places):
        return "missing in the copy"
    return "its places are others" if kept.places != wanted.places else "whose it is or when it was placed differs"
