"""Opening, suspending and closing a tenant. Every step can be broken off and taken up again (N6)."""

import logging
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.timezone import now

from shared_apps.accounts import trail
from shared_apps.core.errors import FieldError, InvalidInput, WrongState
from shared_apps.core.faults import point
from tenants import rendering, schema_state
from tenants.context import entered, in_public
from tenants.database import connection
from tenants.errors import SlugTaken, TooManyRenames
from tenants.models import Domain, RetiredSlug, Tenant
from tenants.signals import tenant_provisioned
from tenants.slugs import check_slug, refuse_look_alike, skeleton, suggestions

logger = logging.getLogger(__name__)

# First key of the advisory locks that keep two openings of one slug apart; the second is a hash of the slug.
OPENING_LOCK = 7101
LONGEST_SCHEMA = 40
LONGEST_REASON = 500
# Those whose standing can change; opening and closed ones have none.
_LIVING = frozenset({Tenant.Status.OPEN, Tenant.Status.SUSPENDED, Tenant.Status.CLOSING})
_STANDING = ("status", "suspended_at", "suspensions", "closes_at", "closed_at")
# A name that is given up is kept from everybody else; so nobody gives up many.
MOST_RENAMES, RENAMES_WITHIN = 3, timedelta(days=30)


def open_tenant(
    *,
    name: str,
    slug: str,
    owner: Any,
    kind: str = Tenant.Kind.ORGANIZER,
    currency: str = "EUR",
    timezone: str = "UTC",
    language: str = "en",
    colour: str = "#4f46e5",
    tagline: str = "",
    preferences: Mapping[str, Any] | None = None,
) -> Tenant:
    """Make a tenant that serves at once: its row, its schema with all tables and first rows, its host.

    `preferences` are what its row begins with, for those who write the first rows to go by.

    Broken off at any point it leaves nothing or a row `opening`; called again with the same slug and owner, or by
    `finish_opening`, it ends complete. Raises SlugInvalid, SlugReserved, SlugTaken, SlugLooksAlike (with suggestions),
    InvalidInput.
    """
    check_slug(slug)
    with in_public(), _only_opening_of(slug):
        tenant = Tenant.objects.filter(slug=slug).first()
        if tenant is None:
            if Domain.objects.filter(domain=_host(slug)).exists():
                raise SlugTaken(suggestions=suggestions(slug))
            refuse_look_alike(slug, owner_id=owner.pk if owner else None)
            tenant = _make_row(
                name=name, slug=slug, owner=owner, kind=kind, currency=currency, timezone=timezone,
                language=language, colour=colour, tagline=tagline, preferences=dict(preferences or {}),
            )  # fmt: skip
            point("opening.row")
        elif tenant.status != Tenant.Status.OPENING or tenant.owner_id != owner.pk:
            raise SlugTaken(suggestions=suggestions(slug))
        try:
            return _finish(tenant)
        except Exception:
            _undo(tenant)
            raise


def finish_opening(tenant: Tenant) -> Tenant:
    """Take up an opening that was broken off. A tenant that is open already stays as it is."""
    with in_public(), _only_opening_of(tenant.slug):
        tenant = Tenant.objects.get(pk=tenant.pk)
        return _finish(tenant) if tenant.status == Tenant.Status.OPENING else tenant


def suspend(tenant: Tenant, *, cause: str = Tenant.Cause.OPERATOR, reason: str = "") -> Tenant:
    """Refuse everything but billing and export from the next request on, in every process.

    A cause that stands already stays as it was set. Raises WrongState for a tenant that is opening or closed.
    """
    with _locked(tenant, _LIVING) as locked:
        if cause not in locked.suspensions:
            moment = now()
            set_now = {"at": moment.isoformat(), "reason": reason[:LONGEST_REASON]}
            locked.suspensions = {**locked.suspensions, Tenant.Cause(cause).value: set_now}
            _put(
                locked, "tenant.suspended", by_owner=cause == Tenant.Cause.OWNER, cause=str(cause),
                reason=reason[:LONGEST_REASON], status=_standing(locked), suspended_at=locked.suspended_at or moment,
            )  # fmt: skip
    return tenant


def resume(tenant: Tenant, *, cause: str = Tenant.Cause.OPERATOR) -> Tenant:
    """Lift what this cause set. The tenant serves again with the next request when no cause is left."""
    with _locked(tenant, _LIVING) as locked:
        if cause in locked.suspensions:
            locked.suspensions = {name: each for name, each in locked.suspensions.items() if name != cause}
            _put(
                locked, "tenant.resumed", by_owner=cause == Tenant.Cause.OWNER, cause=str(cause),
                status=_standing(locked), suspended_at=locked.suspended_at if locked.suspensions else None,
            )  # fmt: skip
    return tenant


def begin_closing(tenant: Tenant, *, reason: str = "", days: int | None = None) -> Tenant:
    """Stop serving now and close for good after the days of grace (`settings.TENANT_CLOSING_DAYS`).

    Until then nothing is lost: `stay_open` takes it back. Beginning twice keeps the first date.
    """
    with _locked(tenant, _LIVING) as locked:
        if locked.status != Tenant.Status.CLOSING:
            grace = settings.TENANT_CLOSING_DAYS if days is None else days
            _put(
                locked, "tenant.closing", by_owner=True, reason=reason[:LONGEST_REASON],
                status=Tenant.Status.CLOSING, closes_at=now() + timedelta(days=grace),
            )  # fmt: skip
    return tenant


