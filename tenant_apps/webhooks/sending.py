"""The worker: takes an endpoint and some of what is due to it, sends without a transaction, writes down how it ended.

An endpoint is worked on by one worker at a time, and a tenant by two, for some seconds each; then it is the turn of
others. After three failures in a row it rests, first half a minute, then longer, and is tried with a single delivery:
a server that hangs costs one time-out a rest, however many deliveries wait for it. One that says `Retry-After` is left
alone for so long, half an hour at most, and the delivery that it said it of for as long as it asked. A worker that dies
lets its leases run out (G4): what it had taken is sent again, with the same `X-Event-Id`.
"""

import logging
import random
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from time import monotonic
from typing import Any

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Subquery
from django.db.models.functions import Greatest
from django.utils import timezone

from shared_apps.core import outgoing
from tenant_apps.activity.services import before_and_after, record
from tenant_apps.webhooks import secrets
from tenant_apps.webhooks.models import WebhookDelivery, WebhookEndpoint
from tenant_apps.webhooks.outcomes import Ended, ended

logger = logging.getLogger(__name__)

Status = WebhookDelivery.Status
# A lane starts nothing new after this; what runs has 5 seconds more.
LANE_SECONDS = 5.0
# Longer than a lane may take, and with a sweep a minute behind it all is redone within 120 s of a crash (G4).
LEASE = timedelta(seconds=45)
AT_ONCE = 8
BATCH = 40
MOST_LANES = 2
RESTS_AFTER = 3
SHORTEST_REST, LONGEST_REST = 30.0, 1800.0
# After each failed try; together just under the 3 days that an event is tried for.
PAUSES = tuple(
    timedelta(seconds=seconds)
    for seconds in (15, 60, 300, 1800, 2 * 3600, 5 * 3600, 10 * 3600, 14 * 3600, 20 * 3600, 20 * 3600)
)
# An endpoint that failed for so long, and so often, is switched off.
FAILS_FOR, FAILS_TIMES = timedelta(days=3), 10
MOST_IN_LOG = 30
REPLY_KEPT = 4096


@dataclass
class _Lane:
    """An endpoint that was taken, with what is to be sent to it, and how each ended."""

    endpoint: WebhookEndpoint
    deliveries: list[WebhookDelivery]
    lease: datetime
    keys: tuple[str, ...] = ()
    done: list[tuple[WebhookDelivery, Ended]] = field(default_factory=list)
    failed_in_a_row: int = 0


def deliver_due(*, seconds: float = 10.0, now: datetime | None = None) -> int:
    """Send what is due in the present tenant and return how many deliveries were tried. Never inside a transaction."""
    until, tried = monotonic() + seconds, 0
    while monotonic() < until:
        lane = _take(now or timezone.now())
        if lane is None:
            break
        _send(lane)
        _write_down(lane, now or timezone.now())
        tried += len(lane.done)
        if not lane.done:
            break
    return tried


def something_is_due(now: datetime | None = None) -> bool:
    """True if a delivery could be sent at once."""
    return _ready(now or timezone.now()).exists()


def next_due() -> list[tuple[Any, str]]:
    """Return when something can be sent next: the first of what waits for an endpoint, but not while that is worked
    on or rests; and of what is fresh, in whose table nobody else's changes are."""
    waiting = WebhookDelivery.objects.filter(status=Status.WAITING)
    first = Subquery(waiting.filter(endpoint=OuterRef("pk")).order_by("due_at").values("due_at")[:1])
    endpoints = WebhookEndpoint.objects.filter(enabled=True).annotate(first=first).filter(first__isnull=False)
    fresh = waiting.filter(tries=0, endpoint__enabled=True, endpoint__rest_until__lte=F("due_at"))
    return [(endpoints.annotate(can=Greatest("first", "rest_until", "busy_until")), "can"), (fresh, "due_at")]


def _ready(now: datetime) -> Any:
    """Endpoints that nobody works on, that do not rest, and for which something is due; the longest unserved first."""
    due = WebhookDelivery.objects.due(now).filter(endpoint=OuterRef("pk"))
    free = WebhookEndpoint.objects.filter(Exists(due), enabled=True, rest_until__lte=now, busy_until__lte=now)
    return free.order_by("busy_until", "pk")


