"""Older clients' `max_participants` or `seats`: one number of places for an event."""

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from shared_apps.core.errors import Conflict
from tenant_apps.events.models import Event
from tenant_apps.ticketing.services import change_quota, create_quota, create_ticket_type


class SeveralQuotas(Conflict):
    code = "several_quotas"
    message = gettext_lazy("This event has several quotas; change each of them by itself.")


def set_seats(event: Event, places: int, *, actor: Any) -> None:
    """Give the event that many places: a free ticket type with them if it has none, else its one quota changes."""
    quotas = list(event.quotas.all()[:2])
    if len(quotas) > 1:
        raise SeveralQuotas
    if quotas:
        change_quota(quotas[0], actor=actor, capacity=places)
        return
    types = list(event.ticket_types.all()) or [create_ticket_type(event, actor=actor, name=_("Admission"))]
    create_quota(event, _("Places"), places, types, actor=actor)
