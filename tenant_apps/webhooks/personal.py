"""Webhooks name nobody: bodies hold names of things, states and amounts (P3). What an endpoint replied is its own
business, may hold anything, and goes when it was about what is an erased person's; else after 30 days."""

from shared_apps.core.personal import Person, harmless, hold
from tenant_apps.webhooks.models import WebhookDelivery


def _end_replies(person: Person) -> int:
    theirs = WebhookDelivery.objects.filter(event__aggregate__in=person.targets, reply__isnull=False)
    return theirs.update(reply=None)


hold("webhook_replies", "webhooks.WebhookDelivery", {"reply"}, erase=_end_replies, order=10)
harmless("webhooks.WebhookEndpoint", {"sealed"}, "the endpoint's secrets")
harmless("webhooks.WebhookDelivery", {"log"}, "when it was tried and with what status")
