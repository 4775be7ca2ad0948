"""Keeping the figures up to what was recorded: the first build, what messages did not tell of, another time zone.

The outbox tells of most changes at once (`subscribers.py`). Some are written in bulk and tell nobody, such as a file of
orders; the catch-up finds them by their rows. All of it may run twice, late and at once: a `refresh` says the same.
"""

from datetime import datetime, timedelta
from time import monotonic
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from tenant_apps.activity.models import OutboxMessage
from tenant_apps.events.models import Event
from tenant_apps.orders.models import Order, OrderLine
from tenant_apps.reports import figures
from tenant_apps.reports.models import BuildState, DayFigure, Part
from tenants.context import current_tenant
from tenants.database import connection

# A row is written with an id of the moment it was made at, and seen when its transaction ends: bounded by far less.
OVERLAP = timedelta(minutes=15)
# What a page may spend on figures that nobody has built yet.
READ_SECONDS = 2.0
# After these an order's figures are others.
TOPICS = ("order.paid", "order.cancelled", "order.lines_cancelled", "order.refunded")


def is_complete() -> bool:
    """True if what was there before is in the figures, and the days are those of the tenant's present zone."""
    return BuildState.objects.filter(pk=1, built_at__isnull=False, zone=current_tenant().timezone).exists()


def bring_up_to_date(*, seconds: float = 600.0, now: datetime | None = None) -> bool:
    """Build what is not built, then look for what no message told of. False if time ran out first; it goes on where
    it stopped."""
    until = monotonic() + seconds
    now = now or timezone.now()
    state = _state()
    while state.built_at is None:
        if monotonic() >= until:
            return False
        state = _build_some(now)
    _catch_up(state, now)
    return True


def take_along() -> bool:
    """Before a report is read: take along what was recorded and is still on its way, if that is quickly done, so that
    who has just sold something sees it. Returns whether the figures are complete. Three statements if all is there."""
    state = BuildState.objects.filter(pk=1).first()
    if state is None or state.built_at is None or state.zone != current_tenant().timezone:
        return bring_up_to_date(seconds=READ_SECONDS)
    now = timezone.now()
    late = {*_told_of(), *behind(since=(state.seen_until or now) - OVERLAP)}
    figures.refresh(sorted(late)[: figures.BATCH], wait=False)
    if (state.seen_until is None or state.seen_until < now - OVERLAP) and len(late) <= figures.BATCH:
        BuildState.objects.filter(pk=1).update(seen_until=now)
    return True


def _told_of() -> list[UUID]:
    """The orders with a message that no one has taken yet."""
    waiting = OutboxMessage.objects.filter(delivered_at__isnull=True, topic__in=TOPICS)
    aggregates = waiting.order_by("-created_at").values_list("aggregate", flat=True)[: figures.BATCH]
    return [UUID(aggregate.partition(":")[2]) for aggregate in aggregates]


def start_again() -> None:
    """Forget that anything was built: `bring_up_to_date` makes every order's figures anew, while the old ones serve."""
    BuildState.objects.update_or_create(pk=1, defaults={"cursor": None, "built_at": None})


def _state() -> BuildState:
    """The tenant's state; begun again if the tenant has moved to another zone since."""
    state, _made = BuildState.objects.get_or_create(pk=1, defaults={"zone": current_tenant().timezone})
    if state.zone != current_tenant().timezone:
        state.zone, state.cursor, state.built_at = current_tenant().timezone, None, None
        state.save(update_fields=["zone", "cursor", "built_at"])
    return state


@transaction.atomic
def _build_some(now: datetime) -> BuildState:
    """Make the next orders' figures; the state moves on with them."""
    state = BuildState.objects.select_for_update().get(pk=1)
    if state.built_at is not None:
        return state
    orders = Order.objects.order_by("pk")
    if state.cursor is not None:
        orders = orders.filter(pk__gt=state.cursor)
    ids = list(orders.values_list("pk", flat=True)[: figures.BATCH])
    figures.refresh(ids)
    if ids:
        state.cursor = ids[-1]
    else:
        state.built_at, state.seen_until = timezone.now(), now
        state.event_zones = _zones_now(state.zone)
    state.save()
    return state


def _zones_now(zone: str) -> dict[str, str]:
    """The events whose zone is another than the tenant's."""
    return {str(pk): own for pk, own in Event.objects.exclude(timezone=zone).values_list("pk", "timezone")}


def _catch_up(state: BuildState, now: datetime) -> None:
    """Refresh the orders of late whose parts do not sum to their ledger, or that were paid and have none."""
    since = (state.seen_until or now) - OVERLAP
    figures.refresh(behind(since=since))
    BuildState.objects.filter(pk=1).update(seen_until=now)


_BEHIND = """
    WITH fresh AS (
        SELECT order_id AS id FROM payments_ledgerentry WHERE id >= %(first)s
        UNION SELECT id FROM orders_order WHERE id >= %(first)s AND paid_at IS NOT NULL
    )
    SELECT f.id FROM fresh f
    LEFT JOIN LATERAL (
        SELECT count(*) AS parts, sum(p.gross_minor - p.refunded_minor - p.fees_minor + p.adjustments_minor)
               FILTER (WHERE p.kind NOT IN ('discount', 'voucher', 'complimentary')) AS money
        FROM reports_part p WHERE p.order_id = f.id
    ) p ON true
    LEFT JOIN LATERAL (
        SELECT sum(l.amount_minor) AS money FROM payments_ledgerentry l WHERE l.order_id = f.id
    ) l ON true
    WHERE p.parts = 0 OR coalesce(p.money, 0) <> coalesce(l.money, 0)
"""


def behind(*, since: datetime) -> list[UUID]:
    """Return the orders with rows that were made since then which their figures do not have; one statement."""
    with connection.cursor() as cursor:
        cursor.execute(_BEHIND, {"first": _first_id(since)})
        return [row[0] for row in cursor.fetchall()]


def _first_id(moment: datetime) -> UUID:
    """The smallest id (UUID 7) of a row that was made at that moment."""
    return UUID(int=(int(moment.timestamp() * 1000) & (1 << 48) - 1) << 80)


def follow_zone(event_id: int) -> None:
    """An event was changed: if its zone is another than before, its orders' days are reckoned anew."""
    event = Event.objects.only("pk", "timezone").filter(pk=event_id).first()
    state = BuildState.objects.filter(pk=1).first()
    if event is None or state is None:
        return
    known = state.event_zones.get(str(event_id), state.zone)
    if known == event.timezone:
        return
    figures.refresh(set(OrderLine.objects.filter(event=event).values_list("order_id", flat=True)))
    with transaction.atomic():
        state = BuildState.objects.select_for_update().get(pk=1)
        state.event_zones[str(event_id)] = event.timezone
        state.save(update_fields=["event_zones"])


def follow_zones() -> None:
    """Every night: find events whose zone was changed by who told nobody, such as a file; two statements if none."""
    state = BuildState.objects.filter(pk=1).first()
    if state is None or state.built_at is None:
        return
    counted = DayFigure.objects.filter(event_id__gt=0).values("event_id")
    for pk, zone in Event.objects.filter(pk__in=counted).values_list("pk", "timezone"):
        if state.event_zones.get(str(pk), state.zone) != zone:
            follow_zone(pk)


def empty() -> None:
    """Take all figures away and build them anew from nothing, in one transaction; for operators."""
    with transaction.atomic():
        figures.lock()
        BuildState.objects.all().delete()
        Part.objects.all().delete()
        DayFigure.objects.all().delete()
        bring_up_to_date()
