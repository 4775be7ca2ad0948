"""What has to end elsewhere before the rows in public go that tell of it: a subscription that would go on charging.

    farewell("subscription", end_for_good)

Called while a tenant is erased, when its data are gone and its public rows are not. Each may be called twice; what
raises is called again later, and the rows stay until it has ended (O3, G4).
"""

from collections.abc import Callable
from typing import Any

from tenants.models import Tenant

# Returns what the certificate says of it: numbers, no content.
Farewell = Callable[[Tenant], dict[str, Any]]
_farewells: dict[str, Farewell] = {}


def farewell(name: str, function: Farewell) -> None:
    """Add one. Once each, from `ready()`."""
    _farewells[name] = function


def say_all(tenant: Tenant) -> dict[str, Any]:
    """Do all of them, and return what came of each by its name."""
    return {name: _farewells[name](tenant) for name in sorted(_farewells)}
