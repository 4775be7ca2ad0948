"""The nudge that sends outbox rows on their way at once. Losing one costs nothing: a sweep follows (G3)."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from tenants.context import on_commit

logger = logging.getLogger(__name__)

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
    from tenant_apps.activity.tasks import deliver

    try:
        deliver.apply_async(retry=False, expires=60)
    except Exception as error:  # whatever the broker's client raises: the sweep delivers the message anyway
        logger.warning("outbox_hint_lost", extra={"reason": type(error).__name__})
