"""Writing about staff: who belongs, and with which role."""

from collections.abc import Iterable
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from django.utils.translation import override

from shared_apps.core.errors import NotFound
from tenant_apps.activity.services import record
from tenant_apps.staff.errors import AlreadyMember, LastOwner, MoreThanHeld
from tenant_apps.staff.models import Membership, Role
from tenant_apps.staff.permissions import grants_model, permissions_of
from tenant_apps.staff.presets import OWNER, PERMISSIONS, PRESETS


def seed(tenant: Any, owner: Any) -> None:
    """Make the ready-made roles and the owner's membership. Repeating it changes nothing (N6)."""
    with override(tenant.language):
        roles = [
            Role(preset=preset, name=str(ready.name), permissions=sorted(ready.permissions))
            for preset, ready in PRESETS.items()
        ]
    Role.objects.bulk_create(roles, ignore_conflicts=True)
    if owner is not None and not Membership.objects.filter(user_id=owner.pk).exists():
        add_member(owner, preset_role(OWNER), actor=None)


def preset_role(preset: str) -> Role:
    """Return the ready-made role, whatever the tenant has renamed it to."""
    return Role.objects.get(preset=preset)


@transaction.atomic
def add_member(user: Any, role: Role, *, actor: Any) -> Membership:
    """Give the person a place on the staff. `actor` None means the platform itself (provisioning, demo)."""
    within_own_rights(actor, rights_of_role(role))
    try:
        with transaction.atomic():
            membership = Membership.objects.create(user=user, role=role)
    except IntegrityError:
        raise AlreadyMember from None
    record("staff.added", membership, actor=actor, details={"user": user.pk, "role": role.name})
    return membership


@transaction.atomic
def change_role(membership: Membership, role: Role, *, actor: Any) -> Membership:
    """Give the member another role. Neither the old nor the new one may hold more than the actor does."""
    membership = _locked(membership)
    if membership.role_id == role.pk:
        return membership
    within_own_rights(actor, rights_of_role(membership.role) | rights_of_role(role))
    before = membership.role.name
    _keep_an_owner(membership)
    membership.role = role
    membership.save(update_fields=["role", "modified_at"])
    record("staff.role_changed", membership, actor=actor, details={"from": before, "to": role.name})
    return membership


@transaction.atomic
def remove_member(membership: Membership, *, actor: Any) -> None:
    """Take the person off the staff, and every grant on single events with it; works on their next request."""
    membership = _locked(membership)
    # Anybody may leave; otherwise nobody removes a person who holds more than they do.
    if actor is None or actor.pk != membership.user_id:
        within_own_rights(actor, rights_of_role(membership.role))
    _keep_an_owner(membership)
    record("staff.removed", membership, actor=actor, details={"user": membership.user_id, "role": membership.role.name})
    grants_model()._default_manager.filter(user_id=membership.user_id).delete()
    membership.delete()


def within_own_rights(actor: Any, permissions: Iterable[str]) -> None:
    """Refuse to hand on, or to take away, what the actor does not hold everywhere in the tenant (I4)."""
    if actor is None:
        return
    missing = sorted(set(permissions) - permissions_of(actor))
    if missing:
        raise MoreThanHeld(missing=", ".join(str(PERMISSIONS[name]) for name in missing))


def rights_of_role(role: Role) -> frozenset[str]:
    """Return what a role grants; the owner's always grants everything."""
    return frozenset(PERMISSIONS) if role.preset == OWNER else frozenset(role.permissions) & frozenset(PERMISSIONS)


def _locked(membership: Membership) -> Membership:
    # The owner's role row first: two owners who remove each other at once must not both succeed.
    Role.objects.select_for_update().get(preset=OWNER)
    fresh = Membership.objects.select_for_update(of=("self",)).select_related("role").filter(pk=membership.pk).first()
    if fresh is None:
        raise NotFound(_("This person is no longer on the staff."))
    return fresh


def _keep_an_owner(membership: Membership) -> None:
    if membership.role.preset != OWNER:
        return
    if not Membership.objects.filter(role__preset=OWNER).exclude(pk=membership.pk).exists():
        raise LastOwner
