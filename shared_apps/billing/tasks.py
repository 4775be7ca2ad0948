"""When usage is reckoned, and when Stripe is asked."""

import logging

from celery import shared_task

from shared_apps.billing import limits
from shared_apps.billing.usage import measure
from tenants import due
from tenants.context import current_tenant
from tenants.tasks import PublicTask, TenantTask

logger = logging.getLogger(__name__)


@shared_task(base=TenantTask, name="billing.meter")
def meter() -> None:
    """Every hour: reckon what the tenant used today, and days that are not settled yet. Twice changes nothing (G2).

    Its limits are put right with it, should a process have died between a change of plan and what follows from it.
    """
    measure()
    limits.refresh(current_tenant())


# Each time for everybody, many tenants to a task.
due.question("billing.meter", lambda now: now)


def take_up_soon(customer: str) -> None:
    """Ask a worker to look at a customer. Never fails and never waits: the sweep finds what nobody was told of."""
    try:
        take_up.apply_async((customer,), retry=False, expires=300, headers={"_schema_name": "public"})
    except Exception as error:  # whatever the broker's client raises
        logger.warning("billing_hint_lost", extra={"reason": type(error).__name__})


@shared_task(base=PublicTask, name="billing.take_up")
def take_up(customer: str) -> None:
    """Do what messages about a customer call for. Twice, late or at once with another is once (G2)."""
    from shared_apps.billing import callbacks, letters

    if callbacks.take_up(customer):
        letters.send_waiting()


@shared_task(base=PublicTask, name="billing.sweep")
def sweep() -> None:
    """Every minute: messages that wait, subscriptions whose time has come, letters. Twice changes nothing (G2)."""
    from shared_apps.billing import subscriptions

    subscriptions.sweep()


@shared_task(base=PublicTask, name="billing.forget_old")
def forget_old() -> None:
    """Every night: drop messages that were done long ago."""
    from shared_apps.billing import callbacks

    callbacks.forget_old()
