"""Staff, as the API tells of it."""

from collections.abc import Iterable
from typing import Any

from tenant_apps.events.models import Event
from tenant_apps.staff.models import ApiKey, Invitation, Role


def role_json(role: Role) -> dict[str, Any]:
    return {"id": role.pk, "name": role.name, "preset": role.preset, "permissions": sorted(role.rights)}


def invitations_json(invitations: Iterable[Invitation]) -> list[dict[str, Any]]:
    """Each with its role's name and its event's slug; one statement for all the events."""
    rows = list(invitations)
    slugs = slugs_of({row.event_id for row in rows if row.event_id})
    return [
        {
            "id": row.pk,
            "email": row.email,
            "state": row.state,
            "role": row.role_id,
            "role_name": row.role.name if row.role else None,
            "event": slugs.get(row.event_id) if row.event_id else None,
            "permissions": row.permissions,
            "created_at": row.created_at,
            "expires_at": row.expires_at,
        }
        for row in rows
    ]


def keys_json(keys: Iterable[ApiKey]) -> list[dict[str, Any]]:
    """Each without its secret, which nobody has."""
    rows = list(keys)
    slugs = slugs_of({pk for row in rows for pk in row.event_ids or ()})
    return [
        {
            "id": row.pk,
            "name": row.name,
            "prefix": row.prefix,
            "scopes": row.scopes,
            "events": None if row.event_ids is None else [slugs[pk] for pk in row.event_ids if pk in slugs],
            "expires_at": row.expires_at,
            "last_used_at": row.last_used_at,
            "created_at": row.created_at,
            "created_by": {"id": row.created_by_id, "email": row.created_by.email, "name": row.created_by.name},
        }
        for row in rows
    ]


def slugs_of(ids: set[int]) -> dict[int, str]:
    return dict(Event.objects.filter(pk__in=ids).values_list("pk", "slug")) if ids else {}
