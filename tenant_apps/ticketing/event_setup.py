"""An event and what it sells, as one form describes them: written together or not at all."""

from dataclasses import dataclass
from typing import Any

from django.db import transaction

from shared_apps.core.errors import DomainError, FieldError
from tenant_apps.events import services as events
from tenant_apps.events.models import Event
from tenant_apps.ticketing import services
from tenant_apps.ticketing.models import TicketType


@dataclass(frozen=True, slots=True)
class TypeRow:
    """One row of the form. `ticket_type` is None for a new one; `capacity` None means no limit."""

    ticket_type: TicketType | None
    name: str
    price_minor: int
    capacity: int | None
    description: str = ""
    remove: bool = False


@transaction.atomic
def save_event(event: Event | None, fields: dict[str, Any], types: list[TypeRow], *, actor: Any) -> Event:
    """Make or change an event with its ticket types, each with a quota of its own name.

    Raises what the services raise; a refusal of a row names it: `types.0.price`.
    """
    event = events.update_event(event, actor=actor, **fields) if event else events.create_event(actor=actor, **fields)
    for position, row in enumerate(types):
        try:
            _save_type(event, row, position, actor)
        except DomainError as refusal:
            raise _at_row(refusal, position) from None
    return event


def own_quota(ticket_type: TicketType) -> Any:
    """Return the type's quota if it is the only one and no other type draws from it; then the form may change it."""
    quotas = list(ticket_type.quotas.all())
    if len(quotas) != 1 or quotas[0].ticket_types.count() != 1:
        return None
    return quotas[0]


def _save_type(event: Event, row: TypeRow, position: int, actor: Any) -> None:
    fields: dict[str, Any] = {
        "name": row.name,
        "price_minor": row.price_minor,
        "description": row.description,
        "position": position,
    }
    if row.ticket_type is None:
        quota = services.create_quota(event, row.name, row.capacity, actor=actor)
        services.create_ticket_type(event, actor=actor, quotas=[quota], **fields)
        return
    quota = own_quota(row.ticket_type)
    if row.remove:
        services.delete_ticket_type(row.ticket_type, actor=actor)
        if quota:
            services.delete_quota(quota, actor=actor)
        return
    services.change_ticket_type(row.ticket_type, actor=actor, **fields)
    if quota and (quota.capacity != row.capacity or quota.name != row.name):
        services.change_quota(quota, actor=actor, name=row.name, capacity=row.capacity)


def _at_row(refusal: DomainError, position: int) -> DomainError:
    errors = refusal.errors or (FieldError(refusal.field or "name", refusal.code, str(refusal)),)
    refusal.errors = tuple(FieldError(f"types.{position}.{each.field}", each.code, each.message) for each in errors)
    return refusal
