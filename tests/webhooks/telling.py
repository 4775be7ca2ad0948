"""What the tests of webhooks do: make an endpoint, have something happen, send, let time pass, answer late."""

import time
from datetime import timedelta
from typing import Any

from django.utils import timezone

from tenant_apps.activity.delivery import deliver_due as hand_over
from tenant_apps.activity.models import OutboxMessage
from tenant_apps.webhooks import services
from tenant_apps.webhooks.models import WebhookEndpoint
from tenant_apps.webhooks.sending import deliver_due


def endpoint_at(url: str, *topics: str, **fields: Any) -> tuple[WebhookEndpoint, str]:
    return services.create_endpoint(url=url, topics=topics or ["*"], actor=None, **fields)


def happen(count: int = 1, topic: str = "event.updated") -> list[OutboxMessage]:
    """Something happens to so many things, and is handed to whoever wants to know."""
    made = [
        OutboxMessage.objects.create(topic=topic, aggregate=f"events.event:{number}") for number in range(1, count + 1)
    ]
    hand_over(count + 10)
    return made


def send_all(rounds: int = 20) -> None:
    for _round in range(rounds):
        if not deliver_due():
            return


def later(**ahead: float) -> Any:
    return timezone.now() + timedelta(**ahead)


def slow(seconds: float, status: int) -> Any:
    def answer(handler: Any) -> None:
        time.sleep(seconds)
        handler.send_response(status)
        handler.end_headers()

    return answer
