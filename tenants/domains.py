"""Domains of a tenant's own: claimed, proved by DNS, asked again from time to time, dropped when the proof ends (N5).

A claim leads nowhere. `check` asks DNS for its token at `_foyer.<host>`; who has it there gets a `Domain` row, which is
what `lookup` finds a tenant by and what certificates are made for. All rows are public's own; DNS is asked before the
transaction, and an answer that is older than what is known already changes nothing.
"""

import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Case, IntegerField, When, Window
from django.db.models.functions import RowNumber
from django.utils import timezone
from django.utils.translation import gettext as _

from shared_apps.accounts import trail
from shared_apps.core import name_service
from shared_apps.core.errors import NotFound
from tenants import hosts
from tenants.context import in_public
from tenants.errors import DomainClaimed, DomainInvalid, DomainLeadsNowhere, DomainNotProved, TooManyDomains
from tenants.models import Domain, DomainClaim, Tenant

State = DomainClaim.State
# Below the domain, so that it stands beside whatever else the name says, an alias too.
PROOF_NAME = "_foyer"
PROOF_PREFIX = "foyer-domain="
SECONDS = 3.0
# So long a proved domain goes on after DNS has begun to say otherwise: zones are moved, and records forgotten.
GRACE = timedelta(hours=24)
# So long nobody need answer at all.
SILENCE = timedelta(days=7)
EVERY, EVERY_FAILING = timedelta(hours=6), timedelta(hours=1)
# A new claim is looked at often, then seldom, then only by hand.
SOON, SOON_FOR = timedelta(minutes=10), timedelta(days=2)
SELDOM, SELDOM_FOR = timedelta(hours=6), timedelta(days=14)
# Whatever a plan allows.
MOST = 20
# What a check may have led to.
PROVED, FAILING, LOST = "proved", "failing", "lost"


@dataclass(frozen=True)
class Record:
    """One record to set in DNS. `must`: without it the domain is not the tenant's."""

    type: str
    name: str
    value: str
    why: str
    must: bool = False


@dataclass(frozen=True)
class Change:
    """What a check has found out, for the trail of the tenant that it concerns.

    A proof that is missing is told at each check, with the same `since`: whoever tells it once, by that, loses nothing
    if they are killed before they have told (G4).
    """

    tenant_id: int
    domain: str
    what: str
    since: datetime | None = None


@dataclass(frozen=True)
class _Answer:
    """What DNS said, and when it was asked. `texts` None: nobody answered."""

    texts: list[str] | None
    at: datetime

    def proves(self, claim: DomainClaim) -> bool:
        return any(hmac.compare_digest(text.strip().encode(), proof_of(claim).encode()) for text in self.texts or ())


def claims_of(tenant: Tenant) -> list[DomainClaim]:
    """Return the tenant's claims in the order in which they were made."""
    with in_public():
        return list(DomainClaim.objects.filter(tenant_id=tenant.pk).order_by("claimed_at", "pk"))


def hosts_of(tenant: Tenant) -> list[Domain]:
    """Return the hosts that lead to the tenant, the primary one first."""
    with in_public():
        return list(Domain.objects.proved().filter(tenant_id=tenant.pk).order_by("-is_primary", "domain"))


def records(tenant: Tenant, claim: DomainClaim) -> list[Record]:
    """Return what has to stand in DNS: the proof, and the way to us."""
    target = f"{tenant.slug}.{settings.PLATFORM_DOMAIN}"
    return [
        Record(
            "TXT", f"{PROOF_NAME}.{claim.domain}", proof_of(claim), _("Shows us that the domain is yours."), must=True
        ),
        Record(
            "CNAME",
            claim.domain,
            target,
            _("Leads visitors here. Where no CNAME can be set, use the A and AAAA addresses of that name."),
        ),
    ]


def proof_of(claim: DomainClaim) -> str:
    """Return the text that DNS has to say."""
    return f"{PROOF_PREFIX}{claim.token}"


def claim(tenant: Tenant, text: str, *, actor: Any) -> DomainClaim:
    """Write down that the tenant says a domain is its own. It leads nowhere yet.

    Raises DomainInvalid, DomainClaimed (by this tenant already), TooManyDomains.
    """
    domain = named(text)
    with in_public(), transaction.atomic():
        locked = Tenant.objects.select_for_update(of=("self",)).get(pk=tenant.pk)
        if DomainClaim.objects.filter(tenant=locked).count() >= MOST:
            raise TooManyDomains(most=MOST)
        try:
            with transaction.atomic():
                made = DomainClaim.objects.create(tenant=locked, domain=domain)
        except IntegrityError:
            raise DomainClaimed from None
        _note("domain.claimed", locked, actor, domain)
    return made


def find(tenant: Tenant, text: str) -> DomainClaim:
    """Return the tenant's claim of a domain. Raises NotFound; of others' claims nothing is told (N2)."""
    try:
        domain = hosts.normal(text)
    except ValidationError:
        raise NotFound from None
    with in_public():
        found = DomainClaim.objects.filter(tenant_id=tenant.pk, domain=domain).first()
    if found is None:
        raise NotFound
    return found


