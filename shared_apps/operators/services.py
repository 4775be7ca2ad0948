"""What operators do to tenants, each with a reason and in the operator's name."""

from typing import Any

from django.db import transaction

from shared_apps.accounts import letters, trail
from shared_apps.accounts.models import EmailCode
from shared_apps.core.errors import NotFound
from shared_apps.operators import measuring
from shared_apps.operators.errors import ReasonRequired
from shared_apps.operators.impersonation import LEAST_REASON
from shared_apps.operators.overview import tenants
from tenants import provisioning, schema_state
from tenants.context import in_public, in_tenant
from tenants.errors import TenantNotReady
from tenants.models import Tenant


def tenant_named(slug: str) -> Tenant:
    """Return the tenant with its figures, whatever its standing. Raises NotFound."""
    with in_public():
        tenant = tenants().filter(slug=slug).first()
    if tenant is None:
        raise NotFound
    return tenant


def measure(tenant: Tenant) -> None:
    """Reckon the tenant's figures now instead of within ten minutes. Raises NotFound for one that has no schema,
    TenantNotReady for one that waits for migrations."""
    if tenant.status in (Tenant.Status.OPENING, Tenant.Status.CLOSED):
        raise NotFound
    if schema_state.is_behind(tenant):
        raise TenantNotReady
    with in_tenant(tenant):
        measuring.measure()


def suspend(tenant: Tenant, *, operator: Any, reason: str) -> Tenant:
    """Stop a tenant in the platform's name, from the next request on. Its owner and the trail are told the reason.

    Twice is once: the first reason stays. Raises ReasonRequired, and WrongState for one that is opening or closed.
    """
    reason = " ".join(reason.split())
    if len(reason) < LEAST_REASON:
        raise ReasonRequired(field="reason", least=LEAST_REASON)
    with in_public(), transaction.atomic(), trail.acting(operator):
        is_new = Tenant.Cause.OPERATOR not in _row(tenant).suspensions
        provisioning.suspend(tenant, cause=Tenant.Cause.OPERATOR, reason=reason)
        if is_new:
            _tell_owner(tenant, EmailCode.Purpose.SUSPENDED, reason)
    return tenant


def resume(tenant: Tenant, *, operator: Any) -> Tenant:
    """Take the platform's own suspension back. Unpaid bills and the owner's wish are theirs to lift."""
    with in_public(), transaction.atomic(), trail.acting(operator):
        was_set = Tenant.Cause.OPERATOR in _row(tenant).suspensions
        provisioning.resume(tenant, cause=Tenant.Cause.OPERATOR)
        if was_set and tenant.status == Tenant.Status.OPEN:
            _tell_owner(tenant, EmailCode.Purpose.RESUMED)
    return tenant


def _row(tenant: Tenant) -> Tenant:
    """The row as it is now, locked: of two operators at once one tells the owner."""
    return Tenant.objects.select_for_update(of=("self",)).get(pk=tenant.pk)


def _tell_owner(tenant: Tenant, purpose: str, reason: str = "") -> None:
    """Leave a letter with the change. The platform sends it: no job of a suspended tenant runs."""
    owner = tenant.owner
    if owner is not None and owner.is_active:
        letters.tell(owner, purpose, schema_name=tenant.schema_name, about=reason)
