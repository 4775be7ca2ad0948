"""The numbers that dashboards show: read-only, set-wise, a fixed and small number of statements each.

All figures come from rows (order lines, check-ins), not from counters: they are what happened, and
`check_invariants` compares the counters with the same rows. Money is gross, in minor units, per currency.
A day is the tenant's day, whatever the server's clock says (B3).
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Count, F, Q, QuerySet, Sum
from django.db.models.functions import TruncDate
from django.utils import timezone

from shared_apps.core.clock import day_bounds
from tenant_apps.events.models import Event
from tenant_apps.orders.models import Order, OrderLine
from tenant_apps.ticketing.models import CheckIn, Quota, QuotaTicketType, TicketType
from tenants.context import current_tenant

_CURRENCY = F("order__currency")
_STANDS = Q(status=OrderLine.Status.ACTIVE)
_PAID = Q(order__status=Order.Status.PAID)
_HELD = Q(order__status=Order.Status.PENDING)
_ADMITTED = Q(result=CheckIn.Result.ADMITTED, direction="in", undone_at__isnull=True)


@dataclass(frozen=True, slots=True)
class Numbers:
    """What became of the places of an event or a ticket type. `capacity` None means unlimited."""

    capacity: int | None = 0
    sold: int = 0
    held: int = 0
    orders: int = 0
    revenue_minor: int = 0
    currency: str = ""
    checked_in: int = 0

    @property
    def free(self) -> int | None:
        return None if self.capacity is None else max(0, self.capacity - self.sold - self.held)

    @property
    def sold_percent(self) -> int:
        """How full it is with what is sold, 0 to 100, rounded down: 100 means sold out."""
        return min(100, self.sold * 100 // self.capacity) if self.capacity else 0

    @property
    def held_percent(self) -> int:
        return min(100 - self.sold_percent, self.held * 100 // self.capacity) if self.capacity else 0

    @property
    def checked_in_percent(self) -> int:
        return min(100, self.checked_in * 100 // self.sold) if self.sold else 0


@dataclass(frozen=True, slots=True)
class Change:
    """A figure of a period beside the same figure of the period before."""

    now: int
    before: int

    @property
    def percent(self) -> int | None:
        """The change in whole per cent; None where there was nothing before to compare with."""
        return round((self.now - self.before) * 100 / self.before) if self.before else None

    @property
    def direction(self) -> str:
        return "up" if self.now > self.before else "down" if self.now < self.before else "same"


@dataclass(frozen=True, slots=True)
class Headline:
    """A tenant's four numbers. `revenue` has an entry for each currency that money came in or comes in."""

    revenue: dict[str, Change]
    tickets: Change
    orders: Change
    checked_in: Change
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Day:
    """What was sold on one day of the tenant's calendar."""

    day: date
    tickets: int = 0
    orders: int = 0
    revenue: dict[str, int] = field(default_factory=dict)


def event_numbers(events: Iterable[Event]) -> dict[int, Numbers]:
    """Return each event's numbers by its id: four statements, however many events."""
    by_id = {event.pk: event for event in events}
    capacities = _capacities(list(by_id))
    lines: dict[int, Any] = {
        row["event_id"]: row
        for row in OrderLine.objects.filter(_STANDS, event_id__in=by_id)
        .values("event_id")
        .annotate(
            sold=Count("pk", filter=_PAID),
            held=Count("pk", filter=_HELD),
            orders=Count("order_id", filter=_PAID, distinct=True),
            revenue=Sum("total_minor", filter=_PAID),
        )
    }
    admitted = dict(
        CheckIn.objects.filter(_ADMITTED, ticket__event_id__in=by_id)
        .values("ticket__event_id")
        .annotate(people=Count("ticket_id", distinct=True))
        .values_list("ticket__event_id", "people")
    )
    return {
        pk: Numbers(
            capacity=capacities.get(pk, 0),
            sold=row.get("sold", 0),
            held=row.get("held", 0),
            orders=row.get("orders", 0),
            revenue_minor=row.get("revenue") or 0,
            currency=event.currency,
            checked_in=admitted.get(pk, 0),
        )
        for pk, event in by_id.items()
        for row in [lines.get(pk, {})]
    }


def ticket_type_numbers(event: Event) -> list[tuple[TicketType, Numbers]]:
    """Return the event's ticket types in their order, each with its numbers: four statements.

    The capacity of a type is the smallest of the quotas that it draws from; types that share one each show it.
    """
    lines: dict[int, Any] = {
        row["ticket_type_id"]: row
        for row in OrderLine.objects.filter(_STANDS, event=event)
        .values("ticket_type_id")
        .annotate(
            sold=Count("pk", filter=_PAID),
            held=Count("pk", filter=_HELD),
            orders=Count("order_id", filter=_PAID, distinct=True),
            revenue=Sum("total_minor", filter=_PAID),
        )
    }
    admitted = dict(
        CheckIn.objects.filter(_ADMITTED, ticket__event=event)
        .values("ticket__ticket_type_id")
        .annotate(people=Count("ticket_id", distinct=True))
        .values_list("ticket__ticket_type_id", "people")
    )
    answer = []
    for ticket_type in TicketType.objects.filter(event=event).prefetch_related("quotas"):
        row = lines.get(ticket_type.pk, {})
        quotas = ticket_type.quotas.all()
        limits = [quota.capacity for quota in quotas if quota.capacity is not None]
        answer.append(
            (
                ticket_type,
                Numbers(
                    capacity=min(limits, default=None) if quotas else 0,
                    sold=row.get("sold", 0),
                    held=row.get("held", 0),
                    orders=row.get("orders", 0),
                    revenue_minor=row.get("revenue") or 0,
                    currency=event.currency,
                    checked_in=admitted.get(ticket_type.pk, 0),
                ),
            )
        )
    return answer


