"""Whom this tenant's staff consists of."""

from collections.abc import Collection, Mapping
from typing import Any

from django.db.models import Q
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


def _located(person: Person) -> Mapping[str, Collection[str]]:
    rows = Membership.objects.filter(user_id=person.user_id).values_list("pk", flat=True)
    return {"targets": {f"staff.membership:{pk}" for pk in rows}}


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
harmless("staff.Role", {"name"}, "what a role is called")
