"""The nudge that sends outbox rows on their way at once. Losing one costs nothing: a sweep follows (G3)."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from time import monotonic

from tenants.context import on_commit

logger = logging.getLogger(__name__)

# After a failure this process leaves the broker alone for a while: one request waits for it, not all of them.
REST_SECONDS = 10.0
_rest_until = 0.0
_quiet: ContextVar[bool] = ContextVar("outbox_hints_quiet", default=False)


def deliver_soon() -> None:
    """After commit, ask a worker to deliver this tenant's due messages. Never fails and never waits for long."""
    if not _quiet.get():
        on_commit(_hint)


@contextmanager
def one_for_all() -> Iterator[None]:
    """Bulk work: what is recorded inside gets one hint at the end instead of thousands."""
    token = _quiet.set(True)
    try:
        yield
    finally:
        _quiet.reset(token)
    deliver_soon()


def _hint() -> None:
    global _rest_until
    from tenant_apps.activity.tasks import deliver

    if monotonic() < _rest_until:
        return
    try:
        deliver.apply_async(retry=False, expires=60)
    except Exception as error:  # whatever the broker's client raises: the sweep delivers the message anyway
        _rest_until = monotonic() + REST_SECONDS
        logger.warning("outbox_hint_lost", extra={"reason": type(error).__name__})
