"""How many requests a tenant's API answered: counted in the process, told to the cache's server every few seconds.

It costs a request nothing but a number. What a killed process had not told yet, or the cache lost, is not charged:
the day's row takes the highest number that it saw (`usage`), so a count may be too low and never too high. Answers
that come from the cache of public reads are not counted.
"""

import logging
from collections import Counter
from datetime import UTC, datetime
from threading import Lock
from time import monotonic

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


def count(tenant_id: int, now: datetime | None = None) -> None:
    """Count one request of a tenant's API."""
    global _told_at
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
        pipe.execute()
    except Exception as error:  # whatever the client raises: the requests were answered, and are not charged
        freshness.rest()
        logger.warning("api_requests_uncounted", extra={"reason": type(error).__name__})


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


def _key(day: str) -> str:
    return f"foyer-usage:{day}"


meter("api_requests", api_requests)
