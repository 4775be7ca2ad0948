"""Writing about roles: organizers make their own by ticking permissions."""

from collections.abc import Iterable
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from shared_apps.core.errors import FieldError, InvalidInput, NotFound
from tenant_apps.activity.services import gone, made, record
from tenant_apps.staff.errors import RoleEmpty, RoleFixed, RoleInUse, RoleNameTaken, RoleReadyMade
from tenant_apps.staff.models import Invitation, Membership, Role
from tenant_apps.staff.presets import PERMISSIONS
from tenant_apps.staff.services import within_own_rights


@transaction.atomic
def make_role(*, name: str, permissions: Iterable[str], actor: Any) -> Role:
    """Make a role of the tenant's own. It may grant no more than the actor holds (I4)."""
    wanted = known_permissions(permissions)
    within_own_rights(actor, wanted)
    role = _named(Role(permissions=wanted), name)
    told = made(name=role.name, permissions=wanted)
    record("role.made", role, actor=actor, details={"name": role.name, "permissions": wanted, **told})
    return role


@transaction.atomic
def change_role_itself(
    role: Role, *, name: str | None = None, permissions: Iterable[str] | None = None, actor: Any
) -> Role:
    """Rename the role, or change what it grants to everybody who has it, from their next request on.

    Whoever adds or removes a permission must hold it (I4). Raises RoleFixed for the owner's permissions.
    """
    role = _locked(role)
    before = {"name": role.name, "permissions": sorted(role.rights)}
    if permissions is not None:
        wanted = known_permissions(permissions)
        if role.is_owner and set(wanted) != role.rights:
            raise RoleFixed(field="permissions")
        within_own_rights(actor, role.rights.symmetric_difference(wanted))
        role.permissions = wanted
    if name is not None and name.strip() != role.name:
        # Another's words for rights that one does not hold would be a way to have them handed out.
        within_own_rights(actor, role.rights)
        role = _named(role, name)
    role.save(update_fields=["permissions", "modified_at"])
    after = {"name": role.name, "permissions": sorted(role.rights)}
    if after != before:
        record("role.changed", role, actor=actor, details={"before": before, "after": after})
    return role


@transaction.atomic
def delete_role(role: Role, *, actor: Any) -> None:
    """Delete a role of the tenant's own that nobody has and nobody is invited to."""
    role = _locked(role)
    if role.preset:
        raise RoleReadyMade
    within_own_rights(actor, role.rights)
    if Membership.objects.filter(role=role).exists() or Invitation.objects.pending().filter(role=role).exists():
        raise RoleInUse
    was = {"name": role.name, "permissions": sorted(role.rights)}
    record("role.deleted", role, actor=actor, details={**was, **gone(**was)})
    role.delete()


def known_permissions(permissions: Iterable[str], *, field: str = "permissions") -> list[str]:
    """Return the names sorted and once each. Raises RoleEmpty, or InvalidInput for one that does not exist."""
    wanted = sorted(set(permissions))
    unknown = [name for name in wanted if name not in PERMISSIONS]
    if unknown:
        raise InvalidInput(errors=[FieldError(field, "does_not_exist", _("There is no such permission."))])
    if not wanted:
        raise RoleEmpty(field=field)
    return wanted


def _named(role: Role, name: str) -> Role:
    role.name = " ".join(name.split())
    if not role.name:
        raise InvalidInput(errors=[FieldError("name", "required", _("Give the role a name."))])
    if Role.objects.filter(name__iexact=role.name).exclude(pk=role.pk).exists():
        raise RoleNameTaken(field="name")
    try:
        with transaction.atomic():
            role.save()
    except IntegrityError:
        raise RoleNameTaken(field="name") from None
    return role


def _locked(role: Role) -> Role:
    found = Role.objects.select_for_update().filter(pk=role.pk).first()
    if found is None:
        raise NotFound
    return found
