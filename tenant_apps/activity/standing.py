"""How the outbox of the present tenant stands: what waits, how long, what was delivered, what is parked and why."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Count, Min, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from shared_apps.core.errors import DomainError, NotFound
from tenant_apps.activity.hints import deliver_soon
from tenant_apps.activity.models import OutboxMessage
from tenant_apps.activity.queues import QUEUES
from tenant_apps.activity.services import before_and_after, record

LABELS = {"urgent": _("Urgent"), "default": _("Ordinary"), "bulk": _("In bulk")}
# What waits longer than this is late: the sweep comes round several times within it.
LATE = timedelta(seconds=120)

# What an error means to somebody who runs a venue, by the name of the error; the first that fits.
_WORDS = (
    (
        re.compile(r"SMTPRecipientsRefused|Undeliverable"),
        _("The address was refused by the receiving side."),
    ),
    (
        re.compile(r"SMTPAuthenticationError"),
        _("The mail server does not accept our user name and password."),
    ),
    (
        re.compile(r"SMTP|ConnectionRefused|ConnectionReset|ConnectionError|BrokenPipe|gaierror"),
        _("The mail server or another outside service did not take it."),
    ),
    (
        re.compile(r"[Tt]imeout|timed out|NoAnswer"),
        _("An outside service did not answer in time."),
    ),
    (
        re.compile(r"DoesNotExist"),
        _("What it was about is not there any more."),
    ),
    (
        re.compile(r"death of its worker"),
        _("Each try was broken off from outside. It may be too large to be worked on."),
    ),
    (
        re.compile(r"OperationalError|InterfaceError|LockNotAvailable|QueryCanceled"),
        _("The database was not to be had, or took too long."),
    ),
)
_FAULT = _("A fault of the program. Tell the operator; the details below help.")


class NotParked(DomainError):
    code, status = "not_parked", 409
    message = _("This message is not parked any more.")


@dataclass(frozen=True)
class QueueStanding:
    """One queue: how many messages wait, how many of them after a failed try, how long the oldest has been due, and how
    many were delivered."""

    queue: str
    pending: int
    failing: int
    lag_seconds: float
    last_minute: int
    last_hour: int

    @property
    def label(self) -> Any:
        return LABELS[self.queue]

    @property
    def is_late(self) -> bool:
        return self.lag_seconds > LATE.total_seconds()


@dataclass(frozen=True)
class Standing:
    """The whole outbox of a tenant."""

    queues: Sequence[QueueStanding]
    parked: int

    @property
    def pending(self) -> int:
        return sum(each.pending for each in self.queues)

    @property
    def lag_seconds(self) -> float:
        return max(each.lag_seconds for each in self.queues)

    @property
    def is_late(self) -> bool:
        return any(each.is_late for each in self.queues)

    @property
    def delivered_per_minute(self) -> float:
        """Of the last hour, so that a quiet minute says nothing."""
        return round(sum(each.last_hour for each in self.queues) / 60, 1)


def standing(now: datetime | None = None) -> Standing:
    """Return how the outbox stands; three statements, each over an index of what it counts."""
    now = now or timezone.now()
    waiting = OutboxMessage.objects.filter(delivered_at=None, parked_at=None)
    found = waiting.values("queue").annotate(
        pending=Count("pk"),
        failing=Count("pk", filter=Q(tries__gt=0, due_at__gt=now) | Q(tries__gt=1)),
        # One that has not been tried counts from when it was written, one that failed from when it was to be retried.
        oldest=Min("due_at", filter=Q(due_at__lte=now)),
    )
    open_: dict[str, Any] = {row["queue"]: row for row in found}
    lately = OutboxMessage.objects.filter(delivered_at__gt=now - timedelta(hours=1)).values("queue")
    minute = Count("pk", filter=Q(delivered_at__gt=now - timedelta(minutes=1)))
    done: dict[str, Any] = {row["queue"]: row for row in lately.annotate(hour=Count("pk"), minute=minute)}
    queues = []
    for queue in QUEUES:
        row: dict[str, Any] = open_.get(queue, {})
        ended: dict[str, Any] = done.get(queue, {})
        oldest = row.get("oldest")
        lag = max(0.0, (now - oldest).total_seconds()) if oldest else 0.0
        queues.append(
            QueueStanding(
                queue=queue,
                pending=row.get("pending", 0),
                failing=row.get("failing", 0),
                lag_seconds=round(lag, 1),
                last_minute=ended.get("minute", 0),
                last_hour=ended.get("hour", 0),
            )
        )
    return Standing(queues, parked().count())


def parked() -> Any:
    """Messages that were given up after ten tries, newest first."""
    return OutboxMessage.objects.filter(parked_at__isnull=False, delivered_at=None).order_by("-parked_at", "-id")


def reason(message: OutboxMessage) -> Any:
    """Say in words why a message could not be delivered; the text of the error stands beside it."""
    return next((words for pattern, words in _WORDS if pattern.search(message.last_error)), _FAULT)


def retry(pk: UUID, *, actor: Any) -> OutboxMessage:
    """Give one parked message ten more tries, from now on. Raises NotFound, and NotParked if somebody was faster."""
    with transaction.atomic():
        message = OutboxMessage.objects.select_for_update().filter(pk=pk).first()
        if message is None:
            raise NotFound
        if message.parked_at is None or message.delivered_at is not None:
            raise NotParked
        _retry([message], actor)
    return message


def retry_all(topic: str | None = None, *, actor: Any = None) -> int:
    """Give all parked messages, or a topic's, ten more tries, after their cause was mended; returns how many."""
    given = 0
    while True:
        with transaction.atomic():
            some = parked() if topic is None else parked().filter(topic=topic)
            messages = list(some.select_for_update(skip_locked=True)[:500])
            if not messages:
                return given
            _retry(messages, actor)
        given += len(messages)


def _retry(messages: Sequence[OutboxMessage], actor: Any) -> None:
    now = timezone.now()
    keys = [each.pk for each in messages]
    OutboxMessage.objects.filter(pk__in=keys).update(parked_at=None, tries=0, due_at=now)
    topics = sorted({each.topic for each in messages})
    details = {"topics": topics, **before_and_after({"parked": len(messages)}, {"parked": 0})}
    record("outbox.retried", messages[0], actor=actor, details=details, deliver=False)
    for queue in sorted({each.queue for each in messages}):
        deliver_soon(queue)
