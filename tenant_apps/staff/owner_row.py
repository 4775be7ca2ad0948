"""The tenant's row in public names an owner; it follows what is decided in the tenant (citus.md, rule 3)."""

from collections.abc import Iterable

from django.db import transaction

from tenant_apps.activity.delivery import subscribe
from tenant_apps.activity.models import OutboxMessage
from tenant_apps.staff.models import Membership
from tenant_apps.staff.presets import OWNER
from tenants.context import current_tenant
from tenants.models import Tenant
from tenants.restoring import Restored, afterwards


@subscribe("staff.owners_changed")
def follow_owner(message: OutboxMessage) -> None:
    """Name the heir, if there is one who still owns; else keep who is named as long as they own; else the first.

    It looks at what is true now and writes one row in a transaction of its own: repeating it changes nothing.
    """
    _name(message.payload.get("heir"))


def follow_restored(restored: Restored) -> Iterable[str]:
    """After a restore the row names one of those who owned then and can still sign in."""
    _name(None)
    return () if _owners() else ["None of its owners has an account any more: invite one."]


def _name(heir: int | None) -> None:
    owners = _owners()
    if not owners:
        return  # nobody can make that so on purpose (LastOwner); the row then keeps its last name
    tenant_id = current_tenant().pk
    with transaction.atomic():
        tenant = Tenant.objects.select_for_update().get(pk=tenant_id)
        wanted = next((user for user in (heir, tenant.owner_id) if user in owners), owners[0])
        if tenant.owner_id != wanted:
            tenant.owner_id = wanted
            tenant.save(update_fields=["owner"])


def _owners() -> list[int]:
    return list(
        Membership.objects.filter(role__preset=OWNER, user__is_active=True)
        .order_by("pk")
        .values_list("user_id", flat=True)
    )


afterwards("owner", follow_restored, order=20)
