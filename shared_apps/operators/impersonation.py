"""An operator on a tenant's site as one of its staff: begun with a reason, told to the owner, over after minutes.

What makes it safe is what it is not: no sign-in. The browser keeps a secret of its own on that one host; there is no
session and no token of the person, so nothing of it works on another host, at the API, or after its time. It is told
before it works: first the tenant's trail and the letter to the owners (one transaction in the tenant), then the row in
public that opens the door. Broken off in between, the owners were told of a visit that never came.
"""

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from shared_apps.accounts import trail
from shared_apps.accounts.models import User
from shared_apps.core.errors import FieldError, InvalidInput, NotFound, TooManyRequests
from shared_apps.core.limits import hit
from shared_apps.operators.errors import HandOverRefused, NotStaffThere, ReasonRequired, TenantNotOpen
from shared_apps.operators.models import Impersonation
from tenant_apps.activity.services import made, record
from tenant_apps.staff.models import Membership
from tenant_apps.staff.presets import OWNER
from tenants import links, schema_state
from tenants.context import current_tenant, in_public, in_tenant
from tenants.models import Tenant

MINUTES = (15, 30, 60)
LEAST_REASON, LONGEST_REASON = 10, 500
CODE_LIVES = timedelta(minutes=2)
MOST_AN_HOUR = 20
# Where the browser is led to on the tenant's host.
ENTER = "/operator/enter/"


def staff_of(tenant: Tenant) -> list[Membership]:
    """Return whom an operator may be there: who works there and has an open account, owners first."""
    if tenant.status != Tenant.Status.OPEN or schema_state.is_behind(tenant):
        return []
    with in_tenant(tenant):
        rows = list(Membership.objects.select_related("user", "role").filter(user__is_active=True).order_by("pk"))
    return sorted(rows, key=lambda row: row.role.preset != OWNER)


def begin(
    *, operator: Any, tenant: Tenant, person_id: int | None, reason: str, minutes: int = 30, writes: bool = False
) -> tuple[Impersonation, str]:
    """Write down and tell that the operator will be there, and return the row with the address that leads over.

    Without a person it is an owner. The address is good once and for two minutes. An earlier visit of the operator
    there ends. Raises ReasonRequired, TenantNotOpen, NotStaffThere, InvalidInput, TooManyRequests.
    """
    reason = " ".join(reason.split())
    if len(reason) < LEAST_REASON:
        raise ReasonRequired(field="reason", least=LEAST_REASON)
    if minutes not in MINUTES:
        raise InvalidInput(errors=[FieldError("minutes", "invalid", ", ".join(map(str, MINUTES)))])
    if tenant.status != Tenant.Status.OPEN or schema_state.is_behind(tenant):
        raise TenantNotOpen
    if not hit(f"impersonate:{operator.pk}", MOST_AN_HOUR, 3600).allowed:
        raise TooManyRequests(retry_after=3600)
    code, now = secrets.token_urlsafe(32), timezone.now()
    row = Impersonation(
        tenant=tenant, operator_id=operator.pk, reason=reason[:LONGEST_REASON], writes=writes, created_at=now,
        expires_at=now + timedelta(minutes=minutes), code_digest=_digest(code),
    )  # fmt: skip
    with in_tenant(tenant), transaction.atomic():
        member = _member(person_id)
        row.person_id = member.user_id
        facts = {"reason": row.reason, "minutes": minutes, "writes": writes, "as": str(member.user)}
        record("operator.entered", row, actor=operator, details=made(**facts), payload={**facts, "by": str(operator)})
    with in_public(), transaction.atomic():
        for before in Impersonation.objects.select_for_update().filter(
            tenant=tenant, operator_id=operator.pk, ended_at=None, expires_at__gt=now
        ):
            _end(before, Impersonation.EndedBy.OPERATOR, now)
        row.save(force_insert=True)
        with trail.acting(operator):
            trail.note(
                "impersonation.begun", row.person_id, target=target_of(row), slug=tenant.slug,
                reason=row.reason, minutes=minutes, writes=writes,
            )  # fmt: skip
    return row, f"{links.url(tenant, ENTER)}?code={code}"


def _member(person_id: int | None) -> Membership:
    rows = Membership.objects.select_related("user", "role").filter(user__is_active=True)
    if person_id is not None:
        member = rows.filter(user_id=person_id).first()
    else:
        member = rows.filter(role__preset=OWNER).order_by("pk").first()
    if member is None:
        raise NotStaffThere(field="person")
    return member


