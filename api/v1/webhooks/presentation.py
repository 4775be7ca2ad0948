"""How webhooks and their log look. A secret is in no answer but the one that makes it; a reply in none at all (B7)."""

import json
from typing import Any

from tenant_apps.webhooks import secrets
from tenant_apps.webhooks.models import WebhookDelivery, WebhookEndpoint
from tenant_apps.webhooks.outcomes import OUTCOMES


def webhook_json(endpoint: WebhookEndpoint) -> dict[str, Any]:
    return {
        "id": endpoint.pk,
        "url": endpoint.url,
        "description": endpoint.description,
        "topics": endpoint.topics,
        "enabled": endpoint.enabled,
        "disabled_because": endpoint.disabled_because or None,
        "disabled_at": endpoint.disabled_at,
        "failures": endpoint.failures,
        "failing_since": endpoint.failing_since,
        "last_success_at": endpoint.last_success_at,
        "previous_secret_until": secrets.previous_until(endpoint.sealed),
        "created_at": endpoint.created_at,
        "modified_at": endpoint.modified_at,
    }


def delivery_json(delivery: WebhookDelivery) -> dict[str, Any]:
    """A delivery with its event. `next_try_at` is None once it is done."""
    return {
        "id": delivery.pk,
        "event": delivery.event_id,
        "topic": delivery.event.topic,
        "status": delivery.status,
        "created_at": delivery.created_at,
        "done_at": delivery.done_at,
        "next_try_at": delivery.due_at if delivery.status == WebhookDelivery.Status.WAITING else None,
        "tries": [
            {**entry, "message": str(OUTCOMES.get(entry["outcome"], entry["outcome"]))} for entry in delivery.log
        ],
        "http_status": delivery.http_status,
        "reply_bytes": delivery.reply_bytes,
        "body": json.loads(delivery.event.body),
    }
