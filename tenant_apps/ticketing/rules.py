"""Whether a ticket of a type may be cancelled or passed on by its buyer, and until when. Pure functions."""

from datetime import datetime
from typing import Any

from tenant_apps.events.models import Event


def cancel_until(ticket_type: Any, event: Event) -> datetime | None:
    """The first moment at which buyers can no longer cancel it; None means never could.

    The type's own time and the event's hold both: the earlier counts. Without either it is the event's start.
    """
    if not ticket_type.cancel_allowed:
        return None
    ends = [moment for moment in (ticket_type.cancel_until, event.cancel_until) if moment is not None]
    return min(ends, default=event.starts_at)


def transfer_until(ticket_type: Any, event: Event) -> datetime | None:
    """The first moment at which holders can no longer pass it on; None means never could."""
    if not ticket_type.transfer_allowed:
        return None
    over: datetime = event.ends_at or event.starts_at
    return min(ticket_type.transfer_until or over, over)


def attendee_until(ticket_type: Any, event: Event) -> datetime | None:
    """The first moment at which buyers can no longer change who comes with it; None means never could.

    A ticket that may not be passed on keeps its name. Without a time of its own it is the event's start: whoever comes
    later than that is looked for by name at the door.
    """
    until = transfer_until(ticket_type, event)
    return None if until is None else min(until, event.starts_at)


def may_cancel(ticket_type: Any, event: Event, now: datetime) -> bool:
    until = cancel_until(ticket_type, event)
    return until is not None and now < until


def may_transfer(ticket_type: Any, event: Event, now: datetime) -> bool:
    until = transfer_until(ticket_type, event)
    return until is not None and now < until
