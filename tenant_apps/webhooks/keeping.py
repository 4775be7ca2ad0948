"""The log of deliveries is kept for 30 days, then it goes with its events."""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from tenant_apps.webhooks import sending
from tenant_apps.webhooks.models import WebhookDelivery, WebhookEndpoint, WebhookEvent

KEPT = timedelta(days=30)


def next_due() -> list[tuple[Any, str, timedelta]]:
    """Return when there is something to forget, to give up, or to switch off; each with its delay."""
    waiting = WebhookDelivery.objects.filter(status=WebhookDelivery.Status.WAITING)
    failing = WebhookEndpoint.objects.filter(enabled=True, failing_since__isnull=False)
    return [
        (WebhookEvent.objects.all(), "created_at", KEPT),
        (waiting, "give_up_at", timedelta()),
        (failing, "failing_since", sending.FAILS_FOR),
    ]


def forget_old(now: datetime | None = None, *, batch: int = 2000, most: int = 20_000) -> int:
    """Delete events that happened 30 days ago, with their deliveries, and return how many. In batches, so that locks
    are short; the hourly schedule comes back for what is more."""
    before, gone = (now or timezone.now()) - KEPT, 0
    while gone < most:
        old = list(
            WebhookEvent.objects.filter(created_at__lt=before)
            .order_by("created_at")
            .values_list("pk", flat=True)[:batch]
        )
        if not old:
            break
        with transaction.atomic():
            WebhookDelivery.objects.filter(event__in=old).delete()
            WebhookEvent.objects.filter(pk__in=old).delete()
        gone += len(old)
    return gone
