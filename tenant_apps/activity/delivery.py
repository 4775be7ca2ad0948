"""The outbox relay: hands each recorded message to the topic's subscribers, at least once (G1).

A message is claimed in a transaction of its own (FOR UPDATE SKIP LOCKED), which counts the try and leases the
row for a while; the subscribers then run outside of any transaction, since they talk to mail servers and
brokers (O3). A worker that dies simply lets its lease run out. Messages of one aggregate go out in the order
in which they were written: a later one waits until the earlier is delivered or parked, whatever its queue.

A tenant's messages of one queue are delivered by so many workers at most (OUTBOX_WORKERS_PER_TENANT), for a second at
a time: whoever has 50,000 of them, or a mail server that hangs, leaves the other workers to everybody else (N7).
"""

import logging
import random
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from time import monotonic

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from shared_apps.core.faults import point
from tenant_apps.activity.models import IdempotentRequest, OutboxMessage
from tenant_apps.activity.queues import QUEUES
from tenant_apps.activity.services import record
from tenants.database import connection

logger = logging.getLogger(__name__)

Subscriber = Callable[[OutboxMessage], None]

MAX_TRIES = 10
# Longer than a task may run (CELERY_TASK_TIME_LIMIT), so that nobody takes over a message that is still worked on;
# short enough that with one sweep behind it everything is redone within 120 s of a crash (G4).
LEASE = timedelta(seconds=60)
FIRST_PAUSE, LONGEST_PAUSE = 15.0, 3600.0
KEEP_DELIVERED = timedelta(days=14)
KEEP_ANSWERS = timedelta(hours=48)
# What tells the owners that a message was parked.
PARKED = "outbox.parked"
# First key of the advisory locks on delivering; the second is a hash of tenant, queue and place.
DELIVERING_LOCK = 7111

_subscribers: dict[str, list[Subscriber]] = defaultdict(list)


def subscribe(topic: str) -> Callable[[Subscriber], Subscriber]:
    """Register a function for the messages of a topic. Used in modules that an upper app's `ready()` imports.

    It may be called again with the same message, after a crash or because another subscriber failed: `message.id`
    is the key by which it knows what it has done already.
    """

    def register(function: Subscriber) -> Subscriber:
        if function not in _subscribers[topic]:
            _subscribers[topic].append(function)
        return function

    return register


def subscribers(topic: str) -> tuple[Subscriber, ...]:
    """Return who is told about a topic; for most topics that is nobody, the record itself is all."""
    return tuple(_subscribers.get(topic, ()))


def deliver_due(limit: int = 100, *, queue: str | None = None, seconds: float = 25, now: datetime | None = None) -> int:
    """Deliver up to `limit` due messages of the present tenant, of one queue or of all, and return how many were taken.

    Stops after `seconds`, so that a slow mail server does not run the task into its time limit. A message that
    fails comes again later and keeps nobody but its own aggregate waiting; after 10 tries it is parked.
    """
    queues = QUEUES if queue is None else (queue,)
    until = monotonic() + seconds
    taken = 0
    while taken < limit and monotonic() < until:
        message = _claim(now or timezone.now(), queues)
        if message is None:
            break
        taken += 1
        point("outbox.claimed")
        _hand_over(message)
    return taken


@contextmanager
def place_for(queue: str) -> Iterator[bool]:
    """Take one of the places that the present tenant has among the workers for this queue; False if all are taken.

    A place is an advisory lock of this database session: the server itself frees it if the worker dies.
    """
    places = settings.OUTBOX_WORKERS_PER_TENANT
    names = [f"{connection.schema_name}:{queue}:{number}" for number in range(places)]
    mine = next((name for name in names if _lock("pg_try_advisory_lock", name)), None) if places else ""
    try:
        yield mine is not None
    finally:
        if mine:
            _lock("pg_advisory_unlock", mine)


