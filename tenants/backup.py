"""One tenant as one file (P2): every table by COPY from one snapshot, its media, and who and what its rows point at.

The archive is a zip of

- `<table>.copy`, Postgres' text format, for each table of the schema;
- `media/…`, the files below the tenant's folder;
- `people.jsonl`, the accounts that its rows name, one JSON object a line, without passwords;
- `manifest.json`: the tenant's own row, hosts and former addresses; when; which migrations; for each of the above its
  size and SHA-256.

`tenants.restoring` brings it back. What is sealed with SECRET_KEY stays sealed.
"""

# ruff: noqa: S608  (identifiers come from our own catalogs and are quoted)

import hashlib
import io
import json
import os
import re
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg2
from django.conf import settings
from django.core.files.storage import default_storage
from django.utils.timezone import now

from tenants import catalog, migrating, references
from tenants.context import in_public
from tenants.database import connection
from tenants.migration_plans import applied_in
from tenants.models import Domain, RetiredSlug, Tenant

FORMAT = 2
PIECE = 1 << 20
# What is put back where the tenant's row is there still: its own settings. Address, owner and standing are today's.
SETTINGS = ("name", "kind", "currency", "timezone", "language", "colour", "tagline", "logo", "preferences")
_PATH = re.compile(r"[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*")

Beat = Callable[[], None]


class BackupError(Exception):
    """One line: what is wrong with the archive or the tenant. Nothing was changed, unless it says otherwise."""


def no_beat() -> None:
    """Nobody is told that it goes on."""


def back_up(tenant: Tenant, target: Path, *, beat: Beat = no_beat) -> dict[str, Any]:
    """Write the tenant's archive and return its manifest. The file appears whole or not at all.

    `beat` is called now and then, so that who watches knows that it goes on. Raises BackupError.
    """
    unfinished = target.with_name(f".{target.name}.unfinished")
    try:
        # The quickest level: a third larger than the best, in a quarter of the time.
        with zipfile.ZipFile(unfinished, "w", zipfile.ZIP_DEFLATED, allowZip64=True, compresslevel=1) as archive:
            manifest = _write(tenant, archive, beat)
        with unfinished.open("rb+") as written:
            os.fsync(written.fileno())
        unfinished.replace(target)
        _sync_folder(target.parent)
    except OSError as error:
        raise BackupError(f"Cannot write {target}: {error.strerror}.") from None
    finally:
        unfinished.unlink(missing_ok=True)
    return manifest


def default_path(tenant: Tenant) -> Path:
    """Return where `tenant_backup` writes to unless told otherwise."""
    return settings.BACKUP_ROOT / f"{tenant.slug}-{now():%Y%m%d-%H%M%S}.zip"


def rows_of(manifest: dict[str, Any]) -> int:
    return sum(table["rows"] for table in manifest["tables"].values())


# --- Writing ---------------------------------------------------------------------------------------------------------


def _write(tenant: Tenant, archive: zipfile.ZipFile, beat: Beat) -> dict[str, Any]:
    with in_public():
        applied = applied_in([tenant.schema_name])[tenant.schema_name]
        if applied is None:
            raise BackupError(f"The schema of {tenant.slug} is missing.")
        tables = catalog.read(tenant.schema_name)
        row = _row(tenant)
    # Files stand before their row and go after it: what is copied before the snapshot and what came until after it
    # are all that the snapshot's rows name.
    media: dict[str, dict[str, Any]] = {}
    _copy_media(tenant.schema_name, archive, media, beat)
    own = migrating.connector()()
    try:
        own.set_session(isolation_level="REPEATABLE READ", readonly=True)
        with own.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = 0")
            cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
            cursor.execute("SELECT set_config('search_path', quote_ident(%s), true)", [tenant.schema_name])
            kept = {name: _copy_out(cursor, table, archive, beat) for name, table in sorted(tables.items())}
            people = _copy_people(own, tables, row["owner"], archive, beat)
            permissions = references.permissions_in(cursor, tables)
            cursor.execute("SELECT txid_current_snapshot()::text, current_setting('server_version'), now()")
            snapshot, server, taken_at = cursor.fetchone()
    except psycopg2.Error as error:
        raise BackupError(f"Cannot read {tenant.slug}: {' '.join(str(error).split())}") from None
    finally:
        own.close()
    _copy_media(tenant.schema_name, archive, media, beat)
    manifest = {
        "format": FORMAT,
        "tenant": row,
        "taken_at": taken_at.isoformat(),
        "snapshot": snapshot,
        "server": server,
        "migrations": sorted(".".join(name) for name in applied),
        "tables": kept,
        "people": people,
        "permissions": permissions,
        "media": media,
    }
    archive.writestr("manifest.json", json.dumps(manifest, indent=1))
    return manifest


def _row(tenant: Tenant) -> dict[str, Any]:
    """What stands of the tenant in public, as it is now: who passed the row may have had it for a while."""
    fresh = Tenant.objects.get(pk=tenant.pk)
    hosts = Domain.objects.filter(tenant=fresh).order_by("-is_primary", "domain")
    return {
        "id": fresh.pk,
        "schema_name": fresh.schema_name,
        "slug": fresh.slug,
        **{name: getattr(fresh, name) for name in SETTINGS},
        "owner": fresh.owner_id,
        "created_at": fresh.created_at.isoformat(),
        "hosts": list(hosts.values_list("domain", flat=True)),
        "former_slugs": sorted(RetiredSlug.objects.filter(tenant=fresh).values_list("slug", flat=True)),
    }


