"""What operators do to tenants, each with a reason and in the operator's name."""

from typing import Any

from shared_apps.accounts import trail
from shared_apps.core.errors import NotFound
from shared_apps.operators.errors import ReasonRequired
from shared_apps.operators.impersonation import LEAST_REASON
from shared_apps.operators.overview import tenants
from tenants import provisioning
from tenants.context import in_public
from tenants.models import Tenant


def tenant_named(slug: str) -> Tenant:
    """Return the tenant with its figures, whatever its standing. Raises NotFound."""
    with in_public():
        tenant = tenants().filter(slug=slug).first()
    if tenant is None:
        raise NotFound
    return tenant


def suspend(tenant: Tenant, *, operator: Any, reason: str) -> Tenant:
    """Stop a tenant in the platform's name, from the next request on. Its owner and the trail are told the reason.

    Twice is once: the first reason stays. Raises ReasonRequired, and WrongState for one that is opening or closed.
    """
    reason = " ".join(reason.split())
    if len(reason) < LEAST_REASON:
        raise ReasonRequired(field="reason", least=LEAST_REASON)
    with trail.acting(operator):
        return provisioning.suspend(tenant, cause=Tenant.Cause.OPERATOR, reason=reason)


def resume(tenant: Tenant, *, operator: Any) -> Tenant:
    """Take the platform's own suspension back. Unpaid bills and the owner's wish are theirs to lift."""
    with trail.acting(operator):
        return provisioning.resume(tenant, cause=Tenant.Cause.OPERATOR)