def _take(now: datetime) -> _Lane | None:
    """Take one endpoint, and some of its deliveries, in the order in which it happened; only one after failures."""
    lease = now + LEASE
    with transaction.atomic():
        endpoint = _ready(now).select_for_update(skip_locked=True, of=("self",)).first()
        if endpoint is None or WebhookEndpoint.objects.filter(busy_until__gt=now).count() >= MOST_LANES:
            return None
        most = 1 if endpoint.failures >= RESTS_AFTER else BATCH
        due = WebhookDelivery.objects.due(now).filter(endpoint=endpoint).select_related("event")
        taken = list(
            due.order_by("due_at", "event__created_at", "pk").select_for_update(skip_locked=True, of=("self",))[:most]
        )
        WebhookEndpoint.objects.filter(pk=endpoint.pk).update(busy_until=lease)
        WebhookDelivery.objects.filter(pk__in=[each.pk for each in taken]).update(tries=F("tries") + 1, due_at=lease)
    for each in taken:
        each.tries += 1
    return _Lane(endpoint, taken, lease, secrets.live(endpoint.sealed, now))


def _send(lane: _Lane) -> None:
    """Send at most eight at once; what concerns one thing one after the other. Three failures in a row are enough."""
    until = monotonic() + LANE_SECONDS
    things: dict[str, list[WebhookDelivery]] = defaultdict(list)
    for delivery in lane.deliveries:
        things[delivery.event.aggregate].append(delivery)

    def send_in_turn(deliveries: list[WebhookDelivery]) -> None:
        # In a thread of its own: it must not touch the database (N3).
        for delivery in deliveries:
            if monotonic() > until or lane.failed_in_a_row >= RESTS_AFTER:
                return
            how = _try(lane, delivery)
            lane.done.append((delivery, how))
            lane.failed_in_a_row = 0 if how.is_delivered else lane.failed_in_a_row + 1

    # A thread's start is all that is lost where there is one delivery, which is the usual case.
    with ThreadPoolExecutor(min(AT_ONCE, max(1, len(things))), thread_name_prefix="webhook") as pool:
        for finished in [pool.submit(send_in_turn, deliveries) for deliveries in things.values()]:
            finished.result()


def _try(lane: _Lane, delivery: WebhookDelivery) -> Ended:
    if not lane.keys:
        return Ended("no_secret")
    body = delivery.event.body.encode()
    at = int(timezone.now().timestamp())
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Foyer-Webhooks/1",
        "X-Event-Id": str(delivery.event_id),
        "X-Event-Topic": delivery.event.topic,
        "X-Delivery-Try": str(delivery.tries),
        "X-Signature": secrets.signature(body, lane.keys, at),
    }
    return ended(lambda: outgoing.post(lane.endpoint.url, body, headers))


def _write_down(lane: _Lane, now: datetime) -> None:
    """Note how each try ended, give back what was not tried, and let the endpoint go. Six statements for all of it.

    What was taken from us meanwhile (the lease ran out, somebody asked for a replay) is left as it is.
    """
    ours = {each.pk: each.tries for each in lane.deliveries}
    with transaction.atomic():
        endpoint = WebhookEndpoint.objects.select_for_update(no_key=True).filter(pk=lane.endpoint.pk).first()
        if endpoint is None:
            return
        standing = WebhookDelivery.objects.select_for_update(no_key=True).filter(pk__in=ours, status=Status.WAITING)
        still = {pk for pk, tries in standing.order_by("pk").values_list("pk", "tries") if ours[pk] == tries}
        done = [(delivery, how) for delivery, how in lane.done if delivery.pk in still]
        for delivery, how in done:
            _put_down(delivery, how, now)
        WebhookDelivery.objects.bulk_update([delivery for delivery, _how in done], _WRITTEN)
        left = still - {delivery.pk for delivery, _how in done}
        if left:
            WebhookDelivery.objects.filter(pk__in=left).update(tries=F("tries") - 1, due_at=now)
        _judge(endpoint, lane, now)


_WRITTEN = (
    "status", "due_at", "done_at", "outcome", "http_status", "took_ms", "reply_bytes", "reply", "log",
)  # fmt: skip


def _put_down(delivery: WebhookDelivery, how: Ended, now: datetime) -> None:
    delivery.outcome, delivery.http_status, delivery.took_ms = how.outcome, how.status, how.ms
    delivery.reply_bytes = len(how.reply)
    delivery.reply = secrets.sealed_reply(how.reply[:REPLY_KEPT]) if how.reply else None
    entry = {"at": now.isoformat(), "outcome": how.outcome, "status": how.status, "ms": how.ms}
    delivery.log = [*delivery.log, entry][-MOST_IN_LOG:]
    if how.is_delivered:
        delivery.status, delivery.done_at = Status.DELIVERED, now
        return
    pause = pause_after(delivery.tries)
    if pause is None or now + pause >= delivery.give_up_at:
        delivery.status, delivery.done_at = Status.FAILED, now
    else:
        # As late as it is asked for, but not so late that it would not be tried again.
        asked = now + timedelta(seconds=how.retry_after or 0)
        delivery.due_at = max(now + pause, asked if asked < delivery.give_up_at else now)


