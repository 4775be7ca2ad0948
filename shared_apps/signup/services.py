"""The one flow that needs a person and a tenant together."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from shared_apps.core.errors import Forbidden, TooManyRequests
from tenants.models import Tenant
from tenants.provisioning import open_tenant

# A schema is not free; more than these a person asks the platform for.
MOST_TENANTS = 10


class EmailNotConfirmed(Forbidden):
    code = "email_not_verified"
    message = _("Please confirm your email address first.")


class TooManyTenants(TooManyRequests):
    code, status = "too_many_tenants", 409
    message = _("You have {limit} organizers already. Please write to us if you need more.")


def open_for(user: Any, **fields: Any) -> Tenant:
    """Open a tenant owned by this person. Raises EmailNotConfirmed, TooManyTenants, and what `open_tenant` raises."""
    if not user.email_verified:
        raise EmailNotConfirmed
    if Tenant.objects.filter(owner=user).exclude(status=Tenant.Status.CLOSED).count() >= MOST_TENANTS:
        raise TooManyTenants(limit=MOST_TENANTS)
    return open_tenant(owner=user, **fields)


def tenants_of(user: Any) -> Any:
    """Return the tenants that the person owns, newest first, with their hosts."""
    return Tenant.objects.filter(owner=user).exclude(status=Tenant.Status.CLOSED).with_host().order_by("-created_at")
