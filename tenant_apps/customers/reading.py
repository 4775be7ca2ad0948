"""Favourites with what their events and goods are now: a page of them costs as much as one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tenant_apps.catalog.models import Product
from tenant_apps.customers.favourites import State, product_state
from tenant_apps.customers.models import Favourite
from tenant_apps.events.models import Event
from tenant_apps.ticketing.querysets import with_prices


@dataclass(frozen=True, slots=True)
class Shown:
    """One favourite, with the event or the product, loaded with what is shown of it."""

    favourite: Favourite
    event: Any
    product: Any
    state: State

    @property
    def thing(self) -> Any:
        return self.event or self.product

    @property
    def title(self) -> str:
        return str(self.event.title if self.event else self.product.name)

    @property
    def currency(self) -> str:
        return str(self.thing.currency)


def shown_favourites(rows: Sequence[Favourite]) -> list[Shown]:
    """Return the favourites with what they are of, in at most three statements."""
    event_ids = [row.event_id for row in rows if row.event_id]
    product_ids = [row.product_id for row in rows if row.product_id]
    events: dict[int, Any] = {}
    goods: dict[int, Any] = {}
    if event_ids:
        found = with_prices(Event.objects.filter(pk__in=event_ids)).select_related("venue").defer("search", "letters")
        events = {event.pk: event for event in found}
    if product_ids:
        goods = {product.pk: product for product in Product.objects.filter(pk__in=product_ids).for_show()}
    shown = []
    for row in rows:
        if event := events.get(row.event_id or 0):
            shown.append(Shown(row, event, None, State(event.status, event.price_from_minor)))
        elif product := goods.get(row.product_id or 0):
            shown.append(Shown(row, None, product, product_state(product)))
    return shown