def enter(code: str, now: datetime | None = None) -> tuple[Impersonation, str]:
    """Take the code on the present tenant's host; return the row and the secret that the browser is to keep.

    Raises HandOverRefused for any code that is not this tenant's, was used, or is older than two minutes.
    """
    now = now or timezone.now()
    token, here = secrets.token_urlsafe(32), _present_id()
    with in_public(), transaction.atomic():
        row = (
            Impersonation.objects.select_for_update(of=("self",))
            .filter(tenant_id=here, code_digest=_digest(code), entered_at=None, ended_at=None)
            .first()
        )
        if row is None or not code or now - row.created_at > CODE_LIVES:
            raise HandOverRefused
        row.entered_at, row.code_digest, row.token_digest = now, "", _digest(token)
        row.save(update_fields=["entered_at", "code_digest", "token_digest"])
        with trail.acting(_Operator(row.operator_id)):
            trail.note("impersonation.used", row.person_id, target=target_of(row))
    return row, f"{row.pk.hex}.{token}"


def running(cookie: str, tenant: Tenant, now: datetime | None = None) -> tuple[Impersonation, User, User] | None:
    """Return the visit that a browser's secret names on this tenant's host, with operator and person; None for none.

    Read anew for each request: an end, a closed account, an operator's right that was taken away and a membership that
    is gone hold from the next one on (I4).
    """
    name, _dot, token = cookie.partition(".")
    try:
        pk = UUID(hex=name)
    except ValueError:
        return None
    with in_public():
        row = Impersonation.objects.filter(pk=pk, tenant_id=tenant.pk, ended_at=None).first()
        if row is None or row.expires_at <= (now or timezone.now()) or not row.token_digest:
            return None
        if not constant_time_compare(row.token_digest, _digest(token)):
            return None
        people = User.objects.in_bulk([row.operator_id, row.person_id])
    operator, person = people.get(row.operator_id), people.get(row.person_id)
    if operator is None or not operator.is_active or not operator.is_staff or person is None or not person.is_active:
        return None
    return row, operator, person


def note_request(row: Impersonation, operator: Any, *, method: str, path: str, status: int) -> None:
    """Write down which page was looked at or changed, in the platform's trail, and count it."""
    changes = method not in ("GET", "HEAD", "OPTIONS") and status < 400
    with in_public(), transaction.atomic():
        Impersonation.objects.filter(pk=row.pk).update(
            requests=F("requests") + 1, changes=F("changes") + (1 if changes else 0)
        )
        with trail.acting(operator):
            trail.note(
                "impersonation.page", row.person_id, target=target_of(row),
                method=method, path=path[:300], status=status,
            )  # fmt: skip


def end(row: Impersonation, *, by: str, actor: Any) -> Impersonation:
    """End a visit at once; ending one that is over changes nothing. Told in both trails."""
    now = timezone.now()
    with in_public(), transaction.atomic():
        locked = Impersonation.objects.select_for_update().select_related("tenant").get(pk=row.pk)
        if not locked.running:
            return locked
        _end(locked, by, now)
    if locked.tenant.status == Tenant.Status.OPEN and not schema_state.is_behind(locked.tenant):
        with in_tenant(locked.tenant), transaction.atomic():
            details = made(by=by, requests=locked.requests, changes=locked.changes)
            record("operator.left", locked, actor=actor, details=details, deliver=False)
    return locked


def _end(row: Impersonation, by: str, now: datetime) -> None:
    row.ended_at, row.ended_by, row.code_digest, row.token_digest = now, by, "", ""
    row.save(update_fields=["ended_at", "ended_by", "code_digest", "token_digest"])
    with trail.acting(_Operator(row.operator_id)):
        trail.note("impersonation.ended", row.person_id, target=target_of(row), by=by, requests=row.requests)


# --- Reading ------------------------------------------------------------------------------------------------------


def all_visits() -> Any:
    """Return visits over all tenants, newest first, for operators."""
    return Impersonation.objects.select_related("tenant").order_by("-created_at", "-pk")


def visits_here() -> Any:
    """Return visits to the present tenant, newest first, for who looks after it."""
    return Impersonation.objects.filter(tenant_id=_present_id()).order_by("-created_at", "-pk")


def visit_here(pk: UUID) -> Impersonation:
    """Return one visit to the present tenant. Raises NotFound."""
    row = visits_here().filter(pk=pk).first()
    if row is None:
        raise NotFound
    return row  # type: ignore[no-any-return]  # the queryset is of Impersonation


def with_people(rows: Any) -> list[Impersonation]:
    """Return the rows with `operator` and `person` (None for an account that is gone); one statement more."""
    found = list(rows)
    with in_public():
        people = User.objects.in_bulk({each.operator_id for each in found} | {each.person_id for each in found})
    for each in found:
        each.operator, each.person = people.get(each.operator_id), people.get(each.person_id)
    return found


def target_of(row: Impersonation) -> str:
    return f"operators.impersonation:{row.pk}"


def _present_id() -> int:
    return int(current_tenant().pk)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


class _Operator:
    """Stands for an operator of whom only the id is needed."""

    def __init__(self, pk: int):
        self.pk = pk
