"""Whom this tenant's staff consists of."""

from collections.abc import Collection, Mapping

from shared_apps.core.personal import Person, Rows, harmless, hold
from tenant_apps.staff.models import Membership
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


hold("staff_membership", "staff.Membership", {"user"}, export=_membership, erase=_leave, locate=_located, order=40)
harmless("staff.Role", {"name"}, "what a role is called")
