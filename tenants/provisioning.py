"""Opening, suspending and closing a tenant. Every step can be broken off and taken up again (N6)."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.timezone import now

from shared_apps.accounts import trail
from shared_apps.core.errors import FieldError, InvalidInput, WrongState
from tenants import rendering, schema_state
from tenants.context import entered, in_public
from tenants.database import connection
from tenants.errors import SlugTaken
from tenants.models import Domain, RetiredSlug, Tenant
from tenants.signals import tenant_provisioned
from tenants.slugs import check_slug, refuse_look_alike, skeleton, suggestions

logger = logging.getLogger(__name__)

# First key of the advisory locks that keep two openings of one slug apart; the second is a hash of the slug.
OPENING_LOCK = 7101
LONGEST_SCHEMA = 40
_MOVES: dict[str, str] = {
    Tenant.Status.OPEN: "tenant.resumed",
    Tenant.Status.SUSPENDED: "tenant.suspended",
    Tenant.Status.CLOSED: "tenant.closed",
}


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


def suspend(tenant: Tenant) -> Tenant:
    """Refuse everything but billing and export from the next request on, in every process."""
    return _move(tenant, Tenant.Status.SUSPENDED, {Tenant.Status.OPEN}, suspended_at=now())


def resume(tenant: Tenant) -> Tenant:
    """End a suspension."""
    return _move(tenant, Tenant.Status.OPEN, {Tenant.Status.SUSPENDED}, suspended_at=None)


def close(tenant: Tenant) -> Tenant:
    """Close for good: the hosts lead nowhere, the slug goes to nobody else (N5). The schema stays until erased."""
    with in_public(), transaction.atomic():
        RetiredSlug.objects.get_or_create(slug=tenant.slug, defaults={"tenant_id": tenant.pk})
        return _move(tenant, Tenant.Status.CLOSED, {Tenant.Status.OPEN, Tenant.Status.SUSPENDED, Tenant.Status.OPENING})


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
    with transaction.atomic():
        Domain.objects.get_or_create(
            domain=_host(tenant.slug),
            defaults={"tenant": tenant, "is_primary": True, "verified_at": now()},
        )
        tenant.status = Tenant.Status.OPEN
        tenant.migrations_applied = schema_state.current_graph().migrations
        tenant.save(update_fields=["status", "migrations_applied"])
        trail.note("tenant.opened", tenant.owner_id, target=f"tenants.tenant:{tenant.pk}", slug=tenant.slug)
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


def _move(tenant: Tenant, status: str, sources: set[Any], **changes: Any) -> Tenant:
    with in_public(), transaction.atomic():
        locked = Tenant.objects.select_for_update(of=("self",)).get(pk=tenant.pk)
        if locked.status != status:
            if locked.status not in sources:
                raise WrongState(now=locked.get_status_display())
            before = locked.status
            for name, value in {"status": status, **changes}.items():
                setattr(locked, name, value)
            locked.save(update_fields=["status", *changes])
            trail.note(
                _MOVES[status],
                locked.owner_id,
                target=f"tenants.tenant:{locked.pk}",
                by_owner=False,
                slug=locked.slug,
                before={"status": before},
                after={"status": str(status)},
            )
            logger.info("tenant %s is %s", tenant.schema_name, status)
    for name in ("status", "suspended_at"):
        setattr(tenant, name, getattr(locked, name))
    return tenant
