"""Whom this tenant's staff consists of, whom it invited, and who made its keys."""

from collections.abc import Collection, Mapping

from django.db.models import Q, QuerySet
from django.utils import timezone

from shared_apps.core.personal import Person, Rows, harmless, hold
from tenant_apps.staff.models import ApiKey, Invitation, Membership
from tenant_apps.staff.services import remove_member
from tenants.context import current_tenant


def _membership(person: Person) -> Rows:
    for row in Membership.objects.filter(user_id=person.user_id).select_related("role"):
        yield {"role": row.role.name, "since": row.created_at}


def _leave(person: Person) -> int:
    """Raises LastOwner, which is shown and tried again, where nobody else could run the tenant."""
    rows = list(Membership.objects.filter(user_id=person.user_id))
    for row in rows:
        if current_tenant().status == "closed":
            row.delete()
        else:
            remove_member(row, actor=None)
    return len(rows)


def _invited(person: Person) -> "QuerySet[Invitation]":
    """Letters to the person's own confirmed address, and those that they accepted."""
    mine = Q(accepted_by=person.user_id)
    if person.email:
        mine |= Q(email__iexact=person.email)
    return Invitation.objects.filter(mine).order_by("pk")


def _invitations(person: Person) -> Rows:
    """What they were invited to; not by whom."""
    return _invited(person).values("email", "role__name", "permissions", "created_at", "accepted_at", "revoked_at")


def _end_invitations(person: Person) -> int:
    """A letter that nobody can accept any more is void; the others lose the address."""
    now = timezone.now()
    _invited(person).filter(accepted_at=None, revoked_at=None).update(revoked_at=now)
    return _invited(person).update(email=person.alias, modified_at=now)


def _keys(person: Person) -> Rows:
    rows = ApiKey.objects.filter(created_by=person.user_id).order_by("pk")
    return rows.values("name", "prefix", "scopes", "created_at", "last_used_at", "revoked_at")


def _end_keys(person: Person) -> int:
    """A key has no more rights than its maker, who is gone."""
    now = timezone.now()
    return ApiKey.objects.filter(created_by=person.user_id, revoked_at=None).update(revoked_at=now, modified_at=now)


def _located(person: Person) -> Mapping[str, Collection[str]]:
    rows = Membership.objects.filter(user_id=person.user_id).values_list("pk", flat=True)
    letters = _invited(person).values_list("pk", flat=True)
    return {"targets": {*(f"staff.membership:{pk}" for pk in rows), *(f"staff.invitation:{pk}" for pk in letters)}}


hold("staff_membership", "staff.Membership", {"user"}, export=_membership, erase=_leave, locate=_located, order=40)
hold("invitations", "staff.Invitation", {"email", "accepted_by"}, export=_invitations, erase=_end_invitations, order=30)
# What a key was called and the id of a row that names nobody stay.
hold("api_keys", "staff.ApiKey", {"name", "created_by"}, export=_keys, erase=_end_keys, order=45)
harmless("staff.Invitation", {"invited_by"}, "the id of a row that names nobody once it is erased")
harmless("staff.Role", {"name"}, "what a role is called")
