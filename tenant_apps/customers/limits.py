"""How often one may like, keep and follow: against counts that are pressed up by programs (N7).

Accounts begin with a confirmed address, and registering is limited by itself; so what is left is many accounts in one
hand. They are counted together by where they come from. A school or a hall behind one address is many people: the limit
per place is wide, and slows a thousand accounts down to what can be seen and undone.
"""

from typing import Any

from shared_apps.core import limits
from shared_apps.core.addresses import client_address, network_of
from tenant_apps.customers.errors import TooManyVotes

PERSON_A_MINUTE = 60
PLACE_AN_HOUR = 300
HOUR_SECONDS = 3600


def count_vote(request: Any) -> None:
    """Count one change by the request's person and place, over all tenants. Raises TooManyVotes."""
    place = network_of(client_address(request))
    for key, most, seconds in (
        (f"votes:person:{request.user.pk}", PERSON_A_MINUTE, 60),
        (f"votes:place:{place}", PLACE_AN_HOUR, HOUR_SECONDS),
    ):
        counted = limits.hit(key, most, seconds)
        if not counted.allowed:
            raise TooManyVotes(retry_after=counted.reset_after)