def stay_open(tenant: Tenant) -> Tenant:
    """Take a closing back, while its grace lasts: open again, or suspended if a cause stands."""
    with _locked(tenant, _LIVING) as locked:
        if locked.status == Tenant.Status.CLOSING:
            locked.closes_at, locked.status = None, Tenant.Status.OPEN
            _put(locked, "tenant.kept", by_owner=True, before="closing", status=_standing(locked), closes_at=None)
    return tenant


def close(tenant: Tenant) -> Tenant:
    """Close for good: the hosts lead nowhere, the slug goes to nobody else (N5). The schema stays until erased."""
    with _locked(tenant, {*_LIVING, Tenant.Status.OPENING, Tenant.Status.CLOSED}) as locked:
        if locked.status != Tenant.Status.CLOSED:
            RetiredSlug.objects.get_or_create(slug=locked.slug, defaults={"tenant_id": locked.pk})
            _put(locked, "tenant.closed", status=Tenant.Status.CLOSED, closed_at=now())
    return tenant


def rename(tenant: Tenant, slug: str, *, actor: Any = None, now: datetime | None = None) -> Tenant:
    """Give the tenant another slug. The one before stays its own: nobody else gets it, and its host leads on (N5).

    One transaction: broken off, nothing has happened (N6). The schema keeps its name. Raises SlugInvalid, SlugReserved,
    SlugTaken, SlugLooksAlike (with suggestions), TooManyRenames, WrongState.
    """
    check_slug(slug, of=tenant)
    at = now or timezone.now()
    with in_public(), _only_opening_of(slug), transaction.atomic():
        locked = Tenant.objects.select_for_update(of=("self",)).get(pk=tenant.pk)
        if locked.slug != slug:
            _refuse_rename(locked, slug, at)
            _rename(locked, slug, actor, at)
    for name in ("slug", "status"):
        setattr(tenant, name, getattr(locked, name))
    tenant.__dict__.pop("primary_host", None)
    return tenant


def _refuse_rename(tenant: Tenant, slug: str, at: datetime) -> None:
    if tenant.status != Tenant.Status.OPEN:
        raise WrongState(now=tenant.get_status_display())
    if Tenant.objects.filter(slug=slug).exists():
        raise SlugTaken(suggestions=suggestions(slug))
    if Domain.objects.filter(domain=_host(slug)).exclude(tenant=tenant).exists():
        raise SlugTaken(suggestions=suggestions(slug))
    refuse_look_alike(slug, owner_id=tenant.owner_id)
    given_up = RetiredSlug.objects.filter(tenant=tenant, retired_at__gt=at - RENAMES_WITHIN).count()
    if given_up >= MOST_RENAMES:
        raise TooManyRenames(most=MOST_RENAMES)


def _rename(tenant: Tenant, slug: str, actor: Any, at: datetime) -> None:
    before = tenant.slug
    RetiredSlug.objects.update_or_create(slug=before, defaults={"tenant": tenant, "retired_at": at})
    tenant.slug = slug
    tenant.save(update_fields=["slug"])
    old = Domain.objects.filter(tenant=tenant, domain=_host(before)).first()
    # The old host's row stays: pages there lead on, and programs that know no other go on working.
    row, _made = Domain.objects.get_or_create(
        domain=_host(slug), defaults={"tenant": tenant, "is_primary": False, "verified_at": at}
    )
    if old is None or old.is_primary:
        Domain.objects.filter(tenant=tenant, is_primary=True).update(is_primary=False)
        row.is_primary = True
        row.save()
    by = getattr(actor, "pk", None)
    trail.note(
        "tenant.renamed",
        tenant.owner_id,
        target=f"tenants.tenant:{tenant.pk}",
        by_owner=by is not None and by == tenant.owner_id,
        actor=by,
        slug=slug,
        before={"slug": before},
        after={"slug": slug},
    )
    logger.info("tenant %s has another slug", tenant.schema_name)


def _host(slug: str) -> str:
    return f"{slug}.{settings.PLATFORM_DOMAIN}"


@contextmanager
def _only_opening_of(slug: str) -> Iterator[None]:
    """Hold the slug, and those that look like it, against other openings. The lock ends with the connection at the
    latest: no crash keeps it."""
    # Inside a caller's transaction it ends with that, since after an error nothing could be sent to end it.
    with_transaction = connection.in_atomic_block
    function = "pg_try_advisory_xact_lock" if with_transaction else "pg_try_advisory_lock"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(%s, hashtext(%s))", [OPENING_LOCK, skeleton(slug)])
        if not cursor.fetchone()[0]:
            raise SlugTaken(suggestions=suggestions(slug))
    try:
        yield
    finally:
        if not with_transaction and connection.connection is not None and connection.is_usable():
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s, hashtext(%s))", [OPENING_LOCK, skeleton(slug)])


