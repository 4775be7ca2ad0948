"""Whether what was to be told is still so: minutes may lie between the writing of a message and its sending."""

from collections.abc import Mapping
from typing import Any

from tenant_apps.events.models import Event


def still_so(values: Mapping[str, Any]) -> bool:
    """Tell whether the event is as it was when this was written: else another word is on its way, or none is due."""
    if "event_id" not in values:
        return True
    event = Event.objects.filter(pk=values["event_id"]).only("status", "starts_at", "venue_id").first()
    if event is None or event.status != values.get("status"):
        return False
    return event.starts_at.isoformat() == values.get("at")
