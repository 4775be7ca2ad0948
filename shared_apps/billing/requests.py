"""How many requests a tenant's API answered: counted in the process, told to the cache's server every few seconds.

It costs a request nothing but a number. What a killed process had not told yet, or the cache lost, is not charged:
the day's row takes the highest number that it saw (`usage`), so a count may be too low and never too high. Answers
that come from the cache of public reads are not counted.

With the same telling the processes learn how many requests all of them answered for a tenant in this minute (N7).
Beyond what so many callers may ask at their full rate (TENANT_CALLERS), strangers wait for the next minute: a crowd at
one tenant's API keeps no other's from being answered. Who is signed in is let in all the same (I8).
"""

import logging
from collections import Counter
from datetime import UTC, datetime
from math import ceil
from threading import Lock
from time import monotonic, time

from django.conf import settings
from django.utils import timezone

from shared_apps.billing.usage import meter
from tenants import freshness
from tenants.context import current_tenant

logger = logging.getLogger(__name__)

TELL_EVERY = 5.0
KEEP_SECONDS = 4 * 24 * 3600
_lock = Lock()
# By day and tenant: numbers, nothing of anybody's data (N4).
_counted: Counter[tuple[str, int]] = Counter()
_told_at = monotonic()
# By tenant: how many requests a minute it may have, and until when it has had too many (monotonic).
_ceilings: dict[int, int] = {}
_crowded_until: dict[int, float] = {}


def count(tenant_id: int, rate: int = 0, now: datetime | None = None) -> None:
    """Count one request of a tenant's API. `rate` is how many a minute one caller may send there; 0: no ceiling."""
    global _told_at
    if rate:
        _ceilings[tenant_id] = rate * settings.TENANT_CALLERS
    day = (now or timezone.now()).astimezone(UTC).date().isoformat()
    with _lock:
        _counted[day, tenant_id] += 1
        if monotonic() - _told_at < TELL_EVERY:
            return
        _told_at = monotonic()
        counts = dict(_counted)
        _counted.clear()
    _tell(counts)


def tell() -> None:
    """Tell what was counted so far."""
    with _lock:
        counts = dict(_counted)
        _counted.clear()
    _tell(counts)


def _tell(counts: dict[tuple[str, int], int]) -> None:
    client = freshness.client()
    if client is None or not counts:
        return
    try:
        pipe = client.pipeline(transaction=False)
        for (day, tenant_id), number in counts.items():
            pipe.hincrby(_key(day), str(tenant_id), number)
            pipe.expire(_key(day), KEEP_SECONDS)
        minute, past = divmod(time(), 60)
        told = [tenant_id for _day, tenant_id in counts]
        for (_day, tenant_id), number in counts.items():
            pipe.hincrby(_minute(minute), str(tenant_id), number)
        pipe.expire(_minute(minute), 120)
        totals = pipe.execute()[2 * len(counts) : 3 * len(counts)]
        for tenant_id, total in zip(told, totals, strict=True):
            if total > _ceilings.get(tenant_id, total) and not crowded_for(tenant_id):
                _crowded_until[tenant_id] = monotonic() + 60 - past
                logger.warning("tenant_crowded", extra={"tenant_id": tenant_id, "requests": total})
    except Exception as error:  # whatever the client raises: the requests were answered, and are not charged
        freshness.rest()
        logger.warning("api_requests_uncounted", extra={"reason": type(error).__name__})


def crowded_for(tenant_id: int) -> int:
    """Return for how many seconds strangers should stay away from a tenant's API; 0 while it has room. No statement."""
    until = _crowded_until.get(tenant_id)
    if until is None:
        return 0
    if (left := until - monotonic()) <= 0:
        _crowded_until.pop(tenant_id, None)
        return 0
    return ceil(left)


def api_requests(begins: datetime, ends: datetime) -> int:
    """Return what the cache's server knows of the present tenant's day."""
    client = freshness.client()
    if client is None:
        return 0
    try:
        return int(client.hget(_key(begins.date().isoformat()), str(current_tenant().pk)) or 0)
    except Exception as error:  # as above: the next hour asks again
        freshness.rest()
        logger.warning("api_requests_uncounted", extra={"reason": type(error).__name__})
        return 0


def _minute(number: float) -> str:
    return f"foyer-crowd:{int(number)}"


def _key(day: str) -> str:
    return f"foyer-usage:{day}"


meter("api_requests", api_requests)
