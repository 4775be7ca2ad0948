"""Who acts in this tenant, and what they hold: a person by role and grants, or a program by its API key.

Everything else asks `rights_of(actor)` and need not know which it was. Both kinds of actor have what Django's users
have (`pk`, `is_authenticated`, `is_active`, a name in words); `person_of` tells who of them can own something.
"""

from functools import cached_property
from typing import Any, Protocol

from django.apps import apps
from django.db.models import Model

from shared_apps.accounts.models import User
from shared_apps.core.schemas import present_schema
from tenant_apps.staff import second_factor
from tenant_apps.staff.models import ApiKey, Membership
from tenant_apps.staff.presets import EVENT_PERMISSIONS, PERMISSIONS

NOTHING: frozenset[str] = frozenset()


class Rights(Protocol):
    """What an actor holds in the present tenant. Each question is asked of the database anew (I4)."""

    def everywhere(self) -> frozenset[str]:
        """What holds in the whole tenant."""

    def on(self, event: Any) -> frozenset[str]:
        """What holds on this one event besides."""

    def events(self, *permissions: str) -> Any:
        """The ids of the events on which one of the permissions holds besides (any, if none is named), for `__in`."""

    def on_some_event(self) -> frozenset[str]:
        """What holds on at least one event besides."""


class _Nobody:
    """A guest, a stranger, somebody whose account is closed."""

    def everywhere(self) -> frozenset[str]:
        return NOTHING

    def on(self, event: Any) -> frozenset[str]:
        return NOTHING

    def events(self, *permissions: str) -> Any:
        return ()

    def on_some_event(self) -> frozenset[str]:
        return NOTHING


class _Person:
    """By the role of the Membership everywhere; by guardian's grants on single events."""

    def __init__(self, user_id: int):
        self.user_id = user_id

    def everywhere(self) -> frozenset[str]:
        row = Membership.objects.select_related("role").filter(user_id=self.user_id).first()
        return NOTHING if row is None else row.role.rights

    def on(self, event: Any) -> frozenset[str]:
        return frozenset(event.grants.filter(user_id=self.user_id).values_list("permission__codename", flat=True))

    def events(self, *permissions: str) -> Any:
        return self._grants(permissions).values("content_object_id")

    def on_some_event(self) -> frozenset[str]:
        return frozenset(self._grants(()).values_list("permission__codename", flat=True))

    def _grants(self, permissions: tuple[str, ...]) -> Any:
        grants = grants_model()._default_manager.filter(user_id=self.user_id)
        return grants.filter(permission__codename__in=permissions) if permissions else grants


class KeyActor:
    """A program with an API key: an actor and its own rights. It acts as itself, never as the person who made it.

    It holds its scopes as far as its maker holds them by role at this moment, everywhere or on the key's events.
    """

    is_authenticated = is_active = True
    is_anonymous = is_staff = is_superuser = False

    def __init__(self, key: ApiKey):
        self.key = key
        self.schema_name = present_schema()

    def __str__(self) -> str:
        return f"API key {self.key}"

    @property
    def pk(self) -> int:
        """The key's id below zero, so that no column of user ids ever takes a key for a person."""
        return -self.key.pk

    id = pk

    @cached_property
    def identity(self) -> str:
        """What limits and stored answers are kept under; see `User.identity`."""
        return f"key:{self.schema_name}:{self.key.pk}"

    def everywhere(self) -> frozenset[str]:
        return self._held() if self.key.event_ids is None else NOTHING

    def on(self, event: Any) -> frozenset[str]:
        return self._held_on_events() if event.pk in (self.key.event_ids or ()) else NOTHING

    def events(self, *permissions: str) -> Any:
        held = self._held_on_events()
        return (self.key.event_ids or ()) if held and (not permissions or held.intersection(permissions)) else ()

    def on_some_event(self) -> frozenset[str]:
        return self._held_on_events() if self.key.event_ids else NOTHING

    def _held(self) -> frozenset[str]:
        if self.schema_name != present_schema():
            return NOTHING  # this key is another tenant's
        return frozenset(self.key.scopes) & frozenset(PERMISSIONS) & rights_of(self.key.created_by).everywhere()

    def _held_on_events(self) -> frozenset[str]:
        return self._held() & frozenset(EVENT_PERMISSIONS)


_NOBODY = _Nobody()


def rights_of(actor: Any) -> Rights:
    """Return what a user, a key, an anonymous user or None holds here.

    That is nothing as long as the tenant asks for two-step login and the person has none.
    """
    if isinstance(actor, KeyActor):
        return actor
    if actor is None or not actor.is_authenticated or not actor.is_active or second_factor.is_missing(actor):
        return _NOBODY
    return _Person(actor.pk)


def whose_rights(actor: Any) -> int:
    """Return the id of the person by whose role and grants the actor acts: one's own, or those of a key's maker."""
    return int(actor.key.created_by_id if isinstance(actor, KeyActor) else actor.pk)


def holds(actor: Any, permission: str, role: frozenset[str], event_id: int, granted: bool) -> bool:
    """Tell whether the actor holds a permission on an event, from what the caller's own statement has just read.

    `role` is what the role of `whose_rights(actor)` grants now, `granted` whether that person has it by a grant on
    the event. The same answer as `permissions.allowed`, without a statement of its own, for the door's hot path.
    """
    key = actor.key if isinstance(actor, KeyActor) else None
    person = actor if key is None else key.created_by
    if person is None or not person.is_authenticated or not person.is_active or second_factor.is_missing(person):
        return False
    if key is None:
        return permission in role or (granted and permission in EVENT_PERMISSIONS)
    if actor.schema_name != present_schema() or permission not in key.scopes or permission not in role:
        return False
    return key.event_ids is None or (permission in EVENT_PERMISSIONS and event_id in key.event_ids)


def person_of(actor: Any) -> User | None:
    """Return the person who acts, None for a guest or a program: who an order or an import can belong to."""
    return actor if isinstance(actor, User) else None


def actor_by_id(pk: int | None) -> "User | KeyActor | None":
    """Return the actor whose `pk` was written down; None if there was none, or is none any more."""
    if pk is None:
        return None
    if pk > 0:
        return User.objects.filter(pk=pk).first()
    key = ApiKey.objects.good().select_related("created_by").filter(pk=-pk).first()
    return None if key is None else KeyActor(key)


def grants_model() -> type[Model]:
    """Return guardian's model of grants on events, which is kept where the event is: above staff in the layers."""
    return apps.get_model("events", "EventUserPermission")