def _copy_out(cursor: Any, table: catalog.Table, archive: zipfile.ZipFile, beat: Beat) -> dict[str, Any]:
    columns = [column.name for column in table.columns if not column.generated]
    with archive.open(f"{table.name}.copy", "w", force_zip64=True) as member:
        sink = Hashing(member, beat)
        cursor.copy_expert(f"COPY {quoted(table.name)} ({listed(columns)}) TO STDOUT", sink)
    sequences = {}
    for column in table.columns:
        if column.identity:
            name = catalog.sequence_name(table.name, column)
            cursor.execute(f"SELECT last_value, is_called FROM {quoted(name)}")
            sequences[name] = list(cursor.fetchone())
    return {"columns": columns, "rows": sink.lines, "sha256": sink.hash.hexdigest(), "sequences": sequences}


def _copy_people(
    own: Any, tables: dict[str, catalog.Table], owner: int | None, archive: zipfile.ZipFile, beat: Beat
) -> dict[str, Any]:
    with own.cursor("people") as cursor, archive.open("people.jsonl", "w") as member:
        cursor.itersize = references.BATCH
        sink = Hashing(member, beat)
        cursor.execute(references.statement_for_people(tables), {"owner": owner})
        for found in cursor:
            person = dict(zip(references.PEOPLE, found, strict=True))
            text = json.dumps(person, default=lambda when: when.isoformat(), ensure_ascii=False)
            sink.write(text.encode() + b"\n")
    return {"rows": sink.lines, "sha256": sink.hash.hexdigest()}


def _copy_media(schema_name: str, archive: zipfile.ZipFile, media: dict[str, dict[str, Any]], beat: Beat) -> None:
    for path in media_of(schema_name):
        if path in media:
            continue
        try:
            with default_storage.open(f"{schema_name}/{path}") as opened:
                # They are compressed already.
                entry = zipfile.ZipInfo(f"media/{path}", now().timetuple()[:6])
                with archive.open(entry, "w", force_zip64=True) as member:
                    sink, size = Hashing(member, beat), 0
                    while piece := opened.read(PIECE):
                        size += sink.write(piece)
        except FileNotFoundError:
            continue  # removed a moment ago, after its row
        media[path] = {"bytes": size, "sha256": sink.hash.hexdigest()}


def media_of(schema_name: str) -> Iterator[str]:
    """Every file below the tenant's folder, by its path from there."""
    waiting = [""]
    while waiting:
        folder = waiting.pop()
        try:
            folders, files = default_storage.listdir(f"{schema_name}/{folder}")
        except FileNotFoundError:
            continue
        yield from sorted(f"{folder}{name}" for name in files)
        waiting += [f"{folder}{name}/" for name in folders]


def _sync_folder(folder: Path) -> None:
    """A file that was renamed is there after a power cut once its folder is on the disk too."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class Hashing(io.RawIOBase):
    """Passes bytes on and notes their SHA-256 and how many lines they are."""

    def __init__(self, inner: Any, beat: Beat = no_beat):
        self.inner, self.hash, self.lines, self.beat = inner, hashlib.sha256(), 0, beat

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._note(data)
        self.inner.write(data)
        return len(data)

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        data: bytes = self.inner.read(size)
        self._note(data)
        return data

    def _note(self, data: Any) -> None:
        self.hash.update(data)
        self.lines += bytes(data).count(b"\n")
        self.beat()


# --- Reading ---------------------------------------------------------------------------------------------------------


@contextmanager
def opened(source: Path) -> Iterator[zipfile.ZipFile]:
    """Open an archive. Raises BackupError for what is none."""
    try:
        archive = zipfile.ZipFile(source)
    except FileNotFoundError:
        raise BackupError(f"There is no file {source}.") from None
    except (OSError, zipfile.BadZipFile):
        raise BackupError(f"{source} is damaged or no backup: its directory cannot be read.") from None
    with archive:
        yield archive


def checked_manifest(archive: zipfile.ZipFile, source: Path, *, beat: Beat = no_beat) -> dict[str, Any]:
    """Read everything once before anything is changed: a damaged archive is refused as a whole."""
    try:
        manifest: dict[str, Any] = json.loads(archive.read("manifest.json"))
        if manifest["format"] != FORMAT:
            raise BackupError(f"{source} has format {manifest['format']}; this version reads {FORMAT}.")
        parts = [
            *((f"{name}.copy", name, table) for name, table in manifest["tables"].items()),
            ("people.jsonl", "its people", manifest["people"]),
            *((f"media/{path}", path, file) for path, file in manifest["media"].items()),
        ]
        for member, what, kept in parts:
            with archive.open(member) as inner:
                reader = Hashing(inner, beat)
                while reader.read(PIECE):
                    pass
            if reader.hash.hexdigest() != kept["sha256"] or reader.lines != kept.get("rows", reader.lines):
                raise BackupError(f"{source} is damaged: the data of {what} does not match its check sum.")
        if set(archive.namelist()) != {"manifest.json", *(member for member, _what, _kept in parts)}:
            raise BackupError(f"{source} is damaged: it holds files that its manifest does not name.")
        for path in manifest["media"]:
            if not _PATH.fullmatch(path) or {".", ".."} & set(path.split("/")):
                raise BackupError(f"{source} is damaged: {path!r} is no path of a file of ours.")
    except (KeyError, ValueError, TypeError, AttributeError, zipfile.BadZipFile, OSError, EOFError) as error:
        raise BackupError(f"{source} is damaged or no backup: {error}.") from None
    except Exception as error:
        if isinstance(error, BackupError):
            raise
        # zlib raises an error of its own for bytes that are no deflated data.
        raise BackupError(f"{source} is damaged: {error}.") from None
    return manifest


def listed(columns: list[str]) -> str:
    return ", ".join(map(quoted, columns))


def quoted(name: str) -> str:
    return connection.ops.quote_name(name)
