"""Where the tenant's site is found: its subdomain, domains of its own, which of them is the first.

The rows are public's (`tenants.provisioning.rename`, `tenants.domains`) and written with a line in the platform's
trail; the tenant's own trail is told afterwards, in a transaction of its own (citus.md, rule 3).
"""

import logging
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction

from shared_apps.billing import limits
from shared_apps.core.errors import NotFound, TooManyRequests
from shared_apps.core.limits import hit
from tenant_apps.activity.services import before_and_after, gone, made, record
from tenants import domains, lookup, provisioning
from tenants.context import current_tenant, in_public, in_tenant
from tenants.models import Domain, DomainClaim, Tenant

logger = logging.getLogger(__name__)

# How often somebody may have DNS asked for one tenant: it costs seconds of a process.
CHECKS, CHECKS_SECONDS = 20, 600
# Has its host already, and needs no place that the plan would have to have.
HELD = (DomainClaim.State.PROVED, DomainClaim.State.FAILING)
SUBDOMAIN, FORMER, OWN = "subdomain", "former", "own"


@dataclass(frozen=True)
class Address:
    """A host of the tenant's, or one that it has claimed. `leads`: whether it leads here now."""

    host: str
    kind: str
    is_primary: bool
    leads: bool
    claim: DomainClaim | None = None
    records: tuple[domains.Record, ...] = ()

    @property
    def state(self) -> str:
        return self.claim.state if self.claim else DomainClaim.State.PROVED

    @property
    def drops_at(self) -> datetime | None:
        """When it leads nowhere any more unless its proof is back."""
        since = self.claim.failing_since if self.claim else None
        return since + domains.GRACE if since else None


def addresses() -> list[Address]:
    """Return the present tenant's hosts: the subdomain, domains of its own, former subdomains."""
    tenant = _row()
    rows = {row.domain: row for row in domains.hosts_of(tenant)}
    subdomain = domains.subdomain_of(tenant)
    claims = domains.claims_of(tenant)
    found = [Address(subdomain, SUBDOMAIN, _first(rows, subdomain), subdomain in rows)]
    for claim in claims:
        wanted = tuple(domains.records(tenant, claim))
        found.append(Address(claim.domain, OWN, _first(rows, claim.domain), claim.domain in rows, claim, wanted))
    told = {each.host for each in found}
    for host in sorted(rows.keys() - told):
        kind = FORMER if host.endswith(f".{settings.PLATFORM_DOMAIN}") else OWN
        found.append(Address(host, kind, _first(rows, host), leads=True))
    return found


def address_of(host: str) -> Address:
    """Return one of `addresses`. Raises NotFound."""
    claim = domains.find(current_tenant(), host)
    return next(each for each in addresses() if each.host == claim.domain)


def rename(slug: str, *, actor: Any) -> Tenant:
    """Give the present tenant another subdomain. Raises what `provisioning.rename` raises."""
    tenant = _row()
    before = tenant.slug
    tenant = provisioning.rename(tenant, slug.strip().lower(), actor=actor)
    if tenant.slug != before:
        _record("site.renamed", tenant, actor, before_and_after({"slug": before}, {"slug": tenant.slug}))
    return tenant


def add_domain(text: str, *, actor: Any) -> DomainClaim:
    """Claim a domain for the present tenant. Raises DomainInvalid, DomainClaimed, TooManyDomains, LimitReached."""
    tenant = _row()
    domains.named(text)
    limits.require("domains", tenant=tenant)
    claim = domains.claim(tenant, text, actor=actor)
    _record("domain.added", tenant, actor, made(domain=claim.domain))
    return claim


def check_domain(host: str, *, actor: Any) -> DomainClaim:
    """Ask DNS about a claimed domain now. Raises NotFound, TooManyRequests, and LimitReached for one more than the plan
    allows: what counts is what leads here, so a claim alone takes no place."""
    tenant = _row()
    found = domains.find(tenant, host)
    if found.state not in HELD:
        limits.require("domains", tenant=tenant)
    counted = hit(f"domain-check:{tenant.pk}", CHECKS, CHECKS_SECONDS)
    if not counted.allowed:
        raise TooManyRequests(retry_after=counted.reset_after)
    before = {"state": found.state, "checked_at": found.checked_at}
    found, changes = domains.check(found)
    after = {"state": found.state, "checked_at": found.checked_at}
    _record("domain.checked", tenant, actor, {"domain": found.domain, **before_and_after(before, after)})
    tell(changes, actor=actor)
    return found


def make_primary(host: str, *, actor: Any) -> None:
    """Let links lead to this host, and pages be at home there. Raises what `domains.make_primary` raises."""
    tenant = _row()
    before = lookup.primary_host(tenant)
    host = domains.make_primary(tenant, host.strip().lower(), actor=actor).domain
    if before != host:
        _record("domain.primary", tenant, actor, before_and_after({"primary": before}, {"primary": host}))


def remove_domain(host: str, *, actor: Any) -> None:
    """Give a domain up. Raises NotFound."""
    tenant = _row()
    host = domains.release(tenant, host, actor=actor)
    _record("domain.removed", tenant, actor, gone(domain=host))


def recheck(now: datetime | None = None, *, seconds: float = 25) -> int:
    """Ask DNS about the claims that are due, over all tenants, for so long; return how many changes were told.

    What is left goes with the next round. Twice, or two at once, changes nothing more (G2).
    """
    until = time.monotonic() + seconds
    told = 0
    for claim in domains.due(now):
        if time.monotonic() > until:
            break
        if claim.state not in HELD and _is_full(claim):
            domains.put_off(claim, now)
            continue
        try:
            told += tell(domains.check(claim, now=now)[1], actor=None)
        except NotFound:
            continue  # given up meanwhile
        except Exception:  # whatever stands in one tenant's way: the proofs of others are asked for all the same
            logger.exception("domain_not_checked", extra={"domain": claim.domain})
    return told


def tell(changes: Iterable[domains.Change], *, actor: Any) -> int:
    """Write into the trails of the tenants what a check has found out, each in its own, once; return how many lines."""
    told = 0
    for change in changes:
        with in_public():
            tenant = Tenant.objects.with_host().get(pk=change.tenant_id)
        if tenant.status in (Tenant.Status.OPENING, Tenant.Status.CLOSED):
            continue
        topic, details = f"domain.{change.what}", {"domain": change.domain}
        with in_tenant(tenant), transaction.atomic():
            if change.since is None:
                told += record(topic, tenant, actor=actor, details=details, deliver=False)
            else:
                # Another tenant's check may have ended this one's; who that was is not told (N2).
                key = f"{topic}:{change.domain}:{change.since.isoformat()}"
                told += record(topic, tenant, details=details, payload=details, key=key)
    return told


def _is_full(claim: DomainClaim) -> bool:
    with in_public():
        tenant = Tenant.objects.with_host().get(pk=claim.tenant_id)
    return tenant.status != Tenant.Status.OPEN or limits.refused("domains", tenant=tenant) is not None


def _first(rows: dict[str, Domain], host: str) -> bool:
    return host in rows and rows[host].is_primary


def _row() -> Tenant:
    """The row as it is in the database: what is kept in this process may lack another's change of a moment ago."""
    here = current_tenant().pk
    with in_public():
        found: Tenant = Tenant.objects.with_host().get(pk=here)
    return found


def _record(topic: str, tenant: Tenant, actor: Any, details: dict[str, Any]) -> None:
    with in_tenant(tenant):
        record(topic, tenant, actor=actor, details=details, deliver=False)
