"""What a storefront says about what is on sale: pure functions over rows that were read with their places.

Give events that were loaded by `querysets.with_ticket_types`. All of it is for showing; the counters decide (M1).
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone

from tenant_apps.events.models import Event

# From here on a storefront says how few are left.
FEW = 10


@dataclass(frozen=True, slots=True)
class Offer:
    """One ticket type as a buyer sees it. `state`: on_sale, sold_out, not_yet, ended, closed."""

    # With `places`, which with_ticket_types annotates.
    ticket_type: Any
    state: str
    most: int

    @property
    def places(self) -> int | None:
        places: int | None = self.ticket_type.places
        return places

    @property
    def few(self) -> int:
        """How many are left where that is worth saying, else 0."""
        return self.places if self.state == "on_sale" and self.places is not None and self.places <= FEW else 0


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


def offer_of(ticket_type: Any, event: Event, now: datetime) -> Offer:
    """Return what can be had of one type now, by its window, the event's state and the places read with it."""
    end = event.ends_at or event.starts_at
    least = ticket_type.min_per_order
    places = ticket_type.places
    most = ticket_type.max_per_order if places is None else min(ticket_type.max_per_order, places)
    if event.status != Event.Status.PUBLISHED or now >= end:
        return Offer(ticket_type, "closed", 0)
    if ticket_type.sale_starts_at and now < ticket_type.sale_starts_at:
        return Offer(ticket_type, "not_yet", 0)
    if ticket_type.sale_ends_at and now >= ticket_type.sale_ends_at:
        return Offer(ticket_type, "ended", 0)
    if most < least:
        return Offer(ticket_type, "sold_out", 0)
    return Offer(ticket_type, "on_sale", most)


def event_offer(event: Any, now: datetime | None = None) -> EventOffer:
    """Return the event's offers and what its card says."""
    now = now or timezone.now()
    offers = [offer_of(each, event, now) for each in event.ticket_types.all()]
    prices = [offer.ticket_type.price_minor for offer in offers]
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
    left = [offer.places for offer in on_sale]
    few = max((places or 0 for places in left), default=0) if None not in left else 0
    return EventOffer(
        offers=offers,
        state=state,
        price_from_minor=min(prices, default=None),
        price_to_minor=max(prices, default=None),
        few=few if 0 < few <= FEW else 0,
        opens_at=min(opens, default=None),
    )