def _lock(function: str, name: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(%s, hashtext(%s))", [DELIVERING_LOCK, name])
        return bool(cursor.fetchone()[0])


def queues_due(now: datetime | None = None) -> list[str]:
    """Return the queues in which a message could be delivered at once."""
    due = _deliverable(now or timezone.now())
    return [queue for queue in QUEUES if due.filter(queue=queue).exists()]


def something_is_due(queue: str, now: datetime | None = None) -> bool:
    """True if a message of the queue could be delivered at once."""
    return _deliverable(now or timezone.now()).filter(queue=queue).exists()


def _deliverable(now: datetime) -> QuerySet[OutboxMessage]:
    """Due messages that are the first of their aggregate."""
    open_ = Q(delivered_at__isnull=True, parked_at__isnull=True)
    # Ids are random within one millisecond; created_at has microseconds and tells two messages of one act apart.
    earlier = OutboxMessage.objects.filter(open_, aggregate=OuterRef("aggregate")).filter(
        Q(created_at__lt=OuterRef("created_at")) | Q(created_at=OuterRef("created_at"), id__lt=OuterRef("id"))
    )
    return OutboxMessage.objects.filter(open_, ~Exists(earlier), due_at__lte=now)


# One statement, so one round trip and one commit. The oldest of each queue is found in the index of what waits.
_CLAIM = """
UPDATE activity_outboxmessage SET tries = tries + 1, due_at = %(lease)s
WHERE id = (
    SELECT m.id FROM activity_outboxmessage m
    WHERE m.queue = %(queue)s AND m.delivered_at IS NULL AND m.parked_at IS NULL AND m.due_at <= %(now)s
        AND NOT EXISTS (
            SELECT 1 FROM activity_outboxmessage e
            WHERE e.aggregate = m.aggregate AND e.delivered_at IS NULL AND e.parked_at IS NULL
                AND (e.created_at, e.id) < (m.created_at, m.id)
        )
    ORDER BY m.due_at, m.created_at, m.id
    LIMIT 1 FOR UPDATE OF m SKIP LOCKED
)
RETURNING COLUMNS
"""


def _claim(now: datetime, queues: Collection[str]) -> OutboxMessage | None:
    """Take the oldest deliverable message of the first queue that has one, and lease it."""
    columns = ", ".join(str(field.column) for field in OutboxMessage._meta.concrete_fields)
    sql = _CLAIM.replace("COLUMNS", columns)
    for queue in queues:
        found = OutboxMessage.objects.raw(sql, {"lease": now + LEASE, "now": now, "queue": queue})
        for message in found:
            return message
    return None


def _hand_over(message: OutboxMessage) -> None:
    """Call every subscriber, then note the outcome, unless the lease ran out and another try was counted since."""
    mine = OutboxMessage.objects.filter(pk=message.pk, tries=message.tries, delivered_at__isnull=True)
    if message.tries > MAX_TRIES:
        # The earlier tries ended without a word: each time the worker died over this message.
        _park(mine, message, message.last_error or "Every try ended with the death of its worker.")
        return
    problems = []
    for subscriber in subscribers(message.topic):
        try:
            subscriber(message)
        except Exception as error:  # whatever one subscriber raises must not keep the message from the others
            logger.warning(
                "outbox_subscriber_failed",
                exc_info=True,
                extra={"topic": message.topic, "message_id": str(message.id), "subscriber": subscriber.__name__},
            )
            problems.append(f"{subscriber.__module__}.{subscriber.__name__}: {type(error).__name__}: {error}")
    point("outbox.handed_over")
    if not problems:
        mine.update(delivered_at=timezone.now(), last_error="")
        point("outbox.delivered")
    elif message.tries >= MAX_TRIES:
        _park(mine, message, "\n".join(problems))
    else:
        mine.update(due_at=timezone.now() + pause_after(message.tries), last_error="\n".join(problems)[:2000])


def _park(mine: QuerySet[OutboxMessage], message: OutboxMessage, problem: str) -> None:
    """Set the message aside and tell of it: the operators by a log line of level error, which Sentry raises, and the
    tenant's own people by a message, once an hour for each topic."""
    hour = timezone.now().strftime("%Y-%m-%dT%H")
    with transaction.atomic():
        mine.update(parked_at=timezone.now(), last_error=problem[:2000])
        if message.topic != PARKED:
            record(
                PARKED,
                message,
                payload={"topic": message.topic, "reason": problem[:300]},
                details={"topic": message.topic, "aggregate": message.aggregate},
                key=f"{PARKED}:{message.topic}:{hour}",
            )
    logger.error(
        "outbox_parked",
        extra={
            "topic": message.topic,
            "aggregate": message.aggregate,
            "message_id": str(message.id),
            "tries": MAX_TRIES,
        },
    )


def pause_after(tries: int) -> timedelta:
    """Return how long to wait after so many tries: 15 s, doubling up to an hour, each spread by half either way.

    The spread keeps a thousand messages that failed together from coming back together.
    """
    seconds = min(FIRST_PAUSE * 2 ** (tries - 1), LONGEST_PAUSE)
    return timedelta(seconds=seconds * random.uniform(0.5, 1.5))  # noqa: S311 (spreads load, guards nothing)


def forget_old(now: datetime | None = None, *, batch: int = 5000) -> int:
    """Delete what was delivered two weeks ago and answers older than two days (O2 wants 24 h). Parked ones stay.

    One batch a call, so that the locks are short; the hourly schedule comes back for the rest.
    """
    now = now or timezone.now()
    delivered = OutboxMessage.objects.filter(delivered_at__lt=now - KEEP_DELIVERED).values("pk")[:batch]
    answers = IdempotentRequest.objects.filter(started_at__lt=now - KEEP_ANSWERS).values("pk")[:batch]
    return (
        OutboxMessage.objects.filter(pk__in=delivered).delete()[0]
        + IdempotentRequest.objects.filter(pk__in=answers).delete()[0]
    )
