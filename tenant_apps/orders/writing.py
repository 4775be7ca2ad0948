"""A new order in one statement: order, lines, tickets, audit, outbox, and a last look at what it was made from.

Written row by row this is five round trips and most of a checkout's CPU (docs/decisions/0026-orders-hot-path.md).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db import models

from shared_apps.core.attempts import Again
from shared_apps.core.errors import Busy
from shared_apps.core.inserting import insert_all
from tenant_apps.events.models import Event
from tenant_apps.orders import errors
from tenant_apps.orders.models import Order, OrderLine
from tenant_apps.ticketing.models import Ticket, TicketType

# Events and types are kept as they are until the commit: their writers lock the rows for themselves. The lines' foreign
# keys would do so at the commit only, since they are checked there.
_KEEP = (
    "SELECT t.id, t.modified_at, e.title, e.status, e.currency"
    " FROM ticketing_tickettype t JOIN events_event e ON e.id = t.event_id"
    " WHERE t.id = ANY(%s) ORDER BY e.id, t.id FOR KEY SHARE"
)


@dataclass(frozen=True, slots=True)
class Kept:
    """What an order was made from, as it was read."""

    types: Mapping[int, TicketType]


def write_order(
    order: Order,
    lines: Sequence[OrderLine],
    tickets: Sequence[Ticket],
    records: Sequence[models.Model],
    kept: Kept | None = None,
) -> None:
    """Insert it all, and lock what it was made from against changes until the commit.

    Refuses if an event was called off, or given another currency, since it was read (M6); begins anew if a ticket
    type was changed: it may draw from other quotas now, whose places would not be counted (M1).
    """
    rows = [order, *tickets, *lines, *records]
    if kept is None or not kept.types:
        insert_all(rows)
        return
    found = insert_all(rows, _KEEP, [list(kept.types)])
    for _pk, _modified_at, title, status, currency in found:
        if status != Event.Status.PUBLISHED or currency != order.currency:
            raise errors.NotOnSale(field="lines", what=title)
    if {pk: modified_at for pk, modified_at, *_ in found} != {pk: one.modified_at for pk, one in kept.types.items()}:
        raise Again(Busy())
