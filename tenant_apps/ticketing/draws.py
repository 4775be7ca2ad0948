"""Which ticket types draw from which quotas, changed while they are being sold.

Whoever keeps places (orders do) says here how those that a type has sold or holds are counted in a quota that it
joins: without that, a hall of 100 that is added after 50 tickets were sold would sell 100 more (M1). Orders stand
above ticketing, so they register; the count is part of the same transaction.
"""

from collections.abc import Callable, Collection, Iterable

from django.utils import timezone

from tenant_apps.ticketing.models import Quota, QuotaTicketType, TicketType

Counter = Callable[[Quota, Collection[int]], None]
_counters: list[Counter] = []


def when_types_join(function: Counter) -> Counter:
    """Have the function count what the types with these ids have sold and hold in the quota. Called in the
    transaction, with the types locked. It raises CapacityBelowSold if there is no room for them."""
    _counters.append(function)
    return function


def draw(quota: Quota, ticket_types: Iterable[TicketType]) -> None:
    """Let exactly these types draw from the quota.

    A type that leaves takes nothing back: what it sold from here stays counted until it is given back (M3).
    """
    before = set(QuotaTicketType.objects.filter(quota=quota).values_list("ticket_type_id", flat=True))
    after = {each.pk for each in ticket_types}
    if before == after:
        return
    _join([quota], after - before)
    quota.ticket_types.set(after)


def draw_from(ticket_type: TicketType, quotas: Iterable[Quota]) -> None:
    """Let the type draw from exactly these quotas; as `draw`, from the other side."""
    wanted = {each.pk: each for each in quotas}
    before = set(QuotaTicketType.objects.filter(ticket_type=ticket_type).values_list("quota_id", flat=True))
    if before == wanted.keys():
        return
    _join([wanted[pk] for pk in sorted(wanted.keys() - before)], {ticket_type.pk})
    ticket_type.quotas.set(list(wanted))


def lock_types(types: Iterable[int]) -> None:
    """Wait for whoever is writing an order of these types and keep others from it; before quotas, by id (M2)."""
    list(TicketType.objects.filter(pk__in=list(types)).order_by("pk").select_for_update().values_list("pk"))


def _join(quotas: list[Quota], types: Collection[int]) -> None:
    if not quotas or not types:
        return
    lock_types(types)
    # An order that read its quotas before, and is written after, notices by this (orders.checkout).
    TicketType.objects.filter(pk__in=types).update(modified_at=timezone.now())
    for quota in quotas:
        for count in _counters:
            count(quota, types)
