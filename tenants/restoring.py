"""A tenant's archive put back: beside a live one, or after it was closed, lost or erased (P2, N6).

Everything is read and checked first. A second schema is filled beside whatever is there; one transaction exchanges the
two. A tenant that serves goes on serving, the moment of the exchange excepted. One that is closed or gone has a row
`closed` until all is back, and opens last. Killed at any point, the tenant is as it was, or closed, and the same call
once more ends the work.
"""

# ruff: noqa: S608  (identifiers come from our own catalogs and are quoted)

import hashlib
import json
import logging
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg2
from django.conf import settings
from django.core.cache import caches
from django.core.files.base import File
from django.core.files.storage import default_storage
from django.db import transaction
from django.utils.timezone import now

from shared_apps.accounts import trail
from shared_apps.core.faults import point
from tenants import catalog, freshness, lookup, migrating, references, rendering, schema_state
from tenants.backup import (
    SETTINGS,
    BackupError,
    Beat,
    checked_manifest,
    listed,
    media_of,
    no_beat,
    opened,
    quoted,
    rows_of,
)
from tenants.context import in_public, in_tenant
from tenants.database import connection
from tenants.models import Domain, DomainClaim, DueJob, RetiredSlug, Tenant

logger = logging.getLogger(__name__)

# First key of the advisory locks that keep two restores of one tenant apart; the second is a hash of the schema.
RESTORING_LOCK = 7120
# Longest wait for a running request to let go of the tables that are exchanged.
SWAP_LOCK_TIMEOUT = "10s"


@dataclass
class Restored:
    """What was brought back, and from when it is."""

    tenant: Tenant
    manifest: dict[str, Any]
    taken_at: datetime
    rows: int
    # Those who had to be made anew, since nobody here was them.
    people_made: int = 0
    files: int = 0
    reopened: bool = False
    # What whoever asked for it should know or do.
    notes: list[str] = field(default_factory=list)

    def people(self) -> Iterator[dict[str, Any]]:
        """The accounts that the archive names, with their numbers of today."""
        yield from self._people

    _people: list[dict[str, Any]] = field(default_factory=list)


# What other apps put right in the tenant, and in public, once its rows are those of then. Each may be done twice.
Afterwards = Callable[[Restored], Iterable[str]]
_afterwards: list[tuple[int, str, Afterwards]] = []


def afterwards(name: str, function: Afterwards, *, order: int = 50) -> None:
    """Have a function called in the tenant after every restore; what it returns is told to whoever asked for it. From
    `ready()` of the app that knows. Lower ones come first."""
    if name not in {known for _order, known, _function in _afterwards}:
        _afterwards.append((order, name, function))
        _afterwards.sort(key=lambda each: each[:2])


def restore(source: Path, *, slug: str, beat: Beat = no_beat) -> Restored:
    """Put the archive's data in place of the tenant's, all or nothing.

    `slug` names whose it has to be: the tenant's address today, or that of then for one that is gone. Raises
    BackupError for a damaged archive, another tenant's, or one of another migration state.
    """
    with opened(source) as archive:
        manifest = checked_manifest(archive, source, beat=beat)
        kept = manifest["tenant"]
        _refuse_other_migrations(manifest, source)
        with in_public(), rendering.own_connection(), _alone(kept["schema_name"]):
            tenant = _whose(kept, slug, source)
            serves = tenant is not None and _serves(tenant)
            tenant = tenant or _row(kept)
            point("restore.begun")
            people = _people(archive)
            found = references.find_people(people)
            restored = Restored(
                tenant, manifest, datetime.fromisoformat(manifest["taken_at"]), rows_of(manifest), found.made
            )
            restored._people = [each | {"id": found.of(each["id"])} for each in people]
            before = set(media_of(tenant.schema_name))
            _bring_media(tenant.schema_name, archive, manifest, beat)
            restored.files = len(manifest["media"])
            fresh, old = f"restoring_{tenant.schema_name}", f"replaced_{tenant.schema_name}"
            rendering.drop(fresh)
            rendering.make_schema(fresh)
            try:
                _fill(fresh, archive, manifest, found, source, beat)
                point("restore.filled")
                _exchange(tenant, fresh, old)
            finally:
                rendering.drop(fresh)
            point("restore.exchanged")
            _put_settings_back(tenant, kept)
            _forget_what_was_kept(tenant)
            for path in before - manifest["media"].keys():
                default_storage.delete(f"{tenant.schema_name}/{path}")
            _do_afterwards(restored, beat)
            if not serves:
                _reopen(restored, found.of(kept["owner"]))
            trail.note(
                "tenant.restored", tenant.owner_id, target=f"tenants.tenant:{tenant.pk}", by_owner=False,
                slug=tenant.slug, taken_at=manifest["taken_at"], rows=restored.rows,
            )  # fmt: skip
            point("restore.done")
            logger.info("tenant %s restored: %d rows of %s", tenant.schema_name, restored.rows, manifest["taken_at"])
    return restored


