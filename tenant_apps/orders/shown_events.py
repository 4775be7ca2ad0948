"""Events that a person shows on their public profile: of all tenants on the platform's host, of one on its own (N2).

The public copy names them; each tenant is then entered once, one after the other, and asked what anyone may see there.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, Q

from shared_apps.people import footprints
from tenant_apps.events.models import Event
from tenant_apps.ticketing.models import CheckIn, Ticket
from tenants.context import current_tenant, in_public, in_tenant, is_in_tenant
from tenants.links import url
from tenants.models import Tenant

MOST_SHOWN = 12
# Some of those that are over may not be shown: looked at beyond what is shown, so that there is enough.
LOOKED_AT = 36


@dataclass(frozen=True)
class ShownEvent:
    """An event that anyone may see, with where it is."""

    event: Event
    tenant: Tenant
    url: str


def coming(person: Any) -> list[ShownEvent]:
    """Return the next events that the person has tickets for."""
    return _shown(person, ahead=True)


def attended(person: Any) -> list[ShownEvent]:
    """Return the last events at which the person was: scanned in, or with a good ticket where nobody was scanned."""
    return _shown(person, ahead=False)


def _shown(person: Any, *, ahead: bool) -> list[ShownEvent]:
    here = current_tenant().pk if is_in_tenant() else None
    with in_public():
        places = footprints.shown_places_of(person, ahead=ahead, tenant_id=here, most=LOOKED_AT)
        tenants = Tenant.objects.in_bulk({tenant_id for tenant_id, _event, _tickets in places})
    found: dict[tuple[int, int], Event] = {}
    for pk, tenant in tenants.items():
        tickets = {event: held for tenant_id, event, held in places if tenant_id == pk}
        with in_tenant(tenant):
            found |= {(pk, event.pk): event for event in _events(person, tickets, ahead=ahead)}
    shown = [
        ShownEvent(found[key], tenants[key[0]], url(tenants[key[0]], f"/events/{found[key].slug}/"))
        for tenant_id, event_id, _tickets in places
        if (key := (tenant_id, event_id)) in found
    ]
    return shown[:MOST_SHOWN]


def _events(person: Any, tickets: dict[int, list[UUID]], *, ahead: bool) -> list[Event]:
    """Those of the events that are public and that the person is to come to, or was at."""
    issued = [ticket for held in tickets.values() for ticket in held]
    # What was put into somebody else's name is theirs to tell of.
    own = Q(holder_email="") | Q(holder_email__iexact=person.email)
    mine = Ticket.objects.filter(own, event=OuterRef("pk"), pk__in=issued, secret="")
    good = mine.filter(status__in=(Ticket.Status.ACTIVE, Ticket.Status.USED, Ticket.Status.EXPIRED))
    there = Q(Exists(good))
    if not ahead:
        scans = CheckIn.objects.filter(
            check_in_list__event=OuterRef("pk"), result=CheckIn.Result.ADMITTED, direction=CheckIn.Direction.IN,
            undone_at=None,
        )  # fmt: skip
        there = Q(Exists(mine.filter(status=Ticket.Status.USED))) | there & ~Q(Exists(scans))
    listed = Event.objects.public().exclude(status=Event.Status.CANCELLED).filter(there, pk__in=tickets)
    return list(listed.select_related("venue"))
