"""When tickets change by themselves."""

from datetime import timedelta
from typing import Any

from celery import shared_task
from django.db.models import Exists, F, OuterRef
from django.db.models.functions import Coalesce, Now

from tenant_apps.events.models import Event
from tenant_apps.events.services import WITHOUT_END
from tenant_apps.ticketing import lifecycle
from tenant_apps.ticketing.models import Ticket
from tenants import due
from tenants.tasks import TenantTask


@shared_task(base=TenantTask, name="ticketing.expire_over")
def expire() -> None:
    """Every ten minutes: mark tickets as expired whose time is over. Running it twice changes nothing (G2)."""
    lifecycle.expire_over()


# What is over for a month was found long ago, so years of past events are not looked through each time.
def _lately_over() -> Any:
    left = Ticket.objects.filter(event=OuterRef("pk"), status=lifecycle.ACTIVE)
    ended = Coalesce(F("ends_at"), F("starts_at") + WITHOUT_END)
    over = Event.objects.filter(status__in=(Event.Status.FINISHED, Event.Status.ARCHIVED))
    return over.annotate(ended=ended).filter(Exists(left), ended__gt=Now() - timedelta(days=31))


due.soonest(
    "ticketing.expire_over",
    lambda: [
        (Ticket.objects.filter(status=lifecycle.ACTIVE, valid_until__isnull=False), "valid_until"),
        (_lately_over(), "ended", lifecycle.GRACE),
    ],
)
