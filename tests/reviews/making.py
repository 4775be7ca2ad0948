"""Events that are over, and people who were there."""

from datetime import timedelta
from typing import Any

from django.utils import timezone

from tests.factories import make_event, make_paid_order, make_ticket_type, make_user


def night(title: str = "Night", *, price_minor: int = 0, **fields: Any) -> Any:
    """A ticket type of an event that lies ahead; `over` ends it."""
    return make_ticket_type(make_event(title, **fields), price_minor=price_minor, capacity=None)


def came(kind: Any, user: Any = None, *, name: str = "Ada Lovelace") -> Any:
    """Somebody with a ticket, bought by their account."""
    user = user or make_user(name=name)
    make_paid_order(kind, user=user, email=user.email)
    return user


def scan_in(kind: Any, user: Any) -> None:
    """Let them in at the door."""
    from tenant_apps.ticketing.codes import code_text
    from tenant_apps.ticketing.models import CheckInList, Ticket
    from tenant_apps.ticketing.scanning import scan
    from tenant_apps.ticketing.services import create_check_in_list, ensure_key

    ensure_key(kind.event)
    door = CheckInList.objects.filter(event=kind.event).first() or create_check_in_list(
        kind.event, actor=None, name="Door"
    )
    ticket = Ticket.objects.get(event=kind.event, holder_email=user.email)
    assert scan(door, code_text(ticket), f"scan-{ticket.pk}", by=None).check_in.result == "admitted"


def over(kind: Any, *, ago: timedelta = timedelta(hours=2), status: str = "finished") -> Any:
    """The event, that long after its end."""
    from tenant_apps.events.models import Event

    end = timezone.now() - ago
    Event.objects.filter(pk=kind.event.pk).update(starts_at=end - timedelta(hours=2), ends_at=end, status=status)
    return Event.objects.get(pk=kind.event.pk)


def standing_of(event: Any) -> tuple[int, Any]:
    """How many ratings count, and their mean, with what waits folded in."""
    from tenant_apps.events import standing
    from tenant_apps.events.models import EventStanding

    standing.fold(event.pk)
    row = EventStanding.objects.get(event=event)
    return row.ratings, None if row.rating is None else float(row.rating)
