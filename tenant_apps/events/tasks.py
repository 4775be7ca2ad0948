"""When events change by themselves."""

from typing import Any

from celery import shared_task

from tenant_apps.events import standing
from tenant_apps.events.models import Event
from tenant_apps.events.services import WITHOUT_END, finish_over
from tenants import due
from tenants.tasks import TenantTask


@shared_task(base=TenantTask, name="events.finish_over")
def finish() -> None:
    """Every ten minutes: mark as finished what is over. Running it twice changes nothing."""
    finish_over()


@shared_task(base=TenantTask, name="events.settle_standing")
def settle() -> None:
    """Every minute where something is left: count likes and stars that a crash left waiting. Twice changes nothing."""
    standing.settle()


due.soonest("events.settle_standing", standing.STANDINGS.due_columns)
# An event without a standing would be missing where events are ordered by rating.
due.soonest("events.settle_standing", standing.STANDINGS.lacking_columns)


def _to_take_place() -> Any:
    return Event.objects.filter(status__in=(Event.Status.PUBLISHED, Event.Status.POSTPONED))


due.soonest(
    "events.finish_over",
    lambda: [
        (_to_take_place().filter(ends_at__isnull=False), "ends_at"),
        (_to_take_place().filter(ends_at=None, starts_at__isnull=False), "starts_at", WITHOUT_END),
    ],
)
