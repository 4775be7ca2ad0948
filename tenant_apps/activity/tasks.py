"""When the outbox is delivered, swept and tidied."""

from celery import shared_task

from tenant_apps.activity import delivery
from tenant_apps.activity.delivery import KEEP_ANSWERS, KEEP_DELIVERED, deliver_due, place_for, queues_due
from tenant_apps.activity.hints import deliver_soon, taken
from tenant_apps.activity.models import IdempotentRequest, OutboxMessage
from tenant_apps.activity.queues import BULK, DEFAULT, URGENT
from tenants import due
from tenants.tasks import TenantTask

BATCH = 200
# A worker stays with one tenant's messages for so long, or until the one is sent that it has in hand. With two workers
# everybody else's turn comes within this time and two mails.
TURN_SECONDS = 1.0
# Where what is left after a turn waits: behind others' news, and behind nothing that is less urgent.
BEHIND = {URGENT: DEFAULT, DEFAULT: DEFAULT, BULK: BULK}


@shared_task(base=TenantTask, name="activity.deliver", keeps_connection=True)
def deliver(queue: str = DEFAULT) -> None:
    """After a commit that recorded something, and whenever the sweep finds something due: deliver for a second.

    Two at once share the messages out; a message that was delivered is never taken again.
    """
    with place_for(queue) as free:
        if not free:
            return
        taken(queue)
        deliver_due(BATCH, queue=queue, seconds=TURN_SECONDS)
    # Only now, with the place free again: whoever found it taken has left and relies on this look, and whoever sent no
    # hint because one was on its way too.
    taken(queue)
    if delivery.something_is_due(queue):
        deliver_soon(queue, behind=BEHIND[queue])


@shared_task(base=TenantTask, name="activity.sweep")
def sweep() -> None:
    """Every quarter of a minute where something is due: send a worker for what no hint told of, for what failed a while
    ago and for what a dead worker left. A worker too many finds nothing (G2)."""
    for queue in queues_due():
        deliver_soon(queue)


@shared_task(base=TenantTask, name="activity.forget_old")
def forget_delivered_and_answered() -> None:
    """Every hour: delete what was delivered long ago and answers that nobody can ask for again."""
    delivery.forget_old()


due.soonest(
    "activity.sweep",
    lambda: [
        (OutboxMessage.objects.filter(delivered_at=None, parked_at=None, queue=queue), "due_at") for queue in BEHIND
    ],
)
due.soonest(
    "activity.forget_old",
    lambda: [
        (OutboxMessage.objects.filter(delivered_at__isnull=False), "delivered_at", KEEP_DELIVERED),
        (IdempotentRequest.objects.all(), "started_at", KEEP_ANSWERS),
    ],
)
