"""Selling at a counter: what staff have for sale there, and who may sell what.

The counter's own rules: no sale window and no least or most per order, hidden types too, nobody's address needed.
Places are claimed as for every order; nothing is sold that is not there (M1).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from tenant_apps.catalog.models import Product, ProductVariant
from tenant_apps.events.models import Event
from tenant_apps.orders import errors
from tenant_apps.orders.checkout import Basket, BasketLine
from tenant_apps.orders.counter import CHANNEL, at_counter
from tenant_apps.orders.goods import price_of, tax_of_goods, title_of, variants_on_sale
from tenant_apps.orders.models import Order, OrderLine
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
# So many kinds of goods lie on a counter; further ones are sold over the API.
MOST_GOODS = 200


@dataclass(frozen=True, slots=True)
class Tile:
    """One ticket type, or variant of goods (its id), at the counter: what is left of it, and what the next one costs
    with its tax, in minor units. Goods are sold `least` at first, and then by `step`."""

    name: str
    left: int | None
    most: int
    price_minor: int
    is_open: bool = False
    ticket_type: int | None = None
    variant: int | None = None
    least: int = 1
    step: int = 1

    @property
    def field(self) -> str:
        """The name of its quantity in forms."""
        return f"quantity_{self.ticket_type}" if self.variant is None else f"goods_{self.variant}"

    @property
    def price_field(self) -> str:
        return f"price_{self.ticket_type}"


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
        found.append(Tile(one.name, one.places, most, price, is_open, ticket_type=one.pk))
    return found


def goods_tiles(currency: str, actor: Any) -> list[Tile]:
    """Return the goods in this currency that the actor may hand over the counter, by name; one statement.

    Goods are of no event: who has a grant on one event only sells its tickets and nothing else.
    """
    if not allowed(actor, "change_orders"):
        return []
    rate, included = tax_of_goods()
    products = Product.objects.public().taking_orders().filter(currency=currency)
    rows = ProductVariant.objects.filter(product__in=products).select_related("product")
    found = []
    for one in rows.order_by("product__name", "product_id", "position", "pk")[:MOST_GOODS]:
        most = MOST if one.free is None else min(MOST, one.free)
        most = most - most % one.order_multiple if most >= one.least else 0
        price = with_tax(price_of(one), rate, included=included)
        found.append(
            Tile(title_of(one), one.free, most, price, variant=one.pk, least=one.least, step=one.order_multiple)
        )
    return found


def sold_at(event: Event, actor: Any) -> Any:
    """Return the counter's orders of this event's tickets, and for whoever sells goods those of goods alone."""
    mine: Any = Q(lines__event=event)
    if allowed(actor, "change_orders"):
        mine |= ~Exists(OrderLine.objects.filter(order_id=OuterRef("pk"), event__isnull=False))
    return Order.objects.filter(mine, channel=CHANNEL).distinct()


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


def may_sell(lines: Any, actor: Any) -> bool:
    """Whether the actor may sell everything on these lines of an order: tickets by role or by a grant on their event,
    goods by role."""
    return allowed(actor, "change_orders") or not lines.exclude(event__in=events_where(actor, "change_orders")).exists()


def costs(basket: Basket, now: datetime | None = None) -> int:
    """What a basket comes to at the counter, in minor units; nothing is written or held. Raises what a sale would
    refuse of the basket itself."""
    now = now or timezone.now()
    types = types_on_sale(basket.lines, unlocked(basket.lines), now, at_counter=True)
    variants = variants_on_sale(basket.lines)
    return at_counter(quote(basket, types, variants, now, delivery=NO_WAY), complimentary=False).totals.total_minor
