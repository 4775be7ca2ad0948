"""Who may do what in this tenant. The one gate, for code and views alike; shut by default (I1, I3, I4).

Rights come from two places only: the role of a person's Membership, which holds everywhere in the tenant, and
guardian's grants on single events; an API key has a part of its maker's (`staff.actors`). Django's groups, user
permissions, is_staff and is_superuser are platform-wide and give nothing here. Everything is read when it is asked:
nothing is kept between two questions, so taking a right away works on the very next request and no answer can reach
another tenant. `actor` is a user, a key, an anonymous user or None.
"""

from typing import Any

from django.apps import apps
from django.db.models import Model, Q, QuerySet

from shared_apps.core.errors import Forbidden
from tenant_apps.staff import second_factor
from tenant_apps.staff.actors import grants_model, person_of, rights_of
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
    "event_model",
    "events_granted",
    "events_where",
    "grants_model",
    "is_owner",
    "is_staff_here",
    "permissions_anywhere",
    "permissions_of",
    "require_second_factor",
]


def permissions_of(actor: Any) -> frozenset[str]:
    """Return what the actor holds everywhere in this tenant; one statement."""
    return rights_of(actor).everywhere()


def allowed(actor: Any, permission: str, event: Any = None) -> bool:
    """Tell whether the actor holds it in this tenant, or, where an event is named, on that event."""
    _known(permission)
    rights = rights_of(actor)
    if permission in rights.everywhere():
        return True
    return event is not None and permission in EVENT_PERMISSIONS and permission in rights.on(event)


def grants_on(actor: Any, event: Any) -> frozenset[str]:
    """Return what the actor holds on this one event, without what holds everywhere."""
    return rights_of(actor).on(event)


def permissions_on(actor: Any, event: Any) -> frozenset[str]:
    """Return everything the actor may do on this event; for pages that show what one may."""
    rights = rights_of(actor)
    return rights.everywhere() | rights.on(event)


def permissions_anywhere(actor: Any) -> frozenset[str]:
    """Return what the actor may do in the tenant or on at least one event; for the entries of a menu."""
    rights = rights_of(actor)
    return rights.everywhere() | rights.on_some_event()


def events_where(actor: Any, permission: str) -> "QuerySet[Any]":
    """Return the events on which the actor may do this: the start of every list that staff see (I2)."""
    _known(permission)
    events = event_model()._default_manager.all()
    rights = rights_of(actor)
    if permission in rights.everywhere():
        return events
    if permission not in EVENT_PERMISSIONS:
        return events.none()
    return events.filter(Q(pk__in=rights.events(permission)))


def events_granted(actor: Any) -> Any:
    """Return the ids of the events on which the actor may do anything by a grant, for `pk__in`."""
    return rights_of(actor).events()


def is_staff_here(actor: Any) -> bool:
    """Tell whether the person works for this tenant: by a membership, or by a grant on at least one event.

    Whether they may do anything is another question (`permissions_of`): two-step login may be asked of them first.
    """
    person = person_of(actor)
    if person is None or not person.is_active:
        return False
    if Membership.objects.filter(user_id=person.pk).exists():
        return True
    return grants_model()._default_manager.filter(user_id=person.pk).exists() or bool(granted_in_scopes(person))


def is_owner(actor: Any) -> bool:
    """Tell whether the person has the owner's role. No key has it."""
    if actor is None or not actor.is_authenticated or not actor.is_active:
        return False
    return Membership.objects.filter(user_id=actor.pk, role__preset=OWNER).exists()


def admit(actor: Any, permissions: tuple[str, ...]) -> None:
    """Raise Forbidden unless the actor holds one of these in the tenant, or on some event.

    Without names it is enough to work here. The gate of the staff's pages; which events a page then shows is
    `events_where`.
    """
    for permission in permissions:
        _known(permission)
    require_second_factor(actor)
    if not permissions:
        if not is_staff_here(actor):
            raise Forbidden
        return
    rights = rights_of(actor)
    held = rights.everywhere() | rights.on_some_event() | granted_in_scopes(actor)
    if not held.intersection(permissions):
        raise Forbidden


def require_second_factor(actor: Any) -> None:
    """Raise SecondFactorRequired for staff who have no two-step login where the tenant asks for it.

    Others pass: what they may not do is refused in its own words, and they learn nothing of the tenant's settings.
    """
    person = person_of(actor)
    if person is not None and person.is_active and second_factor.is_missing(person) and is_staff_here(person):
        raise SecondFactorRequired


def event_model() -> type[Model]:
    """Return the model of events, by name: they stand above staff in the layers."""
    return apps.get_model("events", "Event")


def _known(permission: str) -> None:
    if permission not in PERMISSIONS:
        raise ValueError(f"{permission!r} is no permission; see tenant_apps.staff.presets.")
