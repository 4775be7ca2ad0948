"""Host -> tenant without SQL: rows kept per process, vouched for by one version in the shared cache.

Every change of a Tenant or Domain row gives the version a new random value, so a suspension is obeyed by the
very next request of every process, at the price of one cache GET (docs/decisions/0004-tenant-lookup.md).
Without a cache server every look-up goes to the database: slower, never wrong.
Only the row itself is kept, never a tenant's data (N4).
"""

import copy
import logging
import time
import uuid
from typing import Any, NamedTuple

from django.conf import settings
from django.core.cache import caches
from django.db import transaction

from tenants.database import connection
from tenants.models import Tenant

logger = logging.getLogger(__name__)

VERSION_KEY = "tenants:version"
MOST_KEPT = 20_000
MOST_UNKNOWN_KEPT = 2_000
# A cache server that does not answer is left alone for this long, so that its time-out is not paid by each request.
CACHE_REST_SECONDS = 1.0


class _Kept(NamedTuple):
    version: str
    until: float
    tenant: Tenant | None


_kept: dict[tuple[str, str], _Kept] = {}
_unknown: dict[tuple[str, str], _Kept] = {}
_cache_rests_until = 0.0


def by_host(host: str) -> Tenant | None:
    """Return the tenant that this normalised host leads to, with `primary_host`; None if it leads nowhere."""
    return _find("domains__domain", host)


def by_schema(schema_name: str) -> Tenant | None:
    """Return the tenant of this schema, with `primary_host`; None if no row names the schema."""
    return _find("schema_name", schema_name)


def kept_row(host: str) -> tuple[Tenant, str] | None:
    """Return the row that this process keeps for a host, to be read only, and the version of the shared cache under
    which it holds; None if it keeps none. Asks nobody: whoever takes it asks for the present version."""
    kept = _kept.get(("domains__domain", host))
    if kept is None or kept.tenant is None or kept.until < time.monotonic():
        return None
    return kept.tenant, kept.version


def forget() -> None:
    """Make every process read the rows anew from the next request on; again once this transaction is committed."""
    _renew_version()
    if connection.in_atomic_block:
        # Between the first renewal and the commit another process may have kept the old row under the new version.
        transaction.on_commit(_renew_version, robust=True)


def _find(column: str, value: str) -> Tenant | None:
    # The version is read before the row: a change in between leaves an entry that the next look-up throws away.
    version = _version()
    key = (column, value)
    kept = _kept.get(key) or _unknown.get(key)
    if kept is None or version is None or kept.version != version or kept.until < time.monotonic():
        # What is asked of a host is asked of one and the same row: proved, or it leads nowhere (N5).
        proved = {"domains__verified_at__isnull": False} if column == "domains__domain" else {}
        tenant = Tenant.objects.with_host().filter(**{column: value}, **proved).first()
        if version is None:
            return tenant
        kept = _Kept(version, time.monotonic() + settings.TENANT_CACHE_SECONDS, tenant)
        _keep(key, kept)
    return None if kept.tenant is None else own_copy(kept.tenant)


def own_copy(tenant: Tenant) -> Tenant:
    """Return a copy that its holder may change: the kept row is shared by all threads."""
    mine = copy.copy(tenant)
    mine._state = copy.copy(tenant._state)
    mine._state.fields_cache = {}
    mine.preferences = copy.deepcopy(tenant.preferences)
    mine.limits = dict(tenant.limits)
    mine.suspensions = copy.deepcopy(tenant.suspensions)
    return mine


def _keep(key: tuple[str, str], kept: _Kept) -> None:
    # Strangers choose the hosts they ask for: unknown ones have a small store of their own and push no tenant out.
    store, most = (_unknown, MOST_UNKNOWN_KEPT) if kept.tenant is None else (_kept, MOST_KEPT)
    (_kept if kept.tenant is None else _unknown).pop(key, None)
    if len(store) >= most:
        store.clear()
    store[key] = kept


def _version() -> str | None:
    """The shared version, made anew if the cache lost it; None while the cache server does not answer."""
    global _cache_rests_until
    if time.monotonic() < _cache_rests_until:
        return None
    try:
        cache = caches["global"]
        return cache.get(VERSION_KEY) or cache.get_or_set(VERSION_KEY, lambda: uuid.uuid4().hex, None)
    except Exception as error:  # whatever the cache's client raises: the database knows too
        _cache_rests_until = time.monotonic() + CACHE_REST_SECONDS
        logger.warning("tenant look-up goes to the database, the cache does not answer: %s", type(error).__name__)
        return None


def _renew_version() -> None:
    try:
        caches["global"].set(VERSION_KEY, uuid.uuid4().hex, None)
    except Exception as error:
        # Every process sees the same cache down and asks the database; the rest ends after TENANT_CACHE_SECONDS.
        logger.error("tenant version not renewed, the cache does not answer: %s", type(error).__name__)


def _forget_here() -> None:
    """Empty this process's store. For tests and benchmarks."""
    _kept.clear()
    _unknown.clear()


def primary_host(tenant: Any) -> str:
    """Return the tenant's stored primary host (N1), by its subdomain if it has no Domain row yet."""
    known = tenant.__dict__.get("primary_host")
    if known is None and tenant.pk is not None:
        found = by_schema(tenant.schema_name)
        known = found.__dict__.get("primary_host") if found else None
    return known or f"{tenant.slug}.{settings.PLATFORM_DOMAIN}"
