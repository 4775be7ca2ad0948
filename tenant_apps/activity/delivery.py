"""The outbox relay: hands each recorded message to the topic's subscribers, at least once (G1).

A message is claimed in a transaction of its own (FOR UPDATE SKIP LOCKED), which counts the try and leases the
row for a while; the subscribers then run outside of any transaction, since they talk to mail servers and
brokers (O3). A worker that dies simply lets its lease run out. Messages of one aggregate go out in the order
in which they were written: a later one waits until the earlier is delivered or parked.
"""

import logging
import random
from collections import defaultdict
from collections.abc import Callable
from datetime import datetime, timedelta
from time import monotonic

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from shared_apps.core.faults import point
from tenant_apps.activity.models import IdempotentRequest, OutboxMessage

logger = logging.getLogger(__name__)

Subscriber = Callable[[OutboxMessage], None]

MAX_TRIES = 10
# Longer than a task may run (CELERY_TASK_TIME_LIMIT), so that nobody takes over a message that is still worked on;
# short enough that with one sweep behind it everything is redone within 120 s of a crash (G4).
LEASE = timedelta(seconds=60)
FIRST_PAUSE, LONGEST_PAUSE = 15.0, 3600.0
KEEP_DELIVERED = timedelta(days=14)
KEEP_ANSWERS = timedelta(hours=48)

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


def deliver_due(limit: int = 100, *, seconds: float = 25, now: datetime | None = None) -> int:
    """Deliver up to `limit` due messages of the present tenant and return how many were taken.

    Stops after `seconds`, so that a slow mail server does not run the task into its time limit. A message that
    fails comes again later and keeps nobody but its own aggregate waiting; after 10 tries it is parked.
    """
    until = monotonic() + seconds
    taken = 0
    while taken < limit and monotonic() < until:
        message = _claim(now or timezone.now())
        if message is None:
            break
        taken += 1
        point("outbox.claimed")
        _hand_over(message)
    return taken


def something_is_due(now: datetime | None = None) -> bool:
    """True if a message could be delivered at once."""
    return _deliverable(now or timezone.now()).exists()


def _deliverable(now: datetime) -> QuerySet[OutboxMessage]:
    """Due messages that are the first of their aggregate."""
    open_ = Q(delivered_at__isnull=True, parked_at__isnull=True)
    # Ids are random within one millisecond; created_at has microseconds and tells two messages of one act apart.
    earlier = OutboxMessage.objects.filter(open_, aggregate=OuterRef("aggregate")).filter(
        Q(created_at__lt=OuterRef("created_at")) | Q(created_at=OuterRef("created_at"), id__lt=OuterRef("id"))
    )
    return OutboxMessage.objects.filter(open_, ~Exists(earlier), due_at__lte=now)


def _claim(now: datetime) -> OutboxMessage | None:
    """Take the oldest deliverable message and lease it."""
    with transaction.atomic():
        message = (
            _deliverable(now)
            .order_by("due_at", "created_at", "id")
            .select_for_update(skip_locked=True, of=("self",))
            .first()
        )
        if message is None:
            return None
        message.tries += 1
        message.due_at = now + LEASE
        message.save(update_fields=["tries", "due_at"])
    return message


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
    """Set the message aside and tell the operators: a log line of level error, which Sentry raises."""
    mine.update(parked_at=timezone.now(), last_error=problem[:2000])
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


def retry_parked(topic: str | None = None) -> int:
    """Give parked messages ten more tries, after their cause was mended; returns how many."""
    parked = OutboxMessage.objects.filter(parked_at__isnull=False, delivered_at__isnull=True)
    if topic is not None:
        parked = parked.filter(topic=topic)
    return parked.update(parked_at=None, tries=0, due_at=timezone.now())


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
