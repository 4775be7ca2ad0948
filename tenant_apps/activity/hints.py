"""The nudge that sends outbox rows on their way at once. Losing one costs nothing: a sweep follows (G3)."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from time import monotonic
from typing import Any

from tenant_apps.activity.queues import DEFAULT
from tenants import due, freshness
from tenants.context import on_commit
from tenants.database import connection

logger = logging.getLogger(__name__)

# After a failure this process leaves the broker alone for a while: one request waits for it, not all of them.
REST_SECONDS = 10.0
# While a hint waits for a worker, others of the same tenant need not be sent: it will see what they stand for.
PENDING_SECONDS = 5
# What a worker on its round does for the messages that it wrote.
SWEEP = "activity.sweep"
_rest_until = 0.0
# While bulk work goes on: the queues that it wrote to.
_told: ContextVar[set[str] | None] = ContextVar("outbox_hints_told", default=None)


def deliver_soon(queue: str = DEFAULT, *, behind: str | None = None) -> None:
    """After commit, ask a worker to deliver this tenant's due messages of a queue. Never fails and never waits for
    long. `behind` names another queue to wait in: what is left of a heap goes behind what is new elsewhere. What
    follows from a tick waits for the end of the tick, and is swept up tenant by tenant as the tick itself was."""
    told, follows = _told.get(), due.on_round.get()
    if told is not None:
        told.add(queue)
    elif follows is not None and behind is None:
        on_commit(lambda: follows.add(SWEEP))
    else:
        on_commit(lambda: _hint(queue, behind or queue))


@contextmanager
def one_for_all() -> Iterator[None]:
    """Bulk work: what is recorded inside gets one hint a queue at the end instead of thousands."""
    told: set[str] = set()
    token = _told.set(told)
    try:
        yield
    finally:
        _told.reset(token)
    for queue in sorted(told):
        deliver_soon(queue)


def _hint(queue: str, wait_in: str) -> None:
    global _rest_until
    from tenant_apps.activity.tasks import deliver

    if monotonic() < _rest_until or _is_pending(queue):
        return
    try:
        deliver.apply_async(kwargs={"queue": queue}, queue=wait_in, retry=False, expires=60)
    except Exception as error:  # whatever the broker's client raises: the sweep delivers the message anyway
        _rest_until = monotonic() + REST_SECONDS
        taken(queue)
        logger.warning("outbox_hint_lost", extra={"reason": type(error).__name__})


def taken(queue: str = DEFAULT) -> None:
    """A worker is about to look at the present tenant's messages: what is recorded from now on needs a new hint."""
    _ask_cache(queue, "delete")


def _is_pending(queue: str) -> bool:
    """Whether a hint for this tenant waits for a worker already; if not, the one that is sent now does."""
    return _ask_cache(queue, "set", 1, nx=True, ex=PENDING_SECONDS) is None


def _ask_cache(queue: str, command: str, *arguments: Any, **options: Any) -> Any:
    """What the cache's server answers; False if there is none."""
    client = freshness.client()
    if client is None:
        return False
    try:
        return getattr(client, command)(f"foyer-hint:{connection.schema_name}:{queue}", *arguments, **options)
    except Exception as error:  # whatever the client raises: one hint too many does no harm
        freshness.rest()
        logger.warning("outbox_hint_uncounted", extra={"reason": type(error).__name__})
        return False
