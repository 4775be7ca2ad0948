"""How much one buyer may have: unpaid orders of an event (O10), tickets of a type over all their live orders.

A buyer is an address, whatever its case, and the account if they are signed in.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from django.db.models import Q, Sum, Value
from django.db.models.functions import Upper

from tenant_apps.orders import errors
from tenant_apps.orders.models import Order, OrderLine
from tenant_apps.ticketing.models import TicketType
from tenants.context import current_tenant
from tenants.database import connection
from tenants.preferences import preference

# First key of the advisory locks on one buyer's orders; the second is a hash of tenant and buyer.
BUYER_LOCK = 7104


def refuse_too_many(
    email: str,
    user: Any,
    wanted: Mapping[int, int],
    types: Mapping[int, TicketType],
    *,
    unpaid: bool,
    goods: bool = False,
    now: datetime,
) -> None:
    """Raise TooManyOpenOrders or TooManyPerPerson if this order would go above what one buyer may have.

    `wanted` are the quantities by ticket type; `unpaid` tells that the order is to be paid, `goods` that it has some:
    unpaid orders with goods count as those of one event do. Orders of one buyer are
    counted one after the other, or as many as come at once would pass: what locks them lasts until the commit.
    """
    limited = {pk: types[pk] for pk in wanted if types[pk].max_per_person is not None}
    if not unpaid and not limited:
        return
    addresses = {email} | ({user.email} if user is not None else set())
    _wait_for_others(addresses, user)
    if unpaid:
        events = {types[pk].event_id for pk in wanted}
        limit = preference(current_tenant(), "open_orders_per_buyer")
        open_orders = Order.objects.unpaid().filter(_bought_by(addresses, user), expires_at__gt=now)
        alike = Q(lines__event__in=events)
        if goods:
            alike |= Q(lines__kind=OrderLine.Kind.PRODUCT)
        if open_orders.filter(alike).distinct().count() >= limit:
            raise errors.TooManyOpenOrders(limit=limit)
    if limited:
        have = _tickets_of(addresses, user, limited, now)
        for pk, one in limited.items():
            most = one.max_per_person or 0
            if have.get(pk, 0) + wanted[pk] > most:
                raise errors.TooManyPerPerson(field="lines", what=one.name, most=most, have=have.get(pk, 0))


def _wait_for_others(addresses: Collection[str], user: Any) -> None:
    """Let no other order of this buyer be counted until this transaction ends; keys by size, so nobody deadlocks."""
    names = [*(address.upper() for address in addresses), *([f"user {user.pk}"] if user is not None else ())]
    keys = [f"{connection.schema_name} {name}" for name in names]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(%s, key) FROM"
            " (SELECT DISTINCT hashtext(name) AS key FROM unnest(%s::text[]) AS name ORDER BY key OFFSET 0) AS keys",
            [BUYER_LOCK, keys],
        )


def _bought_by(addresses: Collection[str], user: Any, path: str = "") -> Q:
    # The database makes both sides capital: Python's "ß" becomes "SS" and Postgres' stays what it is, so that who
    # has one in their address would never be found again.
    spelled = [Upper(Value(each)) for address in addresses for each in (address, address.lower(), address.upper())]
    by_address = Q(**{f"{path}pk__in": Order.objects.alias(address=Upper("email")).filter(address__in=spelled)})
    return by_address if user is None else by_address | Q(**{f"{path}user": user.pk})


def _tickets_of(addresses: Collection[str], user: Any, types: Collection[int], now: datetime) -> dict[int, int]:
    """How many tickets of each type the buyer has: paid for, or held in orders whose time is not up."""
    lines = OrderLine.objects.filter(
        _bought_by(addresses, user, "order__"),
        Q(order__status=Order.Status.PAID) | Q(order__status=Order.Status.PENDING, order__expires_at__gt=now),
        ticket_type__in=list(types),
        status=OrderLine.Status.ACTIVE,
    )
    return dict(
        lines.order_by().values("ticket_type_id").annotate(all=Sum("quantity")).values_list("ticket_type_id", "all")
    )