# --- Whose it is -----------------------------------------------------------------------------------------------------


@contextmanager
def _alone(schema_name: str) -> Iterator[None]:
    """Keep other restores of this tenant out. The lock ends with the connection at the latest: no crash keeps it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, hashtext(%s))", [RESTORING_LOCK, schema_name])
        if not cursor.fetchone()[0]:
            raise BackupError("Another restore of this tenant is under way.")
    yield


def _whose(kept: dict[str, Any], slug: str, source: Path) -> Tenant | None:
    """Return the tenant that the archive is of, None if it is gone altogether. Raises BackupError for another's.

    The schema's name says whose it is: it never changes, and what is sealed in the rows can be read under it only.
    """
    tenant = Tenant.objects.filter(schema_name=kept["schema_name"]).first()
    if slug not in {kept["slug"], tenant.slug if tenant else kept["slug"]}:
        raise BackupError(f"{source} is a backup of {kept['slug']}, not of {slug}.")
    if tenant is None:
        if Tenant.objects.filter(slug=kept["slug"]).exists():
            raise BackupError(f"The address {kept['slug']} is another tenant's by now.")
        return None
    if tenant.created_at.isoformat() != kept["created_at"]:
        raise BackupError(f"The schema {kept['schema_name']} is another tenant's by now.")
    if tenant.slug != slug and Tenant.objects.filter(slug=slug).exists():
        raise BackupError(f"The address {slug} is another tenant's by now.")
    if tenant.status == Tenant.Status.OPENING:
        raise BackupError(f"{tenant.slug} is being opened. Try again when that is done.")
    return tenant


def _serves(tenant: Tenant) -> bool:
    """Whether the tenant is there for people, or would be but for a suspension: its standing then stays as it is."""
    return tenant.status != Tenant.Status.CLOSED


def _row(kept: dict[str, Any]) -> Tenant:
    """Make the row of a tenant that is gone: closed until all is back, under its number of then if nobody can have got
    it since."""
    tenant = Tenant(
        schema_name=kept["schema_name"],
        slug=kept["slug"],
        status=Tenant.Status.CLOSED,
        created_at=datetime.fromisoformat(kept["created_at"]),
        **{name: kept[name] for name in SETTINGS},
    )
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT last_value FROM pg_sequences WHERE sequencename = 'tenants_tenant_id_seq'")
        (given,) = cursor.fetchone() or (None,)
        if kept["id"] <= (given or 0) and not Tenant.objects.filter(pk=kept["id"]).exists():
            tenant.pk = kept["id"]
        tenant.save(force_insert=True)
    return tenant


def _people(archive: zipfile.ZipFile) -> list[dict[str, Any]]:
    people = []
    with archive.open("people.jsonl") as member:
        for line in member:
            person = json.loads(line)
            for name in ("date_joined", "email_verified_at"):
                person[name] = datetime.fromisoformat(person[name]) if person[name] else None
            people.append(person)
    return people


def _refuse_other_migrations(manifest: dict[str, Any], source: Path) -> None:
    known = {".".join(name) for name in schema_state.current_graph().names}
    kept = set(manifest["migrations"])
    if missing := sorted(known - kept):
        raise BackupError(
            f"{source} was made before {missing[0]}; restore it with the version that made it, then migrate."
        )
    if unknown := sorted(kept - known):
        raise BackupError(f"{source} was made by a newer version: {unknown[0]} is unknown here.")


# --- Rows and files --------------------------------------------------------------------------------------------------


def _bring_media(schema_name: str, archive: zipfile.ZipFile, manifest: dict[str, Any], beat: Beat) -> None:
    """Write the files that are missing or different. Names are never used twice, so nothing that serves changes."""
    for path, kept in manifest["media"].items():
        beat()
        name = f"{schema_name}/{path}"
        if default_storage.exists(name):
            if _digest(name) == kept["sha256"]:
                continue
            default_storage.delete(name)
        with archive.open(f"media/{path}") as member:
            default_storage.save(name, File(member))


def _digest(name: str) -> str:
    with default_storage.open(name) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _fill(
    fresh: str,
    archive: zipfile.ZipFile,
    manifest: dict[str, Any],
    found: references.Found,
    source: Path,
    beat: Beat,
) -> None:
    tables = catalog.read(fresh)
    if set(tables) != set(manifest["tables"]):
        odd = sorted(set(tables) ^ set(manifest["tables"]))
        raise BackupError(f"{source} has other tables than this version: {odd[0]}.")
    own = migrating.connector()()
    try:
        with own.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = 0")
            cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
            cursor.execute("SELECT set_config('search_path', quote_ident(%s), true)", [fresh])
            # What the template put there comes with the archive too.
            for table in reversed(catalog.targets_first(tables)):
                cursor.execute(f"DELETE FROM {quoted(table.name)}")
            for table in catalog.targets_first(tables):
                _copy_in(cursor, table, archive, manifest["tables"][table.name], beat)
            references.renumber(cursor, references.columns_of_people(), tables, found.moved)
            permissions = references.find_permissions(manifest["permissions"])
            references.renumber(cursor, references.columns_of_permissions(), tables, permissions)
            beat()
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            # A planner that knows nothing of a million rows would make the first requests slow.
            for name in tables:
                beat()
                cursor.execute(f"ANALYZE {quoted(name)}")
        own.commit()
    except psycopg2.Error as error:
        raise BackupError(f"{source} does not fit: {' '.join(str(error).split())}") from None
    finally:
        own.close()


def _copy_in(cursor: Any, table: catalog.Table, archive: zipfile.ZipFile, kept: dict[str, Any], beat: Beat) -> None:
    columns = [column.name for column in table.columns if not column.generated]
    if sorted(columns) != sorted(kept["columns"]):
        raise BackupError(f"The columns of {table.name} are others in the archive.")
    beat()
    with archive.open(f"{table.name}.copy") as member:
        cursor.copy_expert(f"COPY {quoted(table.name)} ({listed(kept['columns'])}) FROM STDIN", member, size=1 << 18)
    if cursor.rowcount != kept["rows"]:
        raise BackupError(f"{table.name} got {cursor.rowcount} rows instead of {kept['rows']}.")
    for name, (last, called) in kept["sequences"].items():
        cursor.execute("SELECT setval(quote_ident(%s)::regclass, %s, %s)", [name, last, called])


def _exchange(tenant: Tenant, fresh: str, old: str) -> None:
    rendering.drop(old)
    own = migrating.connector()()
    try:
        with own.cursor() as cursor:
            cursor.execute(f"SET LOCAL lock_timeout = '{SWAP_LOCK_TIMEOUT}'")
            cursor.execute("SET LOCAL statement_timeout = 0")
            cursor.execute("SELECT to_regnamespace(quote_ident(%s)) IS NOT NULL", [tenant.schema_name])
            if cursor.fetchone()[0]:
                cursor.execute(f"ALTER SCHEMA {quoted(tenant.schema_name)} RENAME TO {quoted(old)}")
                # In the same transaction: who still works on the old tables ends before, or we give up unchanged.
                cursor.execute(f"DROP SCHEMA {quoted(old)} CASCADE")
            cursor.execute(f"ALTER SCHEMA {quoted(fresh)} RENAME TO {quoted(tenant.schema_name)}")
            point("restore.exchanging")
        own.commit()
    except psycopg2.Error as error:
        raise BackupError(f"{tenant.slug} is as it was: {' '.join(str(error).split())}") from None
    finally:
        own.close()


# --- What follows ----------------------------------------------------------------------------------------------------


def _put_settings_back(tenant: Tenant, kept: dict[str, Any]) -> None:
    changes = {name: kept[name] for name in SETTINGS}
    changes["migrations_applied"] = schema_state.current_graph().migrations
    for name, value in changes.items():
        setattr(tenant, name, value)
    Tenant.objects.filter(pk=tenant.pk).update(**changes)


def _forget_what_was_kept(tenant: Tenant) -> None:
    """Nothing that was reckoned from the rows of before is served or believed any longer."""
    store: Any = getattr(caches["default"], "_cache", None)
    if hasattr(store, "get_client"):
        client = store.get_client(None, write=True)
        for key in client.scan_iter(match=f"{tenant.schema_name}:*", count=1000):
            client.delete(key)
    with in_tenant(tenant):
        freshness.changed(connection, (freshness.CONTENT, freshness.STOCK))
    DueJob.objects.filter(tenant=tenant).update(due_at=now(), tries=0)
    lookup.forget()


def _do_afterwards(restored: Restored, beat: Beat) -> None:
    for _order, name, function in _afterwards:
        beat()
        try:
            with in_tenant(restored.tenant):
                restored.notes += list(function(restored))
        except Exception as error:
            logger.exception("restore_not_put_right", extra={"schema": restored.tenant.schema_name, "step": name})
            raise BackupError(
                f"The rows of {restored.tenant.slug} are back, but {name} failed: {type(error).__name__}."
                " Mend the cause and restore once more."
            ) from None


def _reopen(restored: Restored, owner: int | None) -> None:
    """Give a tenant that was closed its hosts back and open it. Own domains have to be proved anew (N5)."""
    tenant, kept = restored.tenant, restored.manifest["tenant"]
    subdomains = f".{settings.PLATFORM_DOMAIN}"
    with transaction.atomic():
        tenant.refresh_from_db()
        RetiredSlug.objects.filter(slug=tenant.slug).delete()
        for slug in {*kept["former_slugs"], kept["slug"]} - {tenant.slug}:
            RetiredSlug.objects.update_or_create(slug=slug, defaults={"tenant_id": tenant.pk})
        first = f"{tenant.slug}{subdomains}"
        for host in dict.fromkeys([first, *kept["hosts"]]):
            if not host.endswith(subdomains):
                DomainClaim.objects.get_or_create(tenant=tenant, domain=host)
                restored.notes.append(f"The domain {host} has to be proved again before it leads here.")
                continue
            row, _new = Domain.objects.get_or_create(
                domain=host, defaults={"tenant": tenant, "is_primary": False, "verified_at": now()}
            )
            if row.tenant_id != tenant.pk:
                restored.notes.append(f"The host {host} is another tenant's by now.")
        if not Domain.objects.filter(tenant=tenant, is_primary=True).exists():
            Domain.objects.filter(tenant=tenant, domain=first).update(is_primary=True)
        tenant.owner_id = tenant.owner_id or owner
        tenant.status = Tenant.Status.OPEN
        for name, empty in _STANDING.items():
            if hasattr(tenant, name):
                setattr(tenant, name, empty() if callable(empty) else empty)
        tenant.save()
    restored.reopened = True


# What says why and since when a tenant did not serve.
_STANDING: dict[str, Any] = {
    "suspended_at": None, "suspensions": dict, "closes_at": None, "closed_at": None, "erased_at": None,
}  # fmt: skip
