"""How often one caller may ask (N7): as the plan says of the tenant that is asked, counted over all hosts."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.http import HttpResponseBase
from rest_framework.throttling import BaseThrottle

from shared_apps.billing import requests
from shared_apps.billing.limits import api_rate
from shared_apps.core import limits
from shared_apps.core.addresses import client_address, network_of
from shared_apps.core.errors import TooManyRequests
from tenants.context import current_tenant, is_in_tenant

WINDOW_SECONDS = 60


@dataclass(frozen=True, slots=True)
class RateLimit:
    """What the answer tells about the limit that counted for it."""

    limit: int
    remaining: int
    reset_after: int
    seconds: int = WINDOW_SECONDS

    def write(self, response: HttpResponseBase) -> None:
        """Add the header fields of the IETF draft, and the three of its older form that most clients read."""
        response["RateLimit-Policy"] = f'"default";q={self.limit};w={self.seconds}'
        response["RateLimit"] = f'"default";r={self.remaining};t={self.reset_after}'
        response["RateLimit-Limit"] = str(self.limit)
        response["RateLimit-Remaining"] = str(self.remaining)
        response["RateLimit-Reset"] = str(self.reset_after)


class PerCaller(BaseThrottle):
    """Counts by person or API key, or by network address for who has neither; sign-in comes first."""

    def allow_request(self, request: Any, view: Any) -> bool:
        tenant = current_tenant() if is_in_tenant() else None
        most = api_rate(tenant)
        # A public read was counted where the cache was asked for it (api.kept).
        decision = None if request.user.is_authenticated else getattr(request._request, "counted", None)
        if decision is None:
            # Small limits are counted another way: elsewhere the same caller may have a large one.
            kind = "api" if most > limits.EXACT else "api-exact"
            decision = limits.hit(f"{kind}:{self.caller(request)}", most, WINDOW_SECONDS)
        request.rate_limit = RateLimit(decision.limit, decision.remaining, decision.reset_after)
        if not decision.allowed:
            raise TooManyRequests(retry_after=decision.reset_after)
        if tenant is not None:
            requests.count(tenant.pk, most)
            if not request.user.is_authenticated and (wait := requests.crowded_for(tenant.pk)):
                raise TooManyRequests(retry_after=wait)
        return True

    def caller(self, request: Any) -> str:
        if request.user.is_authenticated:
            return str(request.user.identity)
        return caller_at(client_address(request))


def caller_at(address: str | None) -> str:
    """Return what counts as one caller of those who are not signed in."""
    return f"address:{network_of(address)}"


@lru_cache(maxsize=10_000)
def limit_of_address(address: str | None) -> str:
    """Return under which name a caller who is not signed in is counted."""
    return limits.name_of(f"api:{caller_at(address)}")
