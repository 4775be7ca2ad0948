"""Whom this tenant's staff consists of, whom it invited, and who made its keys."""

from collections.abc import Collection, Mapping
from typing import Any

from django.db.models import Q
from django.utils import timezone

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


def _of_person(person: Person) -> Any:
    """Invitations that they accepted, and those to an address that is proven to be theirs."""
    theirs = Q(accepted_by_id=person.user_id)
    return Invitation.objects.filter(theirs | Q(email=person.email) if person.email else theirs)


def _invitations(person: Person) -> Rows:
    for row in _of_person(person).select_related("role").order_by("pk"):
        yield {
            "email": row.email,
            "role": row.role.name if row.role else None,
            "event": row.event_id,
            "permissions": row.permissions,
            "state": row.state,
            "created_at": row.created_at,
        }


def _forget_invitations(person: Person) -> int:
    """One that waits is taken back first: nobody can accept it in their name."""
    rows = _of_person(person).exclude(email=person.alias)
    rows.unanswered().update(revoked_at=timezone.now())
    return int(rows.update(email=person.alias))


def _invited(person: Person) -> Mapping[str, Collection[str]]:
    rows = _of_person(person).values_list("pk", "email")
    return {"targets": {f"staff.invitation:{pk}" for pk, _email in rows}, "addresses": {email for _pk, email in rows}}


def _keys(person: Person) -> Rows:
    for row in ApiKey.objects.filter(created_by_id=person.user_id).order_by("pk"):
        yield {"name": row.name, "prefix": row.prefix, "scopes": row.scopes, "created_at": row.created_at}


def _stop_keys(person: Person) -> int:
    """Leaving the staff has revoked them; whatever else of theirs still stands ends here. The row names nobody then."""
    return ApiKey.objects.standing().filter(created_by_id=person.user_id).update(revoked_at=timezone.now())


hold(
    "staff_invitations",
    "staff.Invitation",
    {"email", "accepted_by"},
    export=_invitations,
    erase=_forget_invitations,
    locate=_invited,
    order=45,
)
hold("staff_api_keys", "staff.ApiKey", {"created_by"}, export=_keys, erase=_stop_keys, order=46)
harmless("staff.Invitation", {"invited_by"}, "the id of a row that names nobody once it is erased")
harmless("staff.ApiKey", {"name"}, "what a program is called")
hold("staff_membership", "staff.Membership", {"user"}, export=_membership, erase=_leave, locate=_located, order=40)
hold("invitations", "staff.Invitation", {"email", "accepted_by"}, export=_invitations, erase=_end_invitations, order=30)
# What a key was called and the id of a row that names nobody stay.
hold("api_keys", "staff.ApiKey", {"name", "created_by"}, export=_keys, erase=_end_keys, order=45)
harmless("staff.Invitation", {"invited_by"}, "the id of a row that names nobody once it is erased")
harmless("staff.Role", {"name"}, "what a role is called")
