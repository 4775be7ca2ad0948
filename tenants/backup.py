"""One tenant as one file, and back (P2): every table by COPY, from one snapshot.

The archive is a zip with `<table>.copy` (Postgres' text format) for each table and `manifest.json`: who, when,
which migrations, and for each table its columns, number of rows and SHA-256.
"""

# ruff: noqa: S608  (identifiers come from our own catalogs and are quoted)

import hashlib
import io
import json
import os
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg2
from django.conf import settings
from django.utils.timezone import now

from tenants import catalog, lookup, migrating, rendering, schema_state
from tenants.context import in_public
from tenants.database import connection
from tenants.migration_plans import applied_in
from tenants.models import Tenant

FORMAT = 1
# Longest wait for a running request to let go of the tables that are exchanged.
SWAP_LOCK_TIMEOUT = "10s"
_SCALARS = ("name", "slug", "kind", "currency", "timezone", "language", "colour", "tagline", "preferences")


class BackupError(Exception):
    """One line: what is wrong with the archive or the tenant. Nothing was changed."""


def back_up(tenant: Tenant, target: Path) -> dict[str, Any]:
    """Write the tenant's archive and return its manifest. The file appears whole or not at all."""
    unfinished = target.with_name(f".{target.name}.unfinished")
    try:
        with zipfile.ZipFile(unfinished, "w", zipfile.ZIP_DEFLATED, allowZip64=True) as archive:
            manifest = _write(tenant, archive)
        with unfinished.open("rb+") as written:
            os.fsync(written.fileno())
        unfinished.replace(target)
    except OSError as error:
        raise BackupError(f"Cannot write {target}: {error.strerror}.") from None
    finally:
        unfinished.unlink(missing_ok=True)
    return manifest


def restore(tenant: Tenant, source: Path) -> dict[str, Any]:
    """Put the archive's data in place of the tenant's, all or nothing, and return the manifest.

    A second schema is filled beside the live one; one transaction then exchanges the two. Others serve on meanwhile.
    Raises BackupError for a damaged archive, another tenant's, or one of another migration state.
    """
    with _opened(source) as archive:
        manifest = _checked_manifest(archive, source)
        if manifest["tenant"]["slug"] != tenant.slug:
            raise BackupError(f"{source} is a backup of {manifest['tenant']['slug']}, not of {tenant.slug}.")
        _refuse_other_migrations(manifest, source)
        fresh, old = f"restoring_{tenant.schema_name}", f"replaced_{tenant.schema_name}"
        with in_public(), rendering.own_connection():
            _make_schema(fresh)
            try:
                _fill(fresh, archive, manifest, source)
                _exchange(tenant, fresh, old)
            finally:
                rendering.drop(fresh)
        lookup.forget()
    return manifest


def _write(tenant: Tenant, archive: zipfile.ZipFile) -> dict[str, Any]:
    applied = applied_in([tenant.schema_name])[tenant.schema_name]
    if applied is None:
        raise BackupError(f"The schema of {tenant.slug} is missing.")
    tables = catalog.read(tenant.schema_name)
    own = migrating.connector()()
    try:
        own.set_session(isolation_level="REPEATABLE READ", readonly=True)
        with own.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = 0")
            cursor.execute("SELECT set_config('search_path', quote_ident(%s), true)", [tenant.schema_name])
            kept = {name: _copy_out(cursor, table, archive) for name, table in sorted(tables.items())}
            cursor.execute("SELECT txid_current_snapshot()::text, current_setting('server_version')")
            snapshot, server = cursor.fetchone()
    except psycopg2.Error as error:
        raise BackupError(f"Cannot read {tenant.slug}: {' '.join(str(error).split())}") from None
    finally:
        own.close()
    manifest = {
        "format": FORMAT,
        "tenant": {"schema_name": tenant.schema_name, **{name: getattr(tenant, name) for name in _SCALARS}},
        "taken_at": now().isoformat(),
        "snapshot": snapshot,
        "server": server,
        "migrations": sorted(".".join(name) for name in applied),
        "tables": kept,
    }
    archive.writestr("manifest.json", json.dumps(manifest, indent=1))
    return manifest


def _copy_out(cursor: Any, table: catalog.Table, archive: zipfile.ZipFile) -> dict[str, Any]:
    columns = [column.name for column in table.columns if not column.generated]
    with archive.open(f"{table.name}.copy", "w", force_zip64=True) as member:
        sink = _Hashing(member)
        cursor.copy_expert(f"COPY {_quoted(table.name)} ({_list(columns)}) TO STDOUT", sink)
    sequences = {}
    for column in table.columns:
        if column.identity:
            name = catalog.sequence_name(table.name, column)
            cursor.execute(f"SELECT last_value, is_called FROM {_quoted(name)}")
            sequences[name] = list(cursor.fetchone())
    return {"columns": columns, "rows": sink.lines, "sha256": sink.hash.hexdigest(), "sequences": sequences}


class _Hashing(io.RawIOBase):
    """Passes bytes on and notes their SHA-256 and how many lines they are."""

    def __init__(self, inner: Any):
        self.inner, self.hash, self.lines = inner, hashlib.sha256(), 0

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