def named(text: str) -> str:
    """Return the domain in the form that it is kept in. Raises DomainInvalid."""
    try:
        return hosts.own_domain(text)
    except ValidationError as error:
        raise DomainInvalid(error.messages[0]) from None


# --- Proof ----------------------------------------------------------------------------------------------------------


def check(found: DomainClaim, *, now: datetime | None = None) -> tuple[DomainClaim, list[Change]]:
    """Ask DNS about a claim, keep what it says, and return the claim as it is then and what has changed.

    Three seconds at most. Never inside a transaction that waits for others (O3).
    """
    asked = now or timezone.now()
    try:
        texts: list[str] | None = name_service.texts(f"{PROOF_NAME}.{found.domain}", SECONDS)
    except name_service.NothingThere:
        texts = []
    except name_service.NobodyAnswered:
        texts = None
    return _keep(found, _Answer(texts, asked))


def due(now: datetime | None = None, most: int = 200) -> list[DomainClaim]:
    """Return the claims that are to be looked at now: first those by which a host leads somewhere, then mere claims; of
    each kind each tenant's one that has waited longest, then each one's second, and so on. Whoever claims twenty names
    that nobody answers for keeps no other waiting (N7)."""
    with in_public():
        waiting = DomainClaim.objects.filter(next_check_at__lte=now or timezone.now()).select_related("tenant")
        # Who is closed has no hosts; who is suspended keeps theirs.
        found = waiting.exclude(tenant__status=Tenant.Status.CLOSED).annotate(
            leads=Case(When(state__in=(State.PROVED, State.FAILING), then=0), default=1, output_field=IntegerField()),
            turn=Window(RowNumber(), partition_by=["tenant_id", "leads"], order_by=["next_check_at", "pk"]),
        )
        return list(found.order_by("leads", "turn", "next_check_at", "pk")[:most])


def put_off(found: DomainClaim, now: datetime | None = None) -> None:
    """Look at a claim again later: there is no use in it now."""
    with in_public():
        DomainClaim.objects.filter(pk=found.pk).update(next_check_at=(now or timezone.now()) + SELDOM)


def _keep(found: DomainClaim, answer: _Answer) -> tuple[DomainClaim, list[Change]]:
    changes: list[Change] = []
    with in_public(), transaction.atomic():
        # All claims of this host, always in the same order: of two checks at once one comes after the other.
        same = list(
            DomainClaim.objects.select_for_update(of=("self",))
            .select_related("tenant")
            .filter(domain=found.domain)
            .order_by("pk")
        )
        mine = next((each for each in same if each.pk == found.pk), None)
        if mine is None:
            raise NotFound  # given up meanwhile
        if any(each.checked_at is not None and each.checked_at > answer.at for each in same):
            return mine, []  # somebody has asked since
        row = Domain.objects.select_for_update().filter(domain=mine.domain).first()
        was_lost = mine.state == State.LOST
        if answer.proves(mine):
            _proved(mine, row, same, answer, changes)
        elif answer.texts is None:
            _silent(mine, row, answer, changes)
        else:
            _disproved(mine, row, answer, changes)
        mine.checked_at = answer.at
        mine.next_check_at = _next_check(mine, answer.at, was_lost)
        mine.save()
    return mine, changes


def _proved(
    mine: DomainClaim, row: Domain | None, same: Iterable[DomainClaim], answer: _Answer, changes: list[Change]
) -> None:
    if row is not None and row.tenant_id != mine.tenant_id:
        theirs = next((each for each in same if each.tenant_id == row.tenant_id), None)
        closed = Tenant.objects.filter(pk=row.tenant_id, status=Tenant.Status.CLOSED).exists()
        if not closed and (theirs is None or answer.proves(theirs)):
            # Without a claim the operator's own word stands for it.
            mine.state, mine.found = State.TAKEN, ""
            return
        # DNS names us and them no more: the domain has gone from one to the other.
        if theirs is not None:
            _lose(theirs, row, answer, changes)
            theirs.save()
        else:
            _take_away(row)
        row = None
    if row is None:
        Domain.objects.create(domain=mine.domain, tenant=mine.tenant, is_primary=False, verified_at=answer.at)
        changes.append(Change(mine.tenant_id, mine.domain, PROVED))
        _note("domain.proved", mine.tenant, None, mine.domain)
    elif row.verified_at is None:
        row.verified_at = answer.at
        row.save()
        changes.append(Change(mine.tenant_id, mine.domain, PROVED))
    mine.state, mine.proved_at, mine.failing_since, mine.found = State.PROVED, answer.at, None, ""


