"""When deliveries are sent."""

import logging

from celery import shared_task
from django.core.cache import cache

from tenant_apps.webhooks import keeping, sending
from tenants import due
from tenants.context import on_commit
from tenants.tasks import TenantTask

logger = logging.getLogger(__name__)

# While a hint waits for a worker, others of the same tenant need not be sent: it will see what they stand for.
PENDING_SECONDS = 5
_PENDING = "webhooks-hint"


@shared_task(base=TenantTask, name="webhooks.deliver")
def deliver() -> None:
    """After a commit that noted an event, and when the sweep finds something due.

    Two at once share the endpoints out. Ten seconds are one turn: who has more to send stands in line again.
    """
    _ask_cache("delete", _PENDING)
    if sending.deliver_due() and sending.something_is_due():
        _hint()


@shared_task(base=TenantTask, name="webhooks.sweep")
def sweep() -> None:
    """Every half minute where something is due: see to it that retries, and what a lost hint or a dead worker left
    behind, are sent. Sends nothing itself."""
    if sending.something_is_due():
        _hint()


@shared_task(base=TenantTask, name="webhooks.forget_old")
def forget_old() -> None:
    """Every hour: end what can no longer be delivered, delete events of a month ago with their log. Twice is once."""
    sending.tidy()
    keeping.forget_old()


due.soonest("webhooks.sweep", sending.next_due)
due.soonest("webhooks.forget_old", keeping.next_due)


def deliver_soon() -> None:
    """After commit, ask a worker to send what is due. Never fails: losing it costs a minute at most (G3)."""
    on_commit(_hint)


def _hint() -> None:
    if _ask_cache("add", _PENDING, 1, PENDING_SECONDS) is False:
        return
    try:
        deliver.apply_async(retry=False, expires=60)
    except Exception as error:  # whatever the broker's client raises: the sweep sends it anyway
        logger.warning("webhooks_hint_lost", extra={"reason": type(error).__name__})


def _ask_cache(command: str, *arguments: object) -> object:
    try:
        return getattr(cache, command)(*arguments)
    except Exception as error:  # whatever the client raises: one hint too many does no harm
        logger.warning("webhooks_hint_uncounted", extra={"reason": type(error).__name__})
        return None
