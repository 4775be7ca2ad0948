"""What orders have claimed of a ticket type, counted in a quota that the type joins while it is on sale (M1)."""

from collections.abc import Collection

from django.db.models import F, Func, Q, Value

from tenant_apps.orders.models import Order, OrderLine
from tenant_apps.ticketing.draws import when_types_join
from tenant_apps.ticketing.errors import CapacityBelowSold
from tenant_apps.ticketing.models import Quota

LIVE = (Order.Status.PENDING, Order.Status.PAID)


@when_types_join
def count_claimed(quota: Quota, types: Collection[int]) -> None:
    """Let each line that stands claim its place from the quota as well, held or sold as its order is.

    The places are locked before the orders, as everywhere (M2): no order moves meanwhile. Raises CapacityBelowSold.
    """
    standing = OrderLine.objects.filter(
        ~Q(quotas__contains=[quota.pk]),
        ticket_type__in=types,
        status=OrderLine.Status.ACTIVE,
        order__status__in=LIVE,
    )
    if not standing.exists():
        return
    drawn = {pk for row in standing.values_list("quotas", flat=True).distinct() for pk in row} | {quota.pk}
    list(Quota.objects.filter(pk__in=drawn).order_by("pk").select_for_update(no_key=True).values_list("pk"))
    # Read again with the places locked: an order may have ended before.
    ids = standing.order_by().values("order_id")
    orders = dict(
        Order.objects.filter(pk__in=ids).order_by("pk").select_for_update(no_key=True).values_list("pk", "status")
    )
    held = sold = 0
    claimed = []
    for pk, order_id, quantity in standing.filter(order__in=orders).values_list("pk", "order_id", "quantity"):
        if orders[order_id] not in LIVE:
            continue
        claimed.append(pk)
        if orders[order_id] == Order.Status.PAID:
            sold += quantity
        else:
            held += quantity
    OrderLine.objects.filter(pk__in=claimed).update(
        quotas=Func(F("quotas"), Value(quota.pk), function="array_append", output_field=OrderLine.quotas.field)
    )
    room = Q(capacity__isnull=True) | Q(capacity__gte=F("held") + F("sold") + held + sold)
    if not Quota.objects.filter(room, pk=quota.pk).update(held=F("held") + held, sold=F("sold") + sold):
        quota.refresh_from_db()
        raise CapacityBelowSold(field="quotas", taken=quota.held + quota.sold + held + sold)
