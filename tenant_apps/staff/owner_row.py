"""The tenant's row in public names an owner; it follows what is decided in the tenant (citus.md, rule 3)."""

from django.db import transaction

from tenant_apps.activity.delivery import subscribe
from tenant_apps.activity.models import OutboxMessage
from tenant_apps.staff.models import Membership
from tenant_apps.staff.presets import OWNER
from tenants.context import current_tenant
from tenants.models import Tenant


@subscribe("staff.owners_changed")
def follow_owner(message: OutboxMessage) -> None:
    """Name the heir, if there is one who still owns; else keep who is named as long as they own; else the first.

    It looks at what is true now and writes one row in a transaction of its own: repeating it changes nothing.
    """
    owners = list(
        Membership.objects.filter(role__preset=OWNER, user__is_active=True)
        .order_by("pk")
        .values_list("user_id", flat=True)
    )
    if not owners:
        return  # nobody can make that so on purpose (LastOwner); the row then keeps its last name
    tenant_id = current_tenant().pk
    with transaction.atomic():
        tenant = Tenant.objects.select_for_update().get(pk=tenant_id)
        heir = message.payload.get("heir")
        wanted = next((user for user in (heir, tenant.owner_id) if user in owners), owners[0])
        if tenant.owner_id != wanted:
            tenant.owner_id = wanted
            tenant.save(update_fields=["owner"])
