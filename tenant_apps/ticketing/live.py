"""What a door's board shows: how many are expected, have come and are inside, and how fast they come.

The numbers are kept for a second in the tenant's own cache, so that any number of boards cost one reckoning.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from django.core.cache import cache
from django.db.models import Count, Exists, Max, OuterRef, Q
from django.db.models.functions import TruncMinute
from django.utils import timezone
from redis.exceptions import RedisError

from tenant_apps.ticketing import admission
from tenant_apps.ticketing.models import CheckIn, CheckInList, CheckInListType, CheckInZone, Ticket

KEPT_SECONDS = 1
MINUTES = 60


@dataclass(frozen=True, slots=True)
class Minute:
    """How many came in and went out in the minute that begins `at`."""

    at: datetime
    came: int
    left: int


@dataclass(frozen=True, slots=True)
class Zone:
    """What the entrance's zone holds, all its gates together; `capacity` None means no limit."""

    id: int
    name: str
    capacity: int | None
    inside: int


@dataclass(frozen=True, slots=True)
class Numbers:
    """An entrance at one moment. `arrived` counts tickets: on lists by day, those of today."""

    expected: int
    arrived: int
    inside: int
    # Admissions in the last 60 seconds.
    per_minute: int
    refused: int
    # So many answers there are, and taken back: when these change, there is something new to show.
    answers: int
    undone: int
    last_at: datetime | None
    zone: Zone | None
    minutes: tuple[Minute, ...]

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def numbers(entrance: CheckInList) -> Numbers:
    """Return the present numbers; they are up to a second old."""
    key, found = f"board:{entrance.pk}", None
    # A cache server that is away costs a reckoning and nothing else (G3).
    with suppress(RedisError):
        found = cache.get(key)
    if isinstance(found, Numbers):
        return found
    found = reckon(entrance)
    with suppress(RedisError):
        cache.set(key, found, KEPT_SECONDS)
    return found


def reckon(entrance: CheckInList, now: datetime | None = None) -> Numbers:
    """Return the numbers of this moment, from the rows: three statements, one more where there is a zone."""
    now = now or timezone.now()
    rows = CheckIn.objects.filter(check_in_list=entrance)
    entered = Q(result="admitted", direction="in", undone_at__isnull=True)
    counted = entered
    if entrance.entries == CheckInList.Entries.DAILY:
        begins, ends = admission.bounds_of(entrance, admission.day_of(entrance, now))
        counted &= Q(scanned_at__gte=begins, scanned_at__lt=ends)
    told = rows.aggregate(
        arrived=Count("ticket", filter=counted, distinct=True),
        inside=Count("ticket", filter=entered & Q(left_at__isnull=True), distinct=True),
        per_minute=Count("pk", filter=entered & Q(scanned_at__gt=now - timedelta(minutes=1))),
        refused=Count("pk", filter=Q(result="refused")),
        answers=Count("pk"),
        undone=Count("pk", filter=Q(undone_at__isnull=False)),
        last_at=Max("scanned_at", filter=Q(result="admitted")),
    )
    zone = CheckInZone.objects.filter(pk=entrance.zone_id).first() if entrance.zone_id else None
    held = Zone(zone.pk, zone.name, zone.capacity, zone.inside) if zone else None
    return Numbers(
        expected=expected(entrance).count(), zone=held, minutes=tuple(_minutes(rows, now, told["last_at"])), **told
    )


def expected(entrance: CheckInList) -> Any:
    """Return the tickets that are to come here: good ones of the list's types that are valid on its day."""
    limited = CheckInListType.objects.filter(check_in_list=entrance)
    found = Ticket.objects.filter(
        ~Exists(limited) | Exists(limited.filter(ticket_type_id=OuterRef("ticket_type_id"))),
        event_id=entrance.event_id,
        status__in=("active", "used"),
    )
    if entrance.day is not None:
        begins, ends = admission.bounds_of(entrance, entrance.day)
        found = found.filter(Q(valid_from__isnull=True) | Q(valid_from__lt=ends))
        found = found.filter(Q(valid_until__isnull=True) | Q(valid_until__gte=begins))
    return found


def _minutes(rows: Any, now: datetime, last_at: datetime | None) -> Iterator[Minute]:
    """The last hour by the minute; where nobody has come for an hour, the hour that ended with the last."""
    end = now if last_at is None or last_at > now - timedelta(minutes=MINUTES) else last_at
    first = end.replace(second=0, microsecond=0) - timedelta(minutes=MINUTES - 1)
    counts: dict[datetime, dict[str, int]] = {}
    good = rows.filter(result="admitted", undone_at__isnull=True, scanned_at__gte=first)
    # Nothing is received long before it was scanned, and this column has the index.
    good = good.filter(received_at__gte=first - timedelta(hours=1))
    by_minute = good.annotate(minute=TruncMinute("scanned_at")).values("minute", "direction").order_by()
    for row in by_minute.annotate(people=Count("pk")):
        counts.setdefault(row["minute"], {})[row["direction"]] = row["people"]
    for number in range(MINUTES):
        at = first + timedelta(minutes=number)
        there = counts.get(at, {})
        yield Minute(at, there.get("in", 0), there.get("out", 0))
