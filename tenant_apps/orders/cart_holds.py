"""What carts hold of the stock: claimed, given back exactly once, handed on to an order (M1, M3).

A cart has one owner, and whoever clears overdue ones skips a cart that is being worked on. So carts are locked before
any stock, and nobody who has locked stock waits for a cart: no deadlock (M2).
"""

import logging
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from shared_apps.core.capacity import in_lock_order
from shared_apps.core.errors import SoldOut
from tenant_apps.catalog.models import ProductVariant
from tenant_apps.orders import errors
from tenant_apps.orders.cart_models import Cart, CartLine
from tenant_apps.orders.fulfilment import pieces, places
from tenant_apps.orders.models import Order, OrderLine
from tenant_apps.ticketing.freed import places_freed
from tenant_apps.ticketing.models import Quota, TicketType

logger = logging.getLogger(__name__)

MOST_AT_ONCE = 100
# A cart is kept for so long without a change, a guest's and a person's.
KEPT = timedelta(days=60)


@dataclass
class Held:
    """So many places of each quota, and pieces of each variant, by id."""

    places: Counter[int] = field(default_factory=Counter)
    pieces: Counter[int] = field(default_factory=Counter)

    @classmethod
    def by_cart_lines(cls, lines: Iterable[CartLine]) -> "Held":
        held = cls()
        for line in lines:
            held.places.update({int(quota): count for quota, count in line.places.items() if count})
            if line.pieces and line.variant_id:
                held.pieces[line.variant_id] += line.pieces
        return held

    @classmethod
    def for_order_lines(cls, lines: Collection[OrderLine]) -> "Held":
        """What these lines of an order claim."""
        return cls(places(lines), pieces(lines))

    def __bool__(self) -> bool:
        return bool(+self.places or +self.pieces)


def lend(held: Held, ticket_types: Iterable[TicketType]) -> None:
    """Let the types' price tiers count what is held as left: the buyer's own early birds are theirs."""
    for ticket_type in ticket_types:
        for row in ticket_type.tier_rows:  # type: ignore[attr-defined]  # annotated by with_tiers
            if row["quota"] in held.places:
                row["held"] -= held.places[row["quota"]]


def exchange(mine: Held, wanted: Held, titles: Collection[OrderLine], *, sell: bool = False) -> None:
    """Hold (or sell) what is wanted by what is held already: only the difference is claimed or given back.

    The last act before the commit; stock by id, quotas first (M2). Raises SoldOut naming the line; then the whole
    transaction has to be rolled back.
    """
    for model, have, want in (
        (Quota, mine.places, wanted.places),
        (ProductVariant, mine.pieces, wanted.pieces),
    ):
        counters: Any = model._default_manager
        for pk, _count in in_lock_order(have | want):
            both = min(have[pk], want[pk])
            more, less = want[pk] - both, have[pk] - both
            if more and not (counters.sell if sell else counters.hold)(pk, more):
                raise SoldOut(what=_title_of(model, pk, titles))
            if sell and both and not counters.sell_held(pk, both):
                raise RuntimeError(f"{model._meta.label} {pk} has fewer held than the {both} of a cart")
            if less:
                _release(model, pk, less)
    places_freed([pk for pk in mine.places if mine.places[pk] > wanted.places[pk]])


def _title_of(model: Any, pk: int, lines: Collection[OrderLine]) -> str:
    goods = model is ProductVariant
    return next((line.title for line in lines if (line.variant_id == pk if goods else pk in line.quotas)), "")


def _release(model: Any, pk: int, count: int) -> None:
    counters = model._default_manager
    # What went with its event or product, counter and all, needs nothing back.
    if not counters.release(pk, count) and counters.filter(pk=pk).exists():
        raise RuntimeError(f"{model._meta.label} {pk} has fewer held than the {count} of a cart")


def taken(cart: Cart) -> Held:
    """Lock a cart that is being ordered and take it away; return what it holds, which is the order's now.

    Raises CartChanged if it is not as it was when it was read. Runs in the order's transaction, before stock is locked.
    """
    fresh = Cart.objects.select_for_update(of=("self",)).filter(pk=cart.pk, modified_at=cart.modified_at).first()
    if fresh is None:
        raise errors.CartChanged(field="cart")
    held = Held.by_cart_lines(fresh.lines.all())
    fresh.delete()
    return held


def hand_on(held: Held, order: Order, lines: Collection[OrderLine]) -> None:
    """Let a new order claim by what a cart held; as `lifecycle.claim_places`, the last act before the commit."""
    exchange(held, Held.for_order_lines(lines), lines, sell=order.status == Order.Status.PAID)


def give_back(cart: Cart) -> bool:
    """Give back all that a locked cart holds; its lines stay for the buyer to see. Tells whether it held anything."""
    lines = list(cart.lines.all())
    held = Held.by_cart_lines(lines)
    CartLine.objects.filter(pk__in=[line.pk for line in lines if line.is_held]).update(places={}, pieces=0)
    Cart.objects.filter(pk=cart.pk).update(expires_at=None)
    cart.expires_at = None
    exchange(held, Held(), ())
    return bool(held)


def overdue(now: datetime | None = None) -> Any:
    """Carts that hold something beyond their time."""
    return Cart.objects.filter(expires_at__lte=now or timezone.now())


def give_back_overdue(quotas: Collection[int], variants: Collection[int] = (), *, now: datetime | None = None) -> int:
    """Clear the overdue carts that hold places in these quotas, or pieces of these goods; return how many (M3)."""
    holding = Q(lines__places__has_any_keys=[str(pk) for pk in quotas])
    if variants:
        holding |= Q(lines__variant__in=list(variants), lines__pieces__gt=0)
    found = overdue(now).filter(holding).order_by("pk").values_list("pk", flat=True).distinct()
    return sum(_clear(pk, now) for pk in found[:MOST_AT_ONCE])


def clear_overdue(*, limit: int = 500, now: datetime | None = None) -> int:
    """Clear overdue carts, each in a transaction of its own; return how many. Twice changes nothing more (M3, G2)."""
    cleared = 0
    for pk in overdue(now).order_by("expires_at").values_list("pk", flat=True)[:limit]:
        try:
            cleared += _clear(pk, now)
        except Exception:
            # One whose counters are locked, or wrong, must not keep the others' places from being sold.
            logger.exception("cart %s is not cleared", pk)
    return cleared


@transaction.atomic
def _clear(pk: Any, now: datetime | None) -> bool:
    # One that somebody works on is theirs: they give back or renew it. Nor may we wait with stock locked.
    cart = overdue(now).filter(pk=pk).select_for_update(skip_locked=True, of=("self",)).first()
    return cart is not None and give_back(cart)


def forget_old(*, now: datetime | None = None, limit: int = 500) -> int:
    """Delete carts that nobody has touched for long; nothing of them is held any more. Return how many."""
    before = (now or timezone.now()) - KEPT
    old = Cart.objects.filter(modified_at__lt=before, expires_at=None).order_by("modified_at")[:limit]
    return Cart.objects.filter(pk__in=[cart.pk for cart in old], expires_at=None).delete()[0]
