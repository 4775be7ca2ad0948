"""What a storefront says about what is on sale: pure functions over rows that were read with their places.

Give events that were loaded by `querysets.with_ticket_types`. All of it is for showing; the counters decide (M1).
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone

from tenant_apps.events.models import Event
from tenant_apps.ticketing.prices import Portion, Tier, includes_tax, portions, tiers_of, told_stock, with_tax
from tenants.context import current_tenant
from tenants.preferences import preference

# From here on a storefront says how few are left.
FEW = 10


@dataclass(frozen=True, slots=True)
class Offer:
    """One ticket type as a buyer sees it. `state`: on_sale, sold_out, not_yet, ended, closed."""

    # With `places` and `tier_rows`, which with_ticket_types annotates.
    ticket_type: Any
    state: str
    most: int
    portions: list[Portion]
    tax_included: bool = True

    @property
    def places(self) -> int | None:
        places: int | None = self.ticket_type.places
        return places

    @property
    def few(self) -> int:
        """How many are left where that is worth saying, or as the organizer set it; else 0."""
        threshold = self.ticket_type.show_stock_below
        told = told_stock(self.places, FEW if threshold is None else threshold)
        return told or 0 if self.state == "on_sale" else 0

    @property
    def price_minor(self) -> int:
        """What the next one costs, before tax that is added; where buyers say the price, the least."""
        return self.portions[0].price_minor

    @property
    def total_minor(self) -> int:
        """What the next one costs with its tax."""
        return with_tax(self.price_minor, self.ticket_type.tax_rate, included=self.tax_included)

    @property
    def tier(self) -> Tier | None:
        return self.portions[0].tier

    @property
    def tax_added(self) -> bool:
        """Whether tax comes to the price that is shown."""
        return not self.tax_included and bool(self.ticket_type.tax_rate) and self.price_minor > 0

    @property
    def is_open(self) -> bool:
        """Whether buyers say the price."""
        return bool(self.ticket_type.price_kind == "pay_what_you_want")

    @property
    def steps(self) -> str:
        """For the script that adds up: "3:1000 17:1500", so many admissions at so much with their tax."""
        rate, included = self.ticket_type.tax_rate, self.tax_included
        return " ".join(
            f"{each.quantity}:{with_tax(each.price_minor, rate, included=included)}" for each in self.portions
        )


@dataclass(frozen=True, slots=True)
class EventOffer:
    """An event's offers in one word and one price. `state` as in Offer, or cancelled, postponed, over, none."""

    offers: list[Offer]
    state: str
    price_from_minor: int | None
    price_to_minor: int | None
    few: int
    opens_at: datetime | None = None

    @property
    def buyable(self) -> bool:
        return self.state == "on_sale"


def offer_of(ticket_type: Any, event: Event, now: datetime, *, prices_include_tax: bool = True) -> Offer:
    """Return what can be had of one type now, by its window, the event's state and the places read with it."""
    end = event.ends_at or event.starts_at
    least = ticket_type.min_per_order
    places = ticket_type.places
    most = ticket_type.max_per_order if places is None else min(ticket_type.max_per_order, places)
    if ticket_type.max_per_person is not None:
        most = min(most, ticket_type.max_per_person)
    if event.status != Event.Status.PUBLISHED or now >= end:
        state = "closed"
    elif ticket_type.sale_starts_at and now < ticket_type.sale_starts_at:
        state = "not_yet"
    elif ticket_type.sale_ends_at and now >= ticket_type.sale_ends_at:
        state = "ended"
    else:
        state = "sold_out" if most < least else "on_sale"
    shares = portions(tiers_of(ticket_type), ticket_type.price_minor, max(1, most), now)
    included = includes_tax(ticket_type, prices_include_tax)
    return Offer(ticket_type, state, most if state == "on_sale" else 0, shares, included)


def event_offer(event: Any, now: datetime | None = None) -> EventOffer:
    """Return the event's offers and what its card says."""
    now = now or timezone.now()
    included = preference(current_tenant(), "prices_include_tax")
    offers = [offer_of(each, event, now, prices_include_tax=included) for each in event.ticket_types.all()]
    prices = [offer.total_minor for offer in offers]
    states = {offer.state for offer in offers}
    opens: list[datetime] = [offer.ticket_type.sale_starts_at for offer in offers if offer.state == "not_yet"]
    if event.status in (Event.Status.CANCELLED, Event.Status.POSTPONED):
        state = str(event.status)
    elif event.status == Event.Status.FINISHED or now >= (event.ends_at or event.starts_at):
        state = "over"
    elif not offers:
        state = "none"
    else:
        state = next((each for each in ("on_sale", "not_yet", "sold_out", "ended", "closed") if each in states), "none")
    on_sale = [offer for offer in offers if offer.state == "on_sale"]
    # Types may share a quota, so the most that any shows is the nearest truth that needs no further statement.
    few = max((offer.few for offer in on_sale), default=0) if all(offer.few for offer in on_sale) else 0
    return EventOffer(
        offers=offers,
        state=state,
        price_from_minor=min(prices, default=None),
        price_to_minor=max(prices, default=None),
        few=few,
        opens_at=min(opens, default=None),
    )
