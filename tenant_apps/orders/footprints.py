"""What this tenant's orders leave in the public copy behind `me/…`: told by the outbox, checked and made anew here.

`keep_footprint` reads the order as it is when the message is delivered, so messages that come twice, late or together
lead to the same copy (G2). The copy is written in public, after the tenant's own commit (citus.md, rules 3 and 12).
"""

from collections.abc import Collection, Iterable, Iterator
from uuid import UUID

from shared_apps.people import footprints
from shared_apps.people.footprints import Footprint, Place
from tenant_apps.activity.delivery import subscribe
from tenant_apps.activity.models import OutboxMessage
from tenant_apps.events.models import Event
from tenant_apps.orders.models import Order, OrderLine
from tenants.context import current_tenant, in_public
from tenants.restoring import Restored, afterwards

BATCH = 500


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
    tenant = current_tenant()
    order_id = UUID(message.aggregate.partition(":")[2])
    found = as_they_are([order_id]).get(order_id)
    with in_public():
        footprints.keep(tenant.pk, order_id, found)


@subscribe("event.postponed")
@subscribe("event.updated")
def move_places(message: OutboxMessage) -> None:
    """Copy an event's times to the places that people have at it."""
    tenant = current_tenant()
    event = Event.objects.filter(pk=message.aggregate.partition(":")[2]).first()
    if event is not None:
        with in_public():
            footprints.move_event(tenant.pk, event.pk, event.starts_at, event.ends_at or event.starts_at)


def as_they_are(order_ids: Collection[UUID]) -> dict[UUID, Footprint]:
    """Return what these orders of the present tenant should leave; two statements."""
    places: dict[UUID, list[Place]] = {}
    standing = OrderLine.objects.filter(
        order__in=order_ids, order__status__in=(Order.Status.PENDING, Order.Status.PAID), status=OrderLine.Status.ACTIVE
    )
    # What was passed on is its new holder's, who has a link to it.
    own = standing.exclude(event=None).exclude(ticket__secret__gt="")
    for line in own.select_related("event").order_by("pk"):
        event = line.event
        assert event is not None
        place = Place(line.pk, line.ticket_id, event.pk, event.starts_at, event.ends_at or event.starts_at)
        places.setdefault(line.order_id, []).append(place)
    found = {}
    for order in Order.objects.filter(pk__in=order_ids).only("pk", "created_at", "user_id", "email"):
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

    Orders that the outbox has yet to tell of differ for a moment, and are right by the next time.
    """
    tenant = current_tenant()
    for ids in _batches():
        wanted = as_they_are(ids)
        with in_public():
            kept = footprints.as_kept(tenant.pk, ids)
            for order_id in ids:
                if kept.get(order_id) != wanted.get(order_id):
                    yield f"order {order_id}: {_word(kept.get(order_id), wanted.get(order_id))}"
                    if mend:
                        footprints.keep(tenant.pk, order_id, wanted.get(order_id))
    yield from _strangers(tenant.pk, mend=mend)


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
            rest = footprints.kept_orders(tenant_id).order_by("order_id")
            rest = rest if last is None else rest.filter(order_id__gt=last)
            ids = list(rest.values_list("order_id", flat=True)[:BATCH])
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
    if kept is None:
        return "missing in the copy"
    if wanted is None:
        return "must not be in the copy"
    return "its places are others" if kept.places != wanted.places else "whose it is or when it was placed differs"
