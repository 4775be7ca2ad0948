"""Which orders, and which of their lines, a caller may see and touch (I2).

A buyer sees what they ordered while signed in; whoever holds an order's secret sees that order; staff see by
their role all orders, by a grant on an event the orders with places at it, with that event's lines only.
"""

from dataclasses import dataclass, replace
from typing import Any

from django.db.models import Q
from django.utils.crypto import constant_time_compare

from api.v1.orders import presentation
from shared_apps.core.errors import Forbidden, NotFound
from tenant_apps.orders.models import Order, OrderLine
from tenant_apps.orders.passing_on import as_the_buyer_gave_them
from tenant_apps.payments.models import Dispute
from tenant_apps.staff.permissions import allowed, events_where


@dataclass(frozen=True)
class Sight:
    """An order as one caller sees it. `events` are the ids of the events whose lines show; None means all."""

    order: Order
    as_buyer: bool
    events: frozenset[int] | None = None

    def lines(self) -> list[OrderLine]:
        if self.order.made is not None and self.events is None:
            return list(self.order.made)
        rows = self.order.lines.select_related("event", "ticket_type", "ticket")
        lines = list(rows if self.events is None else rows.filter(event__in=self.events))
        if self.as_buyer:
            as_the_buyer_gave_them(lines)
        return lines


def whole(sight: Sight, *, with_secret: bool = False) -> dict[str, Any]:
    """The order as the caller sees it."""
    payments = sight.order.payments.order_by("created_at") if sight.events is None else []
    lines = sight.lines()
    shown = presentation.order_json(sight.order, lines, payments, as_buyer=sight.as_buyer, with_secret=with_secret)
    if any(line.variant_id for line in lines):
        shown["parcels"] = [presentation.parcel_json(each) for each in sight.order.parcels.all()]
    if not sight.as_buyer and sight.events is None:
        disputes = Dispute.objects.filter(payment__order=sight.order).order_by("created_at")
        shown["disputes"] = [presentation.dispute_json(dispute) for dispute in disputes]
    return shown


def given_secret(request: Any) -> str:
    """The order's secret that came with the request, in the query or a header."""
    return request.query_params.get("secret", "") or request.headers.get("X-Order-Secret", "")


def see(request: Any, code: str, *, permission: str = "view_orders") -> Sight:
    """Return the order as the caller sees it. Raises NotFound for what they may not see."""
    order = Order.objects.filter(code=code.upper()).first()
    if order is None:
        raise NotFound
    sight = sight_of(request, order, permission)
    if sight is None:
        raise NotFound
    return sight


def sight_of(request: Any, order: Order, permission: str = "view_orders") -> Sight | None:
    """How the caller sees an order at hand, or None."""
    secret = given_secret(request)
    user = request.user
    if secret and constant_time_compare(secret, order.secret):
        return Sight(order, as_buyer=True)
    if user.is_authenticated and order.user_id == user.pk:
        return Sight(order, as_buyer=True)
    if not user.is_authenticated:
        return None
    if allowed(user, permission):
        return Sight(order, as_buyer=False)
    granted = events_where(user, permission).filter(order_lines__order=order)
    events = frozenset(granted.values_list("pk", flat=True))
    return Sight(order, as_buyer=False, events=events) if events else None


def changed(request: Any, order: Order, permission: str) -> Sight:
    """How the caller sees an order that they have just acted on by this permission, which may be all they hold."""
    sight = sight_of(request, order) or sight_of(request, order, permission)
    if sight is None:
        raise NotFound
    return replace(sight, order=Order.objects.get(pk=order.pk))


def touch(request: Any, code: str, permission: str, *, but_goods: bool = False) -> Order:
    """Return an order that staff may act on: by role, or by grants on every event that it has places at. Goods belong
    to no event, so an order that has some takes the role; unless the act leaves these alone (`but_goods`).

    Raises NotFound for what they may not see and Forbidden for what they may see but not change.
    """
    order = Order.objects.filter(code=code.upper()).first()
    if order is None:
        raise NotFound
    user = request.user
    if allowed(user, permission):
        return order
    lines = order.lines.exclude(event=None) if but_goods else order.lines.all()
    here = set(lines.values_list("event_id", flat=True))
    granted = set(events_where(user, permission).filter(pk__in=here).values_list("pk", flat=True))
    if here and granted == here:
        return order
    if granted or sight_of(request, order) is not None:
        raise Forbidden
    raise NotFound


def listed(user: Any) -> Any:
    """The orders that the caller's list is made of: their own, or all of the tenant's for whose role sees them."""
    orders = Order.objects.for_list()
    if allowed(user, "view_orders"):
        return orders
    return orders.filter(Q(user_id=user.pk))
