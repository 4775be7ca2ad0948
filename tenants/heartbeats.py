"""Signs of life of the background work: beat wakes one task, which sends a pulse through each queue.

A row that grows old says which part stands still: `beat` if beat or every worker does, a queue's own if nobody takes
its tasks. It is read by the self-check; losing a pulse costs nothing (G3).
"""

import time
from datetime import datetime, timedelta

from celery import shared_task
from django.utils import timezone

from tenants.models import Heartbeat
from tenants.tasks import PublicTask

BEAT = "beat"
QUEUES = ("urgent", "default", "bulk")
EVERY = timedelta(seconds=30)
# Three beats were missed: something is slow. Ten: it stands still.
SLOW, STILL = 3 * EVERY, 10 * EVERY


def note(name: str, *, lag_ms: int = 0, now: datetime | None = None) -> None:
    """Write down that this part is alive; one statement, and the newest wins."""
    Heartbeat.objects.bulk_create(
        [Heartbeat(name=name, at=now or timezone.now(), lag_ms=max(0, min(lag_ms, 2**31 - 1)))],
        update_conflicts=True, unique_fields=["name"], update_fields=["at", "lag_ms"],
    )  # fmt: skip


@shared_task(base=PublicTask, name="tenants.heartbeat", keeps_connection=True)
def heartbeat() -> None:
    """Every 30 s: beat is alive, and a worker took its task; then a pulse goes through each queue. Twice is once."""
    note(BEAT)
    for queue in QUEUES:
        pulse.apply_async(
            (queue, time.time()), queue=queue, expires=STILL.total_seconds(), headers={"_schema_name": "public"}
        )


@shared_task(base=PublicTask, name="tenants.pulse", keeps_connection=True)
def pulse(queue: str, sent_at: float) -> None:
    """Note that a worker serves this queue, and how long the pulse waited in it. `sent_at`: seconds since 1970."""
    note(queue, lag_ms=int((time.time() - sent_at) * 1000))


def ages(now: datetime | None = None) -> dict[str, tuple[timedelta, timedelta]]:
    """Return for each part that ever lived how long ago that was, and how long its last pulse had waited."""
    now = now or timezone.now()
    return {row.name: (now - row.at, timedelta(milliseconds=row.lag_ms)) for row in Heartbeat.objects.all()}
