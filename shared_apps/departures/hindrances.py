"""What has to end before a site can close. No job runs while it closes: money on its way back would stay where it is.

    hinders(refunds_under_way)

A hindrance is asked inside the tenant, and raises its refusal.
"""

from collections.abc import Callable

from tenants.context import in_tenant
from tenants.models import Tenant

Hindrance = Callable[[], None]
_hindrances: list[Hindrance] = []


def hinders(function: Hindrance) -> None:
    """Add one. Once each, from `ready()`."""
    if function not in _hindrances:
        _hindrances.append(function)


def ask_all(tenant: Tenant) -> None:
    """Raise what the first hindrance raises, if there is one."""
    with in_tenant(tenant):
        for hindrance in _hindrances:
            hindrance()
