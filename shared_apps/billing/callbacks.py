"""What Stripe tells the platform: verified, kept once, and taken up by whoever is free (O6, O7, O8).

A message says whose customer changed, and that is all that is taken from it.
"""

import logging
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from django.core.cache import caches
from django.db.models import F
from django.utils import timezone

from shared_apps.billing import gateway, mirror, tasks
from shared_apps.billing.errors import BillingUnavailable, SignatureRefused, StripeRefused
from shared_apps.billing.models import BillingEvent, Subscription
from tenants.context import in_public
from tenants.database import connection

logger = logging.getLogger(__name__)

REFUSED_KEY = "webhooks-refused:public:stripe-billing"
LONGEST_PAUSE = timedelta(hours=1)
# Messages are kept so long after they were done, for whoever asks what was said.
KEPT = timedelta(days=90)
# One statement for the first, the second and the two hundredth that say the same.
_KEEP = """
INSERT INTO billing_billingevent (stripe_event, kind, customer, live, said_at, tries, received_at, next_try_at)
VALUES (%s, %s, %s, %s, %s, 0, %s, %s) ON CONFLICT (stripe_event) DO NOTHING RETURNING id
"""


def receive(body: bytes, headers: Mapping[str, str]) -> bool:
    """Keep one message and have it taken up; return whether it was new. Raises SignatureRefused."""
    try:
        event = gateway.verified(body, headers)
    except SignatureRefused:
        _count_refused()
        raise
    identity, kind = _text(event.get("id")), _text(event.get("type"))
    if not identity or bool(event.get("livemode")) != gateway.is_live():
        logger.info("billing_event_ignored", extra={"kind": kind})
        return False
    customer = _customer_of(event)
    with in_public(), connection.cursor() as cursor:
        values = [identity, kind[:80], customer, gateway.is_live(), _moment(event.get("created")), timezone.now()]
        cursor.execute(_KEEP, [*values, values[-1]])
        new = cursor.fetchone() is not None
    if new:
        tasks.take_up_soon(customer)
    return new


def take_up(customer: str, now: datetime | None = None) -> int:
    """Do what the waiting messages about a customer call for, all by one look; return how many there were.

    What nobody here is meant by has no effect. A failure is tried again after a pause (O8).
    """
    now = now or timezone.now()
    with in_public():
        waiting = list(BillingEvent.objects.waiting().filter(customer=customer).values_list("pk", flat=True))
        if not waiting:
            return 0
        rows = BillingEvent.objects.filter(pk__in=waiting)
        tenant_id = (
            Subscription.objects.filter(stripe_customer=customer).values_list("tenant_id", flat=True).first()
            if customer
            else None
        )
        if tenant_id is None:
            rows.update(done_at=now)
            return len(waiting)
        _put_off(waiting, now)
        try:
            mirror.look(tenant_id, events=waiting)
        except Subscription.DoesNotExist:
            # The tenant was erased in this moment.
            rows.update(done_at=now)
        except BillingUnavailable:
            logger.warning("billing_events_wait", extra={"number": len(waiting)})
        except StripeRefused:
            logger.exception("billing_events_wait", extra={"number": len(waiting)})
    return len(waiting)


def _put_off(waiting: list[int], now: datetime) -> None:
    """Let the messages come again later, should this try not end."""
    # The most tried first, or those that are counted up would be counted up twice.
    known = set(BillingEvent.objects.filter(pk__in=waiting).values_list("tries", flat=True))
    for tries in sorted(known, reverse=True):
        pause = min(timedelta(seconds=30 * 2 ** min(tries, 10)), LONGEST_PAUSE)
        BillingEvent.objects.filter(pk__in=waiting, tries=tries).update(tries=F("tries") + 1, next_try_at=now + pause)


def forget_old(now: datetime | None = None) -> int:
    """Drop messages that were done long ago; returns how many."""
    limit = (now or timezone.now()) - KEPT
    with in_public():
        return BillingEvent.objects.filter(done_at__lt=limit).delete()[0]


def _customer_of(event: dict[str, Any]) -> str:
    """The customer that the message is about; empty where it names none."""
    data = event.get("data")
    about = data.get("object") if isinstance(data, dict) else None
    if not isinstance(about, dict):
        return ""
    if about.get("object") == "customer":
        return _text(about.get("id"))
    customer = about.get("customer")
    return _text(customer.get("id") if isinstance(customer, dict) else customer)


def _text(value: Any) -> str:
    """A word of Stripe's; empty for anything that is none."""
    return value if isinstance(value, str) and len(value) <= 120 and value.isprintable() else ""


def _moment(value: Any) -> datetime | None:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < 4_102_444_800:
        return None
    return datetime.fromtimestamp(value, UTC)


def _count_refused() -> None:
    """Nothing of an unsigned message is kept but that there was one (O6)."""
    cache = caches["global"]
    if not cache.add(REFUSED_KEY, 1, 86_400):
        cache.incr(REFUSED_KEY)
