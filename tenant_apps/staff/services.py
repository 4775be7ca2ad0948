"""Writing about staff: who belongs, with which role, and who owns."""

from collections.abc import Iterable
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import override

from shared_apps.accounts import limits
from shared_apps.accounts.errors import WrongPassword
from shared_apps.core.errors import FieldError, InvalidInput, NotFound
from tenant_apps.activity.services import before_and_after, gone, made, record
from tenant_apps.staff.errors import AccountNotReady, AlreadyMember, LastOwner, MoreThanHeld, OwnersOnly
from tenant_apps.staff.models import ApiKey, Membership, Role
from tenant_apps.staff.permissions import grants_model, is_owner, permissions_of
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
    role = locked_role(role.pk)
    within_own_rights(actor, role.rights)
    try:
        with transaction.atomic():
            membership = Membership.objects.create(user=user, role=role)
    except IntegrityError:
        raise AlreadyMember from None
    record("staff.added", membership, actor=actor, details={"user": user.pk, "role": role.name, **made(role=role.name)})
    if role.is_owner:
        owners_changed(actor=actor)
    return membership


@transaction.atomic
def change_role(membership: Membership, role: Role, *, actor: Any) -> Membership:
    """Give the member another role. Neither the old nor the new one may hold more than the actor does."""
    membership = _locked(membership)
    if membership.role_id == role.pk:
        return membership
    role = locked_role(role.pk)
    before = membership.role
    within_own_rights(actor, before.rights | role.rights)
    _keep_an_owner(membership)
    membership.role = role
    membership.save(update_fields=["role", "modified_at"])
    change = before_and_after({"role": before.name}, {"role": role.name})
    details = {"user": membership.user_id, "from": before.name, "to": role.name, **change}
    record("staff.role_changed", membership, actor=actor, details=details)
    if before.is_owner or role.is_owner:
        owners_changed(actor=actor)
    return membership


@transaction.atomic
def remove_member(membership: Membership, *, actor: Any) -> None:
    """Take the person off the staff, with every grant on single events and every key they made.

    Works on their next request, and on the next of their programs.
    """
    membership = _locked(membership)
    # Anybody may leave; otherwise nobody removes a person who holds more than they do.
    if actor is None or actor.pk != membership.user_id:
        within_own_rights(actor, membership.role.rights)
    _keep_an_owner(membership)
    role = membership.role.name
    record(
        "staff.removed", membership, actor=actor, details={"user": membership.user_id, "role": role, **gone(role=role)}
    )
    grants_model()._default_manager.filter(user_id=membership.user_id).delete()
    for key in ApiKey.objects.standing().filter(created_by_id=membership.user_id).order_by("pk"):
        ApiKey.objects.filter(pk=key.pk).update(revoked_at=timezone.now())
        ended = before_and_after({"standing": True}, {"standing": False})
        record("api_key.revoked", key, actor=actor, details={"key": str(key), "because": "its maker left", **ended})
    membership.delete()
    if membership.role.is_owner:
        owners_changed(actor=actor)


def hand_over(membership: Membership, password: str, *, actor: Any, step_down: bool = False) -> Membership:
    """Make the member an owner, and the one whom the platform turns to. `step_down` makes the actor a manager.

    Only an owner can, with their password: the last thing that a stolen session may do is to give a tenant away.
    """
    if not is_owner(actor):
        raise OwnersOnly
    counted = limits.count("password_check", f"user:{actor.pk}")
    if not actor.check_password(password):
        raise WrongPassword(field="password")
    limits.take_back(counted)
    return _hand_over(membership, actor, step_down)


@transaction.atomic
def _hand_over(membership: Membership, actor: Any, step_down: bool) -> Membership:
    membership = _locked(membership)
    if not is_owner(actor):
        raise OwnersOnly
    heir = membership.user
    if not heir.is_active or not heir.email_verified:
        raise AccountNotReady
    if heir.pk == actor.pk:
        step_down = False
    owners = preset_role(OWNER)
    if not membership.role.is_owner:
        before = membership.role.name
        membership.role = owners
        membership.save(update_fields=["role", "modified_at"])
        change = before_and_after({"role": before}, {"role": owners.name})
        details = {"user": heir.pk, "from": before, "to": owners.name, **change}
        record("staff.role_changed", membership, actor=actor, details=details)
    turned = before_and_after({"owner": actor.pk}, {"owner": heir.pk})
    record("staff.handed_over", membership, actor=actor, details={"to": heir.pk, "stepped_down": step_down, **turned})
    owners_changed(actor=actor, heir=heir.pk)
    if step_down:
        change_role(Membership.objects.get(user_id=actor.pk), preset_role("manager"), actor=actor)
    return membership


def owners_changed(*, actor: Any, heir: int | None = None) -> None:
    """Leave word that the tenant's row in public has to name an owner of today (`staff.owner_row`)."""
    record("staff.owners_changed", preset_role(OWNER), actor=actor, payload={"heir": heir}, details={"heir": heir})


def within_own_rights(actor: Any, permissions: Iterable[str]) -> None:
    """Refuse to hand on, or to take away, what the actor does not hold everywhere in the tenant (I4)."""
    if actor is None:
        return
    missing = sorted(set(permissions) - permissions_of(actor))
    if missing:
        raise MoreThanHeld(missing=", ".join(str(PERMISSIONS[name]) for name in missing))


def locked_role(pk: int) -> Role:
    """Return the role, which nobody deletes before this transaction ends. Raises InvalidInput if it is gone."""
    role = Role.objects.select_for_update(no_key=True).filter(pk=pk).first()
    if role is None:
        raise InvalidInput(errors=[FieldError("role", "does_not_exist", _("There is no such role."))])
    return role


def _locked(membership: Membership) -> Membership:
    # The owner's role row first: two owners who remove each other at once must not both succeed.
    Role.objects.select_for_update().get(preset=OWNER)
    fresh = Membership.objects.select_for_update(of=("self",)).select_related("role").filter(pk=membership.pk).first()
    if fresh is None:
        raise NotFound(_("This person is no longer on the staff."))
    return fresh


def _keep_an_owner(membership: Membership) -> None:
    if not membership.role.is_owner:
        return
    # One who cannot sign in is no owner to anybody.
    others = Membership.objects.filter(role__preset=OWNER, user__is_active=True).exclude(pk=membership.pk)
    if not others.exists():
        raise LastOwner