def headline(*, days: int = 30, now: datetime | None = None, events: QuerySet[Event] | None = None) -> Headline:
    """Return revenue, tickets, orders and admissions of the last `days` days beside the `days` before them.

    With `events` only what concerns those events is counted: for staff with a grant on some. Two statements.
    """
    until = now or timezone.now()
    since, before = until - timedelta(days=days), until - timedelta(days=2 * days)
    lines = OrderLine.objects.filter(_STANDS, _PAID, order__paid_at__gte=before, order__paid_at__lt=until)
    scans = CheckIn.objects.filter(_ADMITTED, scanned_at__gte=before, scanned_at__lt=until)
    if events is not None:
        lines = lines.filter(event__in=events)
        scans = scans.filter(ticket__event__in=events)
    recent, tickets_only = Q(order__paid_at__gte=since), Q(kind=OrderLine.Kind.TICKET)
    rows = list(
        lines.values("order__currency").annotate(
            revenue=Sum("total_minor", filter=recent, default=0),
            revenue_before=Sum("total_minor", filter=~recent, default=0),
            tickets=Count("pk", filter=recent & tickets_only),
            tickets_before=Count("pk", filter=~recent & tickets_only),
            orders=Count("order_id", filter=recent, distinct=True),
            orders_before=Count("order_id", filter=~recent, distinct=True),
        )
    )
    admitted = scans.aggregate(
        now=Count("ticket_id", filter=Q(scanned_at__gte=since), distinct=True),
        before=Count("ticket_id", filter=Q(scanned_at__lt=since), distinct=True),
    )
    revenue = {row["order__currency"]: Change(row["revenue"], row["revenue_before"]) for row in rows}
    return Headline(
        revenue=revenue or {current_tenant().currency: Change(0, 0)},
        tickets=Change(sum(row["tickets"] for row in rows), sum(row["tickets_before"] for row in rows)),
        orders=Change(sum(row["orders"] for row in rows), sum(row["orders_before"] for row in rows)),
        checked_in=Change(admitted["now"], admitted["before"]),
        since=since,
        until=until,
    )


def sales_per_day(*, days: int = 30, now: datetime | None = None, events: QuerySet[Event] | None = None) -> list[Day]:
    """Return one Day for each of the last `days` days of the tenant's calendar, today last, empty ones too.

    One statement.
    """
    zone = current_tenant().timezone
    today = (now or timezone.now()).astimezone(ZoneInfo(zone)).date()
    first = today - timedelta(days=days - 1)
    lines = OrderLine.objects.filter(
        _STANDS, _PAID, order__paid_at__gte=day_bounds(first, zone)[0], order__paid_at__lt=day_bounds(today, zone)[1]
    )
    if events is not None:
        lines = lines.filter(event__in=events)
    tickets: dict[date, int] = defaultdict(int)
    orders: dict[date, int] = defaultdict(int)
    revenue: dict[date, dict[str, int]] = defaultdict(dict)
    per_day = lines.values(day=TruncDate("order__paid_at", tzinfo=ZoneInfo(zone)), currency=_CURRENCY).annotate(
        tickets=Count("pk", filter=Q(kind=OrderLine.Kind.TICKET)),
        orders=Count("order_id", distinct=True),
        revenue=Sum("total_minor"),
    )
    for row in per_day:
        tickets[row["day"]] += row["tickets"]
        orders[row["day"]] += row["orders"]
        revenue[row["day"]][row["currency"]] = row["revenue"]
    calendar = [first + timedelta(days=index) for index in range(days)]
    return [Day(day, tickets[day], orders[day], revenue[day]) for day in calendar]


def _capacities(events: list[int]) -> dict[int, int | None]:
    """Return how many people fit into each event: two statements.

    Quotas that all types draw from (the hall) bound the whole; the others (a rank, a table) are added up, unless
    a type draws from none of them.
    """
    types: dict[int, set[int]] = defaultdict(set)
    drawn: dict[int, set[int]] = defaultdict(set)
    pairs = QuotaTicketType.objects.filter(quota__event_id__in=events)
    for event, quota, ticket_type in pairs.values_list("quota__event_id", "quota_id", "ticket_type_id"):
        types[event].add(ticket_type)
        drawn[quota].add(ticket_type)
    quotas: dict[int, list[tuple[int | None, set[int]]]] = defaultdict(list)
    for pk, event, capacity in Quota.objects.filter(event_id__in=events).values_list("pk", "event_id", "capacity"):
        if drawn[pk]:
            quotas[event].append((capacity, drawn[pk]))
    answer: dict[int, int | None] = {}
    for event, of_event in quotas.items():
        bounds: list[int | None] = [capacity for capacity, who in of_event if who == types[event]]
        parts = [(capacity, who) for capacity, who in of_event if who != types[event]]
        if parts and set().union(*(who for _, who in parts)) == types[event]:
            bounds.append(None if any(capacity is None for capacity, _ in parts) else sum(c or 0 for c, _ in parts))
        answer[event] = min((bound for bound in bounds if bound is not None), default=None)
    return answer
