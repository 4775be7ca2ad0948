"""When the outbox is delivered and swept."""

from celery import shared_task

from tenant_apps.activity.delivery import deliver_due, forget_old, something_is_due
from tenant_apps.activity.hints import deliver_soon, taken
from tenants.tasks import TenantTask

BATCH = 200


@shared_task(base=TenantTask, name="activity.deliver")
def deliver() -> None:
    """After a commit that recorded something, and every half minute for whatever was missed.

    Two at once share the messages out; a message that was delivered is never taken again.
    """
    taken()
    if deliver_due(BATCH) and something_is_due():
        deliver_soon()


@shared_task(base=TenantTask, name="activity.forget_old")
def forget_delivered_and_answered() -> None:
    """Every hour: delete what was delivered long ago and answers that nobody can ask for again."""
    forget_old()