def _make_row(*, slug: str, owner: Any, **fields: Any) -> Tenant:
    tenant = Tenant(slug=slug, schema_name=_free_schema_name(slug), owner=owner, **fields)
    try:
        tenant.full_clean(validate_unique=False, validate_constraints=False, exclude=["owner"])
    except ValidationError as error:
        raise InvalidInput(
            errors=[
                FieldError(field, fault.code or "invalid", message)
                for field, faults in error.error_dict.items()
                for fault in faults
                for message in fault.messages
            ]
        ) from None
    try:
        with transaction.atomic():
            tenant.save()
    except IntegrityError:
        raise SlugTaken(suggestions=suggestions(slug)) from None
    return tenant


def _free_schema_name(slug: str) -> str:
    """Return `t_<slug>` in schema letters, with a number behind it where that name was ever used (N5)."""
    stem = "t_" + slug.replace("-", "_")
    with connection.cursor() as cursor:
        for number in range(1, 1000):
            ending = "" if number == 1 else f"_{number}"
            name = stem[: LONGEST_SCHEMA - len(ending)].rstrip("_") + ending
            cursor.execute(
                "SELECT to_regnamespace(quote_ident(%s)) IS NULL"
                " AND NOT EXISTS (SELECT 1 FROM tenants_tenant WHERE schema_name = %s)",
                [name, name],
            )
            if cursor.fetchone()[0]:
                return name
    raise SlugTaken(suggestions=suggestions(slug))


def _finish(tenant: Tenant) -> Tenant:
    """Schema, first rows, host, open. What an earlier try has committed is found and kept."""
    if not _schema_exists(tenant.schema_name):
        # Before the transaction: where nobody has rendered it yet that takes longer than a transaction may idle (P5).
        rendering.template()
        # One transaction: a schema that exists is a filled one. Public rows are written after it (citus.md, rule 3).
        with transaction.atomic():
            rendering.make_schema(tenant.schema_name)
            with entered(tenant):
                tenant_provisioned.send(sender=Tenant, tenant=tenant, owner=tenant.owner)
            point("opening.filled")
        point("opening.schema")
    with transaction.atomic():
        Domain.objects.get_or_create(
            domain=_host(tenant.slug),
            defaults={"tenant": tenant, "is_primary": True, "verified_at": now()},
        )
        tenant.status = Tenant.Status.OPEN
        tenant.migrations_applied = schema_state.current_graph().migrations
        tenant.save(update_fields=["status", "migrations_applied"])
        trail.note("tenant.opened", tenant.owner_id, target=f"tenants.tenant:{tenant.pk}", slug=tenant.slug)
        point("opening.written")
    point("opening.open")
    logger.info("tenant %s opened", tenant.schema_name)
    return tenant


def _undo(tenant: Tenant) -> None:
    """After an error that we can still act on, leave nothing; after a lost connection the row waits as `opening`."""
    try:
        if connection.needs_rollback or _schema_exists(tenant.schema_name):
            return
        Tenant.objects.filter(pk=tenant.pk, status=Tenant.Status.OPENING).delete()
    except Exception:
        logger.exception("tenant %s is left opening", tenant.schema_name)


def _schema_exists(schema_name: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regnamespace(quote_ident(%s)) IS NOT NULL", [schema_name])
        return bool(cursor.fetchone()[0])


@contextmanager
def _locked(tenant: Tenant, sources: Collection[Any]) -> Iterator[Tenant]:
    """The row, locked against other changes of its standing; afterwards `tenant` tells what the row does."""
    point("standing.asked")
    with in_public(), transaction.atomic():
        locked = Tenant.objects.select_for_update(of=("self",)).get(pk=tenant.pk)
        if locked.status not in sources:
            raise WrongState(now=locked.get_status_display())
        yield locked
        point("standing.written")
    for name in _STANDING:
        setattr(tenant, name, getattr(locked, name))
    point("standing.committed")


def _standing(tenant: Tenant) -> str:
    """What a tenant is by its causes. Who is closing stays so, whatever else comes or goes."""
    if tenant.status == Tenant.Status.CLOSING:
        return Tenant.Status.CLOSING
    return Tenant.Status.SUSPENDED if tenant.suspensions else Tenant.Status.OPEN


def _put(
    locked: Tenant,
    topic: str,
    *,
    by_owner: bool = False,
    before: str = "",
    cause: str = "",
    reason: str = "",
    **changes: Any,
) -> None:
    """Write the changes and the line in the platform's trail that tells of them, in the caller's transaction."""
    before = before or str(locked.status)
    for name, value in changes.items():
        setattr(locked, name, value)
    locked.save(update_fields=list(_STANDING))
    because: dict[str, Any] = {name: value for name, value in (("cause", cause), ("reason", reason)) if value}
    trail.note(
        topic,
        locked.owner_id,
        target=f"tenants.tenant:{locked.pk}",
        by_owner=by_owner,
        slug=locked.slug,
        before={"status": before},
        after={"status": str(locked.status)},
        **because,
    )
    logger.info("tenant %s: %s", locked.schema_name, topic)
