"""What a provider says of itself (OpenID Connect Discovery) and its keys (RFC 7517), kept for a while for all hosts.

Both are public and the same for every tenant, so the global cache holds them (N4).
What it loses is asked for again (G3).
"""

import hashlib
import json
import logging
from collections.abc import Callable
from typing import Any

import jwt
from allauth.socialaccount.adapter import get_adapter
from django.core.cache import caches

logger = logging.getLogger(__name__)

# How long a key that the provider has withdrawn may still count, and an address that it has moved.
KEPT_SECONDS = 15 * 60
# A key that we do not know is asked for this often at most: who sends made-up names cannot make us ask each time.
ASKED_EVERY_SECONDS = 10


def configuration(server: str, overrides: Any, fetch: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Return the provider's configuration; `fetch` gets it, and raises rather than return a wrong one."""
    name = _name("configuration", f"{server} {json.dumps(overrides, sort_keys=True, default=str)}")
    kept = _get(name)
    if not isinstance(kept, dict):
        kept = fetch()
        _set(name, kept, KEPT_SECONDS)
    return kept


def keys_named(address: str, kid: Any) -> list[jwt.PyJWK]:
    """Return the provider's signing keys of that name, all of them if the token names none.

    A name that is not among the kept ones is looked for at the provider: it may have a new key since.
    """
    name = _name("keys", address)
    kept = _get(name)
    if not isinstance(kept, dict):
        kept = _fetch(address, name)
    found = _fitting(kept, kid)
    if not found and _add(f"{name}:asked", ASKED_EVERY_SECONDS):
        found = _fitting(_fetch(address, name), kid)
    return found


def _fetch(address: str, name: str) -> dict[str, Any]:
    with get_adapter().get_requests_session() as session:
        answer = session.get(address)
        answer.raise_for_status()
        told = answer.json()
    _fitting(told, None)  # raises for what is no set of keys, which is not kept then
    _set(name, told, KEPT_SECONDS)
    _set(f"{name}:asked", 1, ASKED_EVERY_SECONDS)
    return dict(told)


def _fitting(told: dict[str, Any], kid: Any) -> list[jwt.PyJWK]:
    keys = [key for key in jwt.PyJWKSet.from_dict(told).keys if key.public_key_use in (None, "sig")]
    return [key for key in keys if key.key_id == kid] if kid is not None else keys


def _name(kind: str, of: str) -> str:
    return f"accounts:oidc:{kind}:{hashlib.sha256(of.encode()).hexdigest()[:40]}"


def _get(name: str) -> Any:
    return _try(lambda: caches["global"].get(name))


def _set(name: str, value: Any, seconds: int) -> None:
    _try(lambda: caches["global"].set(name, value, seconds))


def _add(name: str, seconds: int) -> bool:
    return bool(_try(lambda: caches["global"].add(name, 1, seconds)))


def _try(act: Callable[[], Any]) -> Any:
    try:
        return act()
    except Exception:
        logger.warning("The cache does not answer; the provider is asked each time.", exc_info=True)
        return None
