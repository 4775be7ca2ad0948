"""Grants: rights of one person on one event, kept by guardian's direct-FK model so that they go with the event."""

from typing import Any

from django.contrib.auth.models import Permission
from django.db import transaction
from django.utils.translation import gettext as _

from shared_apps.core.errors import FieldError, InvalidInput
from tenant_apps.activity.services import gone, made, record
from tenant_apps.events.models import Event, EventUserPermission
from tenant_apps.staff.errors import MoreThanHeld
from tenant_apps.staff.permissions import permissions_on
from tenant_apps.staff.presets import EVENT_PERMISSIONS


@transaction.atomic
def grant(event: Event, user: Any, permission: str, *, actor: Any) -> EventUserPermission:
    """Let the person do this on this event. Granting twice changes nothing; nobody grants more than they hold (I4)."""
    _check(event, [permission], actor)
    # As guardian's assign_perm, without its look at the user's platform-wide rights, which give nothing here (I3).
    row, is_new = EventUserPermission.objects.get_or_create(
        content_object=event, user=user, permission=_permission(permission)
    )
    if is_new:
        what = {"user": user.pk, "permission": permission}
        record("grant.given", event, actor=actor, details={**what, **made(permission=permission)})
    return row


@transaction.atomic
def revoke(event: Event, user: Any, permission: str, *, actor: Any) -> None:
    """Take the right back; works on the person's next request. Taking back what is not there changes nothing."""
    _check(event, [permission], actor)
    deleted, _details = EventUserPermission.objects.filter(
        content_object=event, user_id=user.pk, permission__codename=permission
    ).delete()
    if deleted:
        what = {"user": user.pk, "permission": permission}
        record("grant.revoked", event, actor=actor, details={**what, **gone(permission=permission)})


@transaction.atomic
def revoke_all(event: Event, user: Any, *, actor: Any) -> None:
    """Take back everything that the person was granted on the event."""
    for permission in grants_by_person(event).get(user.pk, ()):
        revoke(event, user, permission, actor=actor)


def grants_by_person(event: Event) -> dict[int, list[str]]:
    """Return the permission names that each person (by id) was granted on the event; one statement."""
    people: dict[int, list[str]] = {}
    rows = event.grants.order_by("user_id", "permission__codename").values_list("user_id", "permission__codename")
    for user_id, name in rows:
        people.setdefault(user_id, []).append(name)
    return people


def _permission(name: str) -> Permission:
    return Permission.objects.get(content_type__app_label="events", content_type__model="event", codename=name)


def _check(event: Event, permissions: list[str], actor: Any) -> None:
    unknown = [name for name in permissions if name not in EVENT_PERMISSIONS]
    if unknown:
        message = _("This cannot be granted on an event.")
        raise InvalidInput(errors=[FieldError("permissions", "not_grantable", message)])
    if actor is None:
        return
    missing = sorted(set(permissions) - permissions_on(actor, event))
    if missing:
        raise MoreThanHeld(missing=", ".join(str(EVENT_PERMISSIONS[name]) for name in missing))
