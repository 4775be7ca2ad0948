"""Who may do what in this tenant. The one gate, for code and views alike; shut by default (I1, I3, I4).

Rights come from two places only: the role of a person's Membership, which holds everywhere in the tenant, and
guardian's grants on single events. Django's groups, user permissions, is_staff and is_superuser are
platform-wide and give nothing here. Everything is read when it is asked: nothing is kept between two questions,
so taking a right away works on the very next request and no answer can reach another tenant.
"""

from typing import Any

from django.apps import apps
from django.db.models import Model, Q, QuerySet

from shared_apps.core.errors import Forbidden
from tenant_apps.staff import second_factor
from tenant_apps.staff.errors import SecondFactorRequired
from tenant_apps.staff.models import Membership
from tenant_apps.staff.presets import EVENT_PERMISSIONS, OWNER, PERMISSIONS, TENANT_PERMISSIONS
from tenant_apps.staff.scopes import granted_in_scopes

__all__ = [
    "EVENT_PERMISSIONS",
    "PERMISSIONS",
    "TENANT_PERMISSIONS",
    "admit",
    "allowed",
    "events_where",
    "is_staff_here",
    "permissions_of",
    "require_second_factor",
]

NOTHING: frozenset[str] = frozenset()


def permissions_of(user: Any) -> frozenset[str]:
    """Return what the person's role grants everywhere in this tenant; one statement."""
    if not _may_act(user):
        return NOTHING
    row = Membership.objects.filter(user_id=user.pk).values_list("role__preset", "role__permissions").first()
    if row is None:
        return NOTHING
    preset, permissions = row
    # The owner holds whatever exists, also what a later release adds; stale names in other roles give nothing.
    return frozenset(PERMISSIONS) if preset == OWNER else frozenset(permissions) & frozenset(PERMISSIONS)


def allowed(user: Any, permission: str, event: Any = None) -> bool:
    """Tell whether the person's role grants it in this tenant, or guardian grants it on this event."""
    _known(permission)
    if permission in permissions_of(user):
        return True
    return event is not None and permission in EVENT_PERMISSIONS and permission in grants_on(user, event)


def grants_on(user: Any, event: Any) -> frozenset[str]:
    """Return what the person was granted on this one event, without what the role gives."""
    if not _may_act(user):
        return NOTHING
    return frozenset(event.grants.filter(user_id=user.pk).values_list("permission__codename", flat=True))


def permissions_on(user: Any, event: Any) -> frozenset[str]:
    """Return everything the person may do on this event, by role and by grant; for pages that show what one may."""
    return permissions_of(user) | grants_on(user, event)


def events_where(user: Any, permission: str) -> "QuerySet[Any]":
    """Return the events on which the person may do this: the start of every list that staff see (I2)."""
    _known(permission)
    events = _event_model()._default_manager.all()
    if permission in permissions_of(user):
        return events
    if not _may_act(user) or permission not in EVENT_PERMISSIONS:
        return events.none()
    return events.filter(_granted(user, permission))


def is_staff_here(user: Any) -> bool:
    """Tell whether the person works for this tenant: by a membership, or by a grant on at least one event.

    Whether they may do anything is another question (`permissions_of`): two-step login may be asked of them first.
    """
    if not _is_person(user):
        return False
    if Membership.objects.filter(user_id=user.pk).exists():
        return True
    return grants_model()._default_manager.filter(user_id=user.pk).exists() or bool(granted_in_scopes(user))


def admit(user: Any, permissions: tuple[str, ...]) -> None:
    """Raise Forbidden unless the person holds one of these by role, or by a grant on some event.

    Without names it is enough to work here. The gate of the staff's pages; which events a page then shows is
    `events_where`.
    """
    for permission in permissions:
        _known(permission)
    require_second_factor(user)
    if not permissions:
        if not is_staff_here(user):
            raise Forbidden
        return
    if (permissions_of(user) | granted_in_scopes(user)).intersection(permissions):
        return
    grants = grants_model()._default_manager.filter(
        user_id=getattr(user, "pk", None), permission__codename__in=permissions
    )
    if not _is_person(user) or not grants.exists():
        raise Forbidden


def require_second_factor(user: Any) -> None:
    """Raise SecondFactorRequired for staff who have no two-step login where the tenant asks for it.

    Others pass: what they may not do is refused in its own words, and they learn nothing of the tenant's settings.
    """
    if _is_person(user) and second_factor.is_missing(user) and is_staff_here(user):
        raise SecondFactorRequired


def _granted(user: Any, permission: str) -> Q:
    grants = grants_model()._default_manager.filter(user_id=user.pk, permission__codename=permission)
    return Q(pk__in=grants.values("content_object_id"))


def grants_model() -> type[Model]:
    """Return guardian's model of grants on events, which is kept where the event is: above staff in the layers."""
    return apps.get_model("events", "EventUserPermission")


def _event_model() -> type[Model]:
    # By name: events stand above staff in the layers.
    return apps.get_model("events", "Event")


def _is_person(user: Any) -> bool:
    return user is not None and bool(user.is_authenticated) and bool(user.is_active)


def _may_act(user: Any) -> bool:
    """Tell whether what the person was given counts at this moment."""
    return _is_person(user) and not second_factor.is_missing(user)


def _known(permission: str) -> None:
    if permission not in PERMISSIONS:
        raise ValueError(f"{permission!r} is no permission; see tenant_apps.staff.presets.")