def pause_after(tries: int) -> timedelta | None:
    """Return how long to wait after so many tries; None: it was the last.

    Spread by a tenth, and never longer than told, so that all tries come within the three days.
    """
    if tries > len(PAUSES):
        return None
    return PAUSES[tries - 1] * random.uniform(0.9, 1.0)  # noqa: S311 (spreads load, guards nothing)


def rest_after(failures: int) -> timedelta:
    """Return how long an endpoint rests after so many failures in a row: half a minute, doubling up to half an hour."""
    if failures < RESTS_AFTER:
        return timedelta()
    return timedelta(seconds=min(SHORTEST_REST * 2 ** min(failures - RESTS_AFTER, 10), LONGEST_REST))


def _judge(endpoint: WebhookEndpoint, lane: _Lane, now: datetime) -> None:
    """Write what the lane's tries say of the endpoint itself, and give it back."""
    for _delivery, how in lane.done:
        if how.is_delivered:
            endpoint.failures, endpoint.failing_since, endpoint.last_success_at = 0, None, now
        else:
            endpoint.failures += 1
            endpoint.failing_since = endpoint.failing_since or now
    if lane.done:
        asked = max((how.retry_after or 0 for _delivery, how in lane.done), default=0)
        rest = max(rest_after(endpoint.failures), timedelta(seconds=min(asked, LONGEST_REST)))
        endpoint.rest_until = now + rest
    if endpoint.busy_until == lane.lease:
        endpoint.busy_until = now
    if endpoint.enabled and any(how.outcome == "gone" for _delivery, how in lane.done):
        switch_off(endpoint, WebhookEndpoint.Why.GONE, now)
    elif endpoint.enabled and has_failed_for_days(endpoint, now):
        switch_off(endpoint, WebhookEndpoint.Why.FAILING, now)
    endpoint.save(
        update_fields=[
            "failures", "failing_since", "last_success_at", "rest_until", "busy_until", "enabled", "disabled_because",
            "disabled_at", "modified_at",
        ]
    )  # fmt: skip


def has_failed_for_days(endpoint: WebhookEndpoint, now: datetime) -> bool:
    since = endpoint.failing_since
    return since is not None and since <= now - FAILS_FOR and endpoint.failures >= FAILS_TIMES


def switch_off(endpoint: WebhookEndpoint, why: str, now: datetime) -> None:
    """Switch an endpoint off by ourselves and tell the staff: the record's subscribers write to them. Does not save."""
    endpoint.enabled, endpoint.disabled_because, endpoint.disabled_at = False, why, now
    record(
        "webhook.disabled",
        endpoint,
        details={"because": str(why), **before_and_after({"enabled": True}, {"enabled": False})},
        payload={"url": endpoint.url, "because": str(why)},
    )
    logger.warning("webhook_disabled", extra={"endpoint": str(endpoint.pk), "because": str(why)})


def tidy(now: datetime | None = None, *, batch: int = 1000) -> int:
    """End deliveries whose time ran out while their endpoint rested or was off, and switch off endpoints that failed
    for days without being tried since; returns how many rows changed. Twice is once."""
    now = now or timezone.now()
    over = WebhookDelivery.objects.filter(status=Status.WAITING, give_up_at__lte=now, due_at__lte=now)
    ended_rows = WebhookDelivery.objects.filter(pk__in=over.values("pk")[:batch])
    changed = ended_rows.update(status=Status.FAILED, done_at=now, outcome="expired")
    with transaction.atomic():
        failing = WebhookEndpoint.objects.select_for_update(no_key=True, skip_locked=True).filter(
            enabled=True, failing_since__lte=now - FAILS_FOR, failures__gte=FAILS_TIMES
        )
        for endpoint in failing.order_by("pk"):
            switch_off(endpoint, WebhookEndpoint.Why.FAILING, now)
            endpoint.save(update_fields=["enabled", "disabled_because", "disabled_at", "modified_at"])
            changed += 1
    return changed
