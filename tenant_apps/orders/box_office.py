"""Selling at a counter: what staff have for sale there, and who may sell what.

The counter's own rules: no sale window and no least or most per order, hidden types too, nobody's address needed.
Places are claimed as for every order; nothing is sold that is not there (M1).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone

from tenant_apps.events.models import Event
from tenant_apps.orders import errors
from tenant_apps.orders.checkout import Basket, BasketLine
from tenant_apps.orders.counter import at_counter
from tenant_apps.orders.quote import NO_WAY, quote
from tenant_apps.orders.selection import types_on_sale
from tenant_apps.staff.permissions import allowed, events_where
from tenant_apps.ticketing.models import TicketType
from tenant_apps.ticketing.prices import includes_tax, portions, tiers_of, with_tax
from tenants.context import current_tenant
from tenants.preferences import preference

CASH, COMPLIMENTARY = "cash", "complimentary"
WAYS = (CASH, COMPLIMENTARY)
# One tile takes at most so many at once; the order's own limit is the tenant's.
MOST = 100


@dataclass(frozen=True, slots=True)
class Tile:
    """One ticket type at the counter: what is left of it, and what the next one costs with its tax, in minor units."""

    ticket_type: Any
    left: int | None
    most: int
    price_minor: int
    is_open: bool


def events_at_counter(actor: Any) -> Any:
    """Return the events whose tickets the actor may sell, the next ones first."""
    return events_where(actor, "change_orders").filter(status=Event.Status.PUBLISHED).order_by("starts_at", "pk")


def tiles(event: Event, now: datetime | None = None) -> list[Tile]:
    """Return what can be sold of an event, nothing of one that is not on sale; one statement."""
    now = now or timezone.now()
    by_default = preference(current_tenant(), "prices_include_tax")
    found = []
    for one in TicketType.objects.filter(event=event).with_places().with_tiers().order_by("position", "pk"):
        included = includes_tax(one, by_default)
        most = MOST if one.places is None else max(0, min(MOST, one.places))
        if event.status != Event.Status.PUBLISHED:
            most = 0
        shares = portions(tiers_of(one), one.price_minor, max(1, most), now)
        price = with_tax(shares[0].price_minor, one.tax_rate, included=included)
        is_open = one.price_kind == TicketType.PriceKind.OPEN
        found.append(Tile(one, one.places, most, price, is_open))
    return found


def unlocked(lines: Iterable[BasketLine]) -> list[int]:
    """The hidden types among those asked for: at the counter each may be sold."""
    return [line.ticket_type for line in lines if line.ticket_type is not None]


def refuse_foreign(lines: Iterable[BasketLine], actor: Any) -> None:
    """Raise UnknownTicketType or UnknownGoods for what the actor may not sell: tickets by role or by a grant on their
    event, goods by role."""
    if allowed(actor, "change_orders"):
        return
    wanted = list(lines)
    mine = events_where(actor, "change_orders").values("pk")
    types = {line.ticket_type for line in wanted if line.ticket_type is not None}
    known = set(TicketType.objects.filter(pk__in=types, event__in=mine).values_list("pk", flat=True))
    for index, line in enumerate(wanted):
        if line.ticket_type is None:
            raise errors.UnknownGoods(field=f"lines.{index}.variant")
        if line.ticket_type not in known:
            raise errors.UnknownTicketType(field=f"lines.{index}.ticket_type")


def costs(basket: Basket, now: datetime | None = None) -> int:
    """What the tickets of a basket come to at the counter, in minor units; nothing is written or held. Raises what a
    sale would refuse of the basket itself."""
    now = now or timezone.now()
    types = types_on_sale(basket.lines, unlocked(basket.lines), now, at_counter=True)
    return at_counter(quote(basket, types, {}, now, delivery=NO_WAY), complimentary=False).totals.total_minor