@contextmanager
def _opened(source: Path) -> Iterator[zipfile.ZipFile]:
    try:
        archive = zipfile.ZipFile(source)
    except FileNotFoundError:
        raise BackupError(f"There is no file {source}.") from None
    except (OSError, zipfile.BadZipFile):
        raise BackupError(f"{source} is damaged or no backup: its directory cannot be read.") from None
    with archive:
        yield archive


def _checked_manifest(archive: zipfile.ZipFile, source: Path) -> dict[str, Any]:
    """Read everything once before anything is changed: a damaged archive is refused as a whole."""
    try:
        manifest: dict[str, Any] = json.loads(archive.read("manifest.json"))
        if manifest["format"] != FORMAT:
            raise BackupError(f"{source} has format {manifest['format']}; this version reads {FORMAT}.")
        for name, table in manifest["tables"].items():
            with archive.open(f"{name}.copy") as member:
                reader = _Hashing(member)
                while reader.read(1 << 20):
                    pass
            if (reader.hash.hexdigest(), reader.lines) != (table["sha256"], table["rows"]):
                raise BackupError(f"{source} is damaged: the data of {name} does not match its check sum.")
        if set(archive.namelist()) != {"manifest.json", *(f"{name}.copy" for name in manifest["tables"])}:
            raise BackupError(f"{source} is damaged: it holds files that its manifest does not name.")
    except (KeyError, ValueError, TypeError, AttributeError, zipfile.BadZipFile, OSError, EOFError) as error:
        raise BackupError(f"{source} is damaged or no backup: {error}.") from None
    except Exception as error:
        if isinstance(error, BackupError):
            raise
        # zlib raises an error of its own for bytes that are no deflated data.
        raise BackupError(f"{source} is damaged: {error}.") from None
    return manifest


def _refuse_other_migrations(manifest: dict[str, Any], source: Path) -> None:
    known = {".".join(name) for name in schema_state.current_graph().names}
    kept = set(manifest["migrations"])
    if missing := sorted(known - kept):
        raise BackupError(
            f"{source} was made before {missing[0]}; restore it with the version that made it, then migrate."
        )
    if unknown := sorted(kept - known):
        raise BackupError(f"{source} was made by a newer version: {unknown[0]} is unknown here.")


def _make_schema(fresh: str) -> None:
    rendering.drop(fresh)
    rendering.make_schema(fresh)


def _fill(fresh: str, archive: zipfile.ZipFile, manifest: dict[str, Any], source: Path) -> None:
    tables = catalog.read(fresh)
    if set(tables) != set(manifest["tables"]):
        odd = sorted(set(tables) ^ set(manifest["tables"]))
        raise BackupError(f"{source} has other tables than this version: {odd[0]}.")
    own = migrating.connector()()
    try:
        with own.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = 0")
            cursor.execute("SELECT set_config('search_path', quote_ident(%s), true)", [fresh])
            # What the template put there comes with the archive too.
            for table in reversed(catalog.targets_first(tables)):
                cursor.execute(f"DELETE FROM {_quoted(table.name)}")
            for table in catalog.targets_first(tables):
                _copy_in(cursor, table, archive, manifest["tables"][table.name])
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        own.commit()
    except psycopg2.Error as error:
        raise BackupError(f"{source} does not fit: {' '.join(str(error).split())}") from None
    finally:
        own.close()


def _copy_in(cursor: Any, table: catalog.Table, archive: zipfile.ZipFile, kept: dict[str, Any]) -> None:
    columns = [column.name for column in table.columns if not column.generated]
    if sorted(columns) != sorted(kept["columns"]):
        raise BackupError(f"The columns of {table.name} are others in the archive.")
    with archive.open(f"{table.name}.copy") as member:
        cursor.copy_expert(f"COPY {_quoted(table.name)} ({_list(kept['columns'])}) FROM STDIN", member)
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
                cursor.execute(f"ALTER SCHEMA {_quoted(tenant.schema_name)} RENAME TO {_quoted(old)}")
                # In the same transaction: who still works on the old tables ends before, or we give up unchanged.
                cursor.execute(f"DROP SCHEMA {_quoted(old)} CASCADE")
            cursor.execute(f"ALTER SCHEMA {_quoted(fresh)} RENAME TO {_quoted(tenant.schema_name)}")
        own.commit()
    except psycopg2.Error as error:
        raise BackupError(f"{tenant.slug} is as it was: {' '.join(str(error).split())}") from None
    finally:
        own.close()
    Tenant.objects.filter(pk=tenant.pk).update(migrations_applied=schema_state.current_graph().migrations)


def _list(columns: list[str]) -> str:
    return ", ".join(map(_quoted, columns))


def _quoted(name: str) -> str:
    return connection.ops.quote_name(name)


def default_path(tenant: Tenant) -> Path:
    """Return where `tenant_backup` writes to unless told otherwise."""
    return Path(settings.MEDIA_ROOT).parent / "backups" / f"{tenant.slug}-{now():%Y%m%d-%H%M%S}.zip"
