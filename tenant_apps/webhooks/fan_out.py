"""From the outbox to the endpoints: one event, and a row for each endpoint that wants it, in one transaction."""

from datetime import timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from tenant_apps.activity.delivery import subscribe
from tenant_apps.activity.models import OutboxMessage
from tenant_apps.webhooks.bodies import body_of
from tenant_apps.webhooks.models import WebhookDelivery, WebhookEndpoint, WebhookEvent
from tenant_apps.webhooks.tasks import deliver_soon
from tenant_apps.webhooks.topics import EVERYTHING, TOPICS
from tenants.context import current_tenant

# How long one event is tried for one endpoint.
TRY_FOR = timedelta(days=3)


def note(message: OutboxMessage) -> None:
    """Note down for whom a message is. One statement where nobody wants it; the same message again changes nothing.

    The event is kept for endpoints that are switched off too, so that they can have it later by a replay.
    """
    wanted = Q(topics__contains=[message.topic]) | Q(topics__contains=[EVERYTHING])
    endpoints = list(WebhookEndpoint.objects.filter(wanted).values_list("pk", "enabled"))
    if not endpoints:
        return
    body = body_of(
        current_tenant(),
        event_id=message.id,
        topic=message.topic,
        aggregate=message.aggregate,
        created_at=message.created_at,
        payload=message.payload,
    )
    now = timezone.now()
    with transaction.atomic():
        event = WebhookEvent(
            id=message.id, topic=message.topic, aggregate=message.aggregate, body=body, created_at=message.created_at
        )
        WebhookEvent.objects.bulk_create([event], ignore_conflicts=True)
        WebhookDelivery.objects.bulk_create(
            [
                WebhookDelivery(event=event, endpoint_id=pk, created_at=now, due_at=now, give_up_at=now + TRY_FOR)
                for pk, enabled in endpoints
                if enabled
            ],
            ignore_conflicts=True,
        )
        deliver_soon()


for _topic in TOPICS:
    subscribe(_topic)(note)
