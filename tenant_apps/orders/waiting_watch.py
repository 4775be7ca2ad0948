"""When those who wait are served: as places come free, and every minute whatever was missed."""

import logging
from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F, Func, Q, Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from tenant_apps.activity.delivery import subscribe
from tenant_apps.activity.models import OutboxMessage
from tenant_apps.events.models import Event
from tenant_apps.orders import waiting_offers
from tenant_apps.orders.models import OrderLine, WaitingEntry
from tenant_apps.ticketing.draws import when_types_join
from tenant_apps.ticketing.errors import CapacityBelowSold
from tenant_apps.ticketing.freed import when_places_are_freed
from tenant_apps.ticketing.models import Quota, QuotaTicketType
from tenants.context import current_tenant
from tenants.database import connection
from tenants.preferences import preference

logger = logging.getLogger(__name__)

# So many entries are ended in one sweep; the next goes on from there.
MOST_ENDED = 500
_ANYBODY = "SELECT EXISTS (SELECT 1 FROM orders_waiting WHERE status IN ('waiting', 'collecting'))"
# Nobody is offered a place at these any more; a postponed event comes back.
NO_MORE = (Event.Status.CANCELLED, Event.Status.FINISHED, Event.Status.ARCHIVED)


@when_places_are_freed
def pass_on(quotas: Collection[int]) -> None:
    """Offer what came free to those who wait, in the transaction that freed it, unless the tenant's open sale comes
    first. Never raises: what goes wrong here is the sweep's to mend, not the buyer's who gave places back."""
    now = timezone.now()
    # Mostly nobody waits for anything, which one small index tells; which list it would be takes five tables.
    if not _somebody_waits() or not _who_waits_comes_first():
        return
    if not waiting_offers.awaited_from(quotas, now).exists():
        return
    try:
        with transaction.atomic():
            waiting_offers.hand_on(quotas, now=now)
    except Exception:
        logger.exception("free places of quotas %s were not passed on", sorted(quotas))


def _somebody_waits() -> bool:
    """Asked each time that a place comes free, so as text that Django need not put together each time."""
    with connection.cursor() as cursor:
        cursor.execute(_ANYBODY)
        return bool(cursor.fetchone()[0])


def _who_waits_comes_first() -> bool:
    return bool(preference(current_tenant(), "waiting_list_first"))


@subscribe("order.cancelled")
@subscribe("order.lines_cancelled")
@subscribe("order.expired")
def after_an_order(message: OutboxMessage) -> None:
    """What could not be passed on at once, since somebody was just changing what it takes."""
    drawn = OrderLine.objects.filter(order_id=message.aggregate.partition(":")[2]).values_list("quotas", flat=True)
    _again({pk for row in drawn for pk in row})


@subscribe("quota.created")
@subscribe("quota.updated")
def after_a_quota(message: OutboxMessage) -> None:
    """More places, or other ticket types that draw from them."""
    _again({int(message.aggregate.partition(":")[2])})


@subscribe("ticket_type.updated")
def after_a_type(message: OutboxMessage) -> None:
    """The list was opened again, the sale goes on, or the type draws from other quotas."""
    drawn = QuotaTicketType.objects.filter(ticket_type=int(message.aggregate.partition(":")[2]))
    _again(set(drawn.values_list("quota_id", flat=True)))


def _again(quotas: Collection[int]) -> None:
    if quotas and _who_waits_comes_first():
        waiting_offers.hand_on(quotas)


def serve(*, now: datetime | None = None) -> int:
    """Take back what was not answered, close lists that are over, and offer what is free; return how many offers.

    Each list is served in a transaction of its own, so that one that fails keeps nobody else waiting. Running it twice,
    or two of it at once, offers nothing twice: counters and entries are locked (G2, G3).
    """
    now = now or timezone.now()
    for entry in WaitingEntry.objects.overdue(now).order_by("expires_at", "pk")[:MOST_ENDED]:
        _try_to_end(entry, WaitingEntry.Status.LAPSED, now, overdue=True)
    for entry in _in_vain(now)[:MOST_ENDED]:
        _try_to_end(entry, WaitingEntry.Status.CLOSED, now)
    offered = 0
    drawn = QuotaTicketType.objects.filter(ticket_type__in=waiting_offers.awaited(now).values("pk"))
    lists: dict[int, set[int]] = {}
    for event_id, quota_id in drawn.values_list("ticket_type__event_id", "quota_id"):
        lists.setdefault(event_id, set()).add(quota_id)
    for event_id, quotas in sorted(lists.items()):
        try:
            offered += waiting_offers.hand_on(quotas, now=now)
        except Exception:
            logger.exception("the waiting list of event %s was not served", event_id)
    return offered


def _try_to_end(entry: WaitingEntry, status: str, now: datetime, *, overdue: bool = False) -> None:
    try:
        waiting_offers.end(entry, status, now=now, overdue=overdue)
    except Exception:
        # One that is locked, or whose counters are wrong, must not keep the others' places from being offered.
        logger.exception("the entry %s of a waiting list does not end", entry.pk)


def _in_vain(now: datetime) -> Any:
    """Who waits for what is not sold any more. Offers of an event that takes place run until their own time."""
    over = Coalesce("ticket_type__event__ends_at", "ticket_type__event__starts_at")
    gone = Q(ticket_type__event__status__in=NO_MORE) | Q(over__lte=now) | Q(ticket_type__sale_ends_at__lte=now)
    return WaitingEntry.objects.open().alias(over=over).filter(gone).order_by("pk")


@when_types_join
def count_offered(quota: Quota, types: Collection[int]) -> None:
    """Let what is held for those who wait be held in a quota that their type joins as well (M1); beside
    `drawing.count_claimed`, under the same locks."""
    standing = WaitingEntry.objects.filter(~Q(quotas__contains=[quota.pk]), ticket_type__in=types, held__gt=0)
    if not standing.exists():
        return
    drawn = {pk for row in standing.values_list("quotas", flat=True) for pk in row} | {quota.pk}
    list(Quota.objects.filter(pk__in=drawn).order_by("pk").select_for_update(no_key=True).values_list("pk"))
    rows = dict(standing.order_by("pk").select_for_update(no_key=True).values_list("pk", "held"))
    if not rows:
        return
    WaitingEntry.objects.filter(pk__in=rows).update(
        quotas=Func(F("quotas"), Value(quota.pk), function="array_append", output_field=WaitingEntry.quotas.field)
    )
    held = sum(rows.values())
    if not Quota.objects.hold(quota.pk, held):
        quota.refresh_from_db()
        raise CapacityBelowSold(field="quotas", taken=quota.held + quota.sold + held)
