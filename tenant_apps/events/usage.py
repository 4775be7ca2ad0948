"""What of events a plan limits."""

from shared_apps.billing.limits import counted_by
from tenant_apps.events.models import Event

OVER = (Event.Status.CANCELLED, Event.Status.FINISHED, Event.Status.ARCHIVED)


def events() -> int:
    """Events that are to come or being prepared; what a series is copied from is none."""
    return Event.objects.exclude(status__in=OVER).filter(template_of__isnull=True).count()


counted_by("events", events)
