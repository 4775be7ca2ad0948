"""The nudge that sends outbox rows on their way at once. Losing one costs nothing: a sweep follows (G3)."""

import logging

from tenants.context import on_commit

logger = logging.getLogger(__name__)


def deliver_soon() -> None:
    """After commit, ask a worker to deliver this tenant's due messages. Never fails and never waits for long."""
    on_commit(_hint)


def _hint() -> None:
    from tenant_apps.activity.tasks import deliver

    try:
        deliver.apply_async(retry=False, expires=60)
    except Exception as error:  # whatever the broker's client raises: the sweep delivers the message anyway
        logger.warning("outbox_hint_lost", extra={"reason": type(error).__name__})