def _disproved(mine: DomainClaim, row: Domain | None, answer: _Answer, changes: list[Change]) -> None:
    said = [text for text in answer.texts or () if text.lower().startswith(PROOF_PREFIX)]
    mine.found = " | ".join(said)[:500]
    if row is None or row.tenant_id != mine.tenant_id:
        if mine.state == State.LOST:
            changes.append(Change(mine.tenant_id, mine.domain, LOST, mine.failing_since))
        else:
            mine.state = State.WAITING
        return
    if mine.failing_since is not None and answer.at - mine.failing_since >= GRACE:
        _lose(mine, row, answer, changes)
        return
    mine.state, mine.failing_since = State.FAILING, mine.failing_since or answer.at
    changes.append(Change(mine.tenant_id, mine.domain, FAILING, mine.failing_since))


def _silent(mine: DomainClaim, row: Domain | None, answer: _Answer, changes: list[Change]) -> None:
    """Nobody answering proves nothing; for a week."""
    if row is None or row.tenant_id != mine.tenant_id:
        return
    last = mine.proved_at or mine.claimed_at
    if answer.at - last >= SILENCE or (mine.failing_since is not None and answer.at - mine.failing_since >= GRACE):
        _lose(mine, row, answer, changes)


def _lose(claim: DomainClaim, row: Domain, answer: _Answer, changes: list[Change]) -> None:
    _take_away(row)
    claim.state, claim.failing_since = State.LOST, claim.failing_since or answer.at
    # Once more, so that it is told whatever became of whoever found out.
    claim.next_check_at = answer.at + EVERY_FAILING
    changes.append(Change(claim.tenant_id, claim.domain, LOST, claim.failing_since))
    _note("domain.lost", claim.tenant, None, claim.domain)


def _take_away(row: Domain) -> None:
    """Let the host lead nowhere. What was its tenant's primary host is the subdomain again."""
    tenant, was_primary = row.tenant, row.is_primary
    row.delete()
    if was_primary:
        _put_first(tenant, subdomain_of(tenant))


def _next_check(claim: DomainClaim, now: datetime, was_lost: bool) -> datetime | None:
    if claim.state == State.PROVED:
        return now + EVERY
    if claim.state == State.LOST and was_lost:
        return None
    if claim.state in (State.FAILING, State.LOST):
        return now + EVERY_FAILING
    age = now - claim.claimed_at
    if age < SOON_FOR:
        return now + SOON
    return now + SELDOM if age < SELDOM_FOR else None


# --- Which host is the first, and giving up -------------------------------------------------------------------------


def make_primary(tenant: Tenant, host: str, *, actor: Any) -> Domain:
    """Let pages be at home at this host and links lead to it (N1): a proved domain, or the subdomain.

    Raises NotFound, DomainNotProved, and DomainLeadsNowhere for a name that has no address in DNS.
    """
    own = host != subdomain_of(tenant)
    if own:
        wanted = find(tenant, host)
        if wanted.state not in (State.PROVED, State.FAILING):
            raise DomainNotProved
        try:
            name_service.addresses(wanted.domain, SECONDS)
        except name_service.NothingThere:
            raise DomainLeadsNowhere from None
        except name_service.NobodyAnswered:
            pass  # proved a moment ago; visitors may fare better than we do
        host = wanted.domain
    with in_public(), transaction.atomic():
        locked = Tenant.objects.select_for_update(of=("self",)).get(pk=tenant.pk)
        if not Domain.objects.proved().filter(tenant=locked, domain=host).exists():
            raise DomainNotProved
        before = Domain.objects.filter(tenant=locked, is_primary=True).values_list("domain", flat=True).first()
        row = _put_first(locked, host)
        if before != host:
            _note("domain.primary", locked, actor, host, before={"primary": before}, after={"primary": host})
    return row


def release(tenant: Tenant, text: str, *, actor: Any) -> str:
    """Give a domain up: it leads nowhere from the next request on, and is anybody's who proves it."""
    found = find(tenant, text)
    with in_public(), transaction.atomic():
        row = Domain.objects.select_for_update().filter(domain=found.domain, tenant_id=tenant.pk).first()
        if row is not None:
            _take_away(row)
        DomainClaim.objects.filter(pk=found.pk).delete()
        _note("domain.released", tenant, actor, found.domain)
    return found.domain


def subdomain_of(tenant: Tenant) -> str:
    return f"{tenant.slug}.{settings.PLATFORM_DOMAIN}"


def _put_first(tenant: Tenant, host: str) -> Domain:
    row, _made = Domain.objects.get_or_create(
        domain=host, tenant=tenant, defaults={"is_primary": False, "verified_at": timezone.now()}
    )
    Domain.objects.filter(tenant=tenant, is_primary=True).exclude(pk=row.pk).update(is_primary=False)
    row.is_primary = True
    row.save()
    return row


def _note(topic: str, tenant: Tenant, actor: Any, domain: str, **details: Any) -> None:
    by = getattr(actor, "pk", None)
    trail.note(
        topic,
        tenant.owner_id,
        target=f"tenants.tenant:{tenant.pk}",
        by_owner=by is not None and by == tenant.owner_id,
        domain=domain,
        actor=by,
        **details,
    )
