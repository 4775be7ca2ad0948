"""The work on messages that staff began: begun by the outbox, taken up again where a worker died."""

from celery import shared_task

from tenant_apps.activity.delivery import subscribe
from tenant_apps.activity.models import OutboxMessage
from tenant_apps.activity.queues import URGENT, route
from tenant_apps.notifications import messages
from tenant_apps.notifications.models import Message
from tenants import due
from tenants.tasks import TenantTask

# Staff have just asked for it; what it hands over goes in bulk.
route("message.started", URGENT)


@shared_task(base=TenantTask, name="notifications.send_message", lasting=True)
def send_message(message: str) -> None:
    """Work on a message for a while, and hand over to the next if that was not enough. Twice is once (G2)."""
    found = Message.objects.filter(pk=message, status=Message.Status.RUNNING).first()
    if found is not None and not messages.work(found, seconds=30):
        send_message.apply_async(args=[message], retry=False)


@shared_task(base=TenantTask, name="notifications.resume_messages")
def resume() -> None:
    """Every minute: take up messages whose worker died."""
    for found in messages.unfinished():
        send_message.apply_async(args=[str(found.pk)], retry=False)


@subscribe("message.started")
def work_on_message(message: OutboxMessage) -> None:
    """Queue the work; the broker may lose it, then `resume` finds it."""
    send_message.apply_async(args=[message.aggregate.partition(":")[2]], retry=False)


due.soonest(
    "notifications.resume_messages",
    lambda: [(Message.objects.filter(status=Message.Status.RUNNING), "modified_at", messages.RESUME_AFTER)],
)
