"""How often sign-in and the letters about it may be tried, over all hosts (I8). `settings.ACCOUNT_LIMITS` overrides."""

from django.conf import settings

from shared_apps.accounts import trail
from shared_apps.core.addresses import network_of
from shared_apps.core.errors import TooManyRequests
from shared_apps.core.limits import Decision, hit, take_back

# name: (how many, in how many seconds)
DEFAULTS: dict[str, tuple[int, int]] = {
    # Failures only: what turns out right is taken back.
    "login_account": (10, 15 * 60),
    "login_source": (100, 15 * 60),
    "password_check": (10, 15 * 60),
    "code_source": (100, 15 * 60),
    "register_email": (5, 60 * 60),
    "register_source": (60, 60 * 60),
    "reset_email": (5, 60 * 60),
    "reset_source": (60, 60 * 60),
    # Each goes through all tenants.
    "data_export": (10, 24 * 60 * 60),
    # By person: what others see or are told of.
    "profile_change": (60, 60 * 60),
    "person_follow": (60, 60 * 60),
    "person_block": (60, 60 * 60),
    "profile_report": (10, 24 * 60 * 60),
}


def count(name: str, of: str, *, email: str = "") -> Decision:
    """Count one try of `name` by `of`. Raises TooManyRequests, which says when to come back, beyond the limit.

    `email` is whose account it is about, for the trail, where `of` does not name it.
    """
    limit, seconds = {**DEFAULTS, **getattr(settings, "ACCOUNT_LIMITS", {})}[name]
    decision = hit(f"accounts:{name}:{of}", limit, seconds)
    if not decision.allowed:
        trail.note_limit(name, of, email=email)
        raise TooManyRequests(retry_after=decision.reset_after)
    return decision


def source(address: str | None) -> str:
    return network_of(address)


__all__ = ["Decision", "count", "source", "take_back"]
