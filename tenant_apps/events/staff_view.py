"""Which events a person on the staff sees in the dashboard: what their role or a grant gives them anything on (I2)."""

from typing import Any

from django.http import Http404

from tenant_apps.events.models import Event
from tenant_apps.staff.permissions import EVENT_PERMISSIONS, events_granted, permissions_of, permissions_on


def events_seen(user: Any) -> Any:
    """Return the events of the person's dashboard: all for a role that concerns events, else those granted."""
    if permissions_of(user) & EVENT_PERMISSIONS.keys():
        return Event.objects.all()
    return Event.objects.filter(pk__in=events_granted(user))


def event_for(user: Any, slug: str, *permissions: str) -> tuple[Event, frozenset[str]]:
    """Return the event and what the person may do on it; 404 unless they hold one of the permissions (any if none)."""
    event = Event.objects.select_related("category", "venue").filter(slug=slug).first()
    if event is None:
        raise Http404
    rights = permissions_on(user, event)
    if not rights & (frozenset(permissions) or EVENT_PERMISSIONS.keys()):
        raise Http404
    return event, rights
