"""May this be bought now, in this quantity, at this price? Asked of what was read; counters and constraints decide."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Protocol

from shared_apps.core.errors import SoldOut
from shared_apps.core.money import to_minor
from shared_apps.core.prepared import Parameter, Prepared
from shared_apps.core.templatetags.money import written
from tenant_apps.events.models import Event
from tenant_apps.orders import errors
from tenant_apps.orders.answers import with_questions
from tenant_apps.promotions.models import Discount
from tenant_apps.ticketing.models import TicketType
from tenant_apps.ticketing.prices import MOST_OPEN_MINOR, Portion, portions, tiers_of
from tenants.context import current_tenant
from tenants.preferences import preference


class Wish(Protocol):
    """A line as the buyer sent it."""

    @property
    def ticket_type(self) -> int | None: ...
    @property
    def quantity(self) -> int: ...
    @property
    def price(self) -> str | Decimal | None: ...


def wanted_types(wishes: Sequence[Wish]) -> Counter[int]:
    """How many tickets of each type all lines together ask for."""
    wanted: Counter[int] = Counter()
    for wish in wishes:
        if wish.ticket_type is not None:
            wanted[wish.ticket_type] += wish.quantity
    return wanted


@Prepared
def _read(ids: Parameter, now: Parameter) -> Any:
    """The types with these ids, with their quotas and the room there, tiers, questions, and the discounts in force."""
    public = TicketType.objects.exclude(event__status__in=("draft", "archived")).order_by()
    types: Any = public.extra(**ids.among("ticketing_tickettype.id"))
    types = with_questions(types.select_related("event").with_quota_ids().with_room().with_tiers())
    return types.annotate(discount_rows=Discount.objects.as_rows(now.as_moment()))


def types_on_sale(
    wishes: Sequence[Wish], unlocked: Collection[int], now: datetime, *, at_counter: bool = False
) -> dict[int, TicketType]:
    """Return the ticket types by id, each fit to be sold now in this quantity, with all that an order needs of it.

    One statement reads them with their quotas, tiers and questions, and the discounts in force (`discount_rows`, the
    same for each type). `unlocked` are the hidden types that the buyer's vouchers open. Staff `at_counter` sell outside
    of the sale window as well, and as many or few at once as there are people in front of them.
    """
    wanted = wanted_types(wishes)
    if not wanted:
        return {}
    limit = preference(current_tenant(), "max_tickets_per_order")
    if sum(wanted.values()) > limit:
        raise errors.TooManyTickets(field="lines", limit=limit)
    found: dict[int, TicketType] = {
        one.pk: one for one in _read(list(wanted), now) if not one.hidden or one.pk in unlocked
    }
    for index, wish in enumerate(wishes):
        if wish.ticket_type is None:
            continue
        ticket_type = found.get(wish.ticket_type)
        if ticket_type is None:
            raise errors.UnknownTicketType(field=f"lines.{index}.ticket_type")
        refuse_off_sale(ticket_type, f"lines.{index}.ticket_type", now, at_counter=at_counter)
        least, most = (1, limit) if at_counter else (ticket_type.min_per_order, ticket_type.max_per_order)
        if not least <= wanted[wish.ticket_type] <= most or wish.quantity < 1:
            raise errors.WrongQuantity(field=f"lines.{index}.quantity", what=ticket_type.name, least=least, most=most)
        if not ticket_type.quota_ids:  # type: ignore[attr-defined]  # annotated
            # A type that draws from no quota has no places: selling it would be selling without a count.
            raise SoldOut(what=ticket_type.name)
    return found


def lacking_room(types: Mapping[int, Any], wanted: Mapping[int, int], *, beyond_holds: bool) -> TicketType | None:
    """Return a type of which, as it was read, fewer places are left than are wanted; None is no promise that there are
    enough (M1).

    `beyond_holds` counts what others hold as room, since it may yet come back (M3): what is lacking then is sold.
    """
    name = "unsold" if beyond_holds else "free"
    for pk, count in wanted.items():
        room = types[pk].room[name]
        if room is not None and room < count:
            found: TicketType = types[pk]
            return found
    return None


def refuse_off_sale(ticket_type: TicketType, where: str, now: datetime, *, at_counter: bool = False) -> None:
    """The sale window is [start, end) (O10); without an end of its own a type is sold until the event is over."""
    event = ticket_type.event
    if event.status != Event.Status.PUBLISHED:
        raise errors.NotOnSale(field=where, what=event.title)
    if at_counter:
        return
    if ticket_type.sale_starts_at and now < ticket_type.sale_starts_at:
        raise errors.SaleNotStarted(field=where, what=ticket_type.name)
    over = event.ends_at or event.starts_at
    if now >= over or (ticket_type.sale_ends_at and now >= ticket_type.sale_ends_at):
        raise errors.SaleEnded(field=where, what=ticket_type.name)


class Prices:
    """Gives the lines of one order their prices: a tier's tickets go to the first admissions that ask for the type,
    whatever line they stand on."""

    def __init__(self, types: Mapping[int, TicketType], wishes: Sequence[Wish], now: datetime):
        self._left = {
            pk: _one_by_one(portions(tiers_of(types[pk]), types[pk].price_minor, quantity, now))
            for pk, quantity in wanted_types(wishes).items()
        }

    def of(self, ticket_type: TicketType, wish: Wish, where: str) -> list[Portion]:
        """Return a portion for each admission of the line, in minor units, as fixed in the order (M6)."""
        if ticket_type.price_kind == TicketType.PriceKind.OPEN:
            return [Portion(1, said_price(ticket_type, wish.price, where))] * wish.quantity
        if wish.price is not None:
            raise errors.PriceNotAllowed(field=where, what=ticket_type.name)
        mine, rest = self._left[ticket_type.pk][: wish.quantity], self._left[ticket_type.pk][wish.quantity :]
        self._left[ticket_type.pk] = rest
        return mine


def _one_by_one(shared: Sequence[Portion]) -> list[Portion]:
    return [Portion(1, each.price_minor, each.tier) for each in shared for _admission in range(each.quantity)]


def said_price(ticket_type: Any, price: str | Decimal | None, where: str) -> int:
    """Return what the buyer wants to pay, in minor units: the least if they do not say. `price` is in major units."""
    least: int = ticket_type.price_minor
    if price is None:
        return least
    currency = ticket_type.event.currency
    try:
        minor = to_minor(price, currency)
    except ValueError:
        raise errors.InvalidPrice(field=where) from None
    if minor < least:
        raise errors.PriceTooLow(field=where, what=ticket_type.name, least=written(least, currency))
    if minor > MOST_OPEN_MINOR:
        raise errors.PriceTooHigh(field=where, most=written(MOST_OPEN_MINOR, currency))
    return minor
