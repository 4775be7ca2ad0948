"""All of a tenant in one archive: CSV for each resource, media, the audit trail, and a backup to restore from (P2).

The archive is written beside its place and moved there when it is whole. Who dies on the way leaves nothing but a
file that the next try writes over.
"""

import hashlib
import json
import logging
import zipfile
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from shared_apps.accounts import trail
from shared_apps.core.errors import DomainError, WrongState
from shared_apps.core.faults import point
from shared_apps.departures import letters
from shared_apps.departures.alone import alone
from shared_apps.departures.errors import ExportNotReady, TooManyExports
from shared_apps.departures.models import DepartureLetter, TenantExport
from shared_apps.departures.parts import parts
from tenants.context import in_public, in_tenant
from tenants.database import connection
from tenants.models import Tenant

logger = logging.getLogger(__name__)

FORMAT = 1
MOST_A_DAY = 10
# So many archives of one tenant lie ready at a time (N7): each is as large as all that it has, its media twice.
MOST_READY = 3
MOST_TRIES = 5
LONGEST_PAUSE = 3600
Status = TenantExport.Status
# Already packed: packing it again costs time and saves nothing.
PACKED = (".zip", ".webp", ".jpg", ".jpeg", ".png")

README = """\
All of {name} ({slug}), taken {at} UTC from {host}.

tenant.json   the site's settings and addresses
csv/          a table for each kind of thing: UTF-8, comma, first line names the columns. Times carry their zone,
              amounts stand beside their currency. A text that a spreadsheet would take for a formula has a ' before it.
audit/        who did what and when, one JSON object a line
media/        pictures and logos
backup/       everything else too: a backup that Foyer restores as a whole
              (manage.py tenant_restore; its manifest.json names tables, columns and check sums)
manifest.json each file's size and SHA-256

Все данные {name} ({slug}): tenant.json - настройки и адреса сайта; csv/ - таблицы (UTF-8, запятая, первая строка -
названия столбцов); audit/ - журнал действий; media/ - картинки; backup/ - резервная копия, из которой Foyer
восстанавливает сайт целиком; manifest.json - размер и SHA-256 каждого файла.
"""


# --- Asking ----------------------------------------------------------------------------------------------------------


def ask(tenant: Tenant) -> TenantExport:
    """Begin an archive; while one is under way, asking again finds it. Raises TooManyExports, WrongState."""
    from shared_apps.departures.tasks import work_soon

    with in_public():
        if tenant.status in (Tenant.Status.OPENING, Tenant.Status.CLOSED):
            raise WrongState(now=tenant.get_status_display())
        rows = TenantExport.objects.filter(tenant=tenant)
        if running := rows.filter(status=Status.RUNNING).first():
            return running
        if rows.filter(created_at__gt=timezone.now() - timedelta(days=1)).count() >= MOST_A_DAY:
            raise TooManyExports(most=MOST_A_DAY, retry_after=3600)
        try:
            with transaction.atomic():
                export = TenantExport.objects.create(tenant=tenant, total=len(parts()))
                target = f"departures.tenantexport:{export.pk}"
                trail.note("tenant.export_asked", tenant.owner_id, target=target, slug=tenant.slug)
                work_soon("export", export.pk)
        except IntegrityError:  # two asked at once
            return rows.get(status=Status.RUNNING)
    return export


def of(tenant: Tenant) -> QuerySet[TenantExport]:
    """Return the tenant's archives, newest first."""
    return TenantExport.objects.filter(tenant=tenant).order_by("-created_at")


def path_of(export: TenantExport) -> Path:
    """Where an archive lies: outside of what the tenant's own pages serve."""
    return folder_of(export.tenant.schema_name) / f"{export.pk}.zip"


def folder_of(schema_name: str) -> Path:
    return Path(settings.MEDIA_ROOT) / "tenant-exports" / schema_name


def ready(tenant: Tenant, export_id: Any) -> tuple[TenantExport, Path]:
    """Return an archive that can be taken. Raises ExportNotReady."""
    with in_public():
        found = of(tenant).filter(pk=export_id, status=Status.READY, expires_at__gt=timezone.now()).first()
        if found is None or not path_of(found).is_file():
            raise ExportNotReady
        return found, path_of(found)


# --- Doing -----------------------------------------------------------------------------------------------------------


def unfinished() -> QuerySet[TenantExport]:
    return TenantExport.objects.filter(status=Status.RUNNING, due_at__lte=timezone.now()).order_by("created_at")


def work(export_id: Any) -> None:
    """Build the archive, unless somebody is at it or it is there."""
    with in_public(), alone(export_id) as mine:
        export = TenantExport.objects.select_related("tenant").filter(pk=export_id, status=Status.RUNNING).first()
        if not mine or export is None:
            return
        if export.tries >= MOST_TRIES:
            # The tries before ended without a word: each time the worker died over it.
            logger.error("tenant_export_parked", extra={"schema": export.tenant.schema_name})
            _say(export, status=Status.FAILED, error="died", finished_at=timezone.now())
            return
        TenantExport.objects.filter(pk=export.pk).update(tries=F("tries") + 1, done=0)
        try:
            _build(export)
        except Exception as error:  # whatever one tenant's data or the disk does: told, tried again, given up at last
            logger.exception("tenant_export_failed", extra={"schema": export.tenant.schema_name})
            code = error.code if isinstance(error, DomainError) else type(error).__name__
            tries = export.tries + 1
            pause = timedelta(seconds=min(15 * 2**tries, LONGEST_PAUSE))
            failed = {"status": Status.FAILED, "finished_at": timezone.now()} if tries >= MOST_TRIES else {}
            TenantExport.objects.filter(pk=export.pk).update(error=code[:60], due_at=timezone.now() + pause, **failed)


def _build(export: TenantExport) -> None:
    tenant, target = export.tenant, path_of(export)
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished_file = target.with_suffix(".unfinished")
    listed: dict[str, dict[str, Any]] = {}
    try:
        with zipfile.ZipFile(unfinished_file, "w", zipfile.ZIP_DEFLATED, compresslevel=3, allowZip64=True) as archive:
            for number, each in enumerate(parts()):
                _say(export, done=number, doing=each.name)
                point("export.part")
                with in_tenant(tenant), transaction.atomic():
                    with connection.cursor() as cursor:
                        cursor.execute("SET LOCAL statement_timeout = 0")
                    for path, pieces in each.files():
                        listed[path] = _write(archive, path, pieces)
            readme = README.format(name=tenant.name, slug=tenant.slug, at=f"{timezone.now():%Y-%m-%d %H:%M}",
                                   host=settings.PLATFORM_DOMAIN)  # fmt: skip
            listed["README.txt"] = _write(archive, "README.txt", [readme.encode()])
            manifest = {"format": FORMAT, "slug": tenant.slug, "taken_at": timezone.now().isoformat(), "files": listed}
            archive.writestr("manifest.json", json.dumps(manifest, ensure_ascii=False, indent=1))
        size, digest = unfinished_file.stat().st_size, _sha256(unfinished_file)
        point("export.written")
        unfinished_file.replace(target)
    finally:
        unfinished_file.unlink(missing_ok=True)
    point("export.moved")
    now = timezone.now()
    with transaction.atomic():
        done = TenantExport.objects.filter(pk=export.pk, status=Status.RUNNING).update(
            status=Status.READY, done=F("total"), doing="", error="", size_bytes=size, sha256=digest, finished_at=now,
            expires_at=now + timedelta(days=settings.TENANT_EXPORT_DAYS),
        )  # fmt: skip
        if done:
            letters.write(tenant, DepartureLetter.Kind.READY, str(export.pk))
    _forget(of(tenant).select_related("tenant").filter(status=Status.READY)[MOST_READY:])


def _say(export: TenantExport, **progress: Any) -> None:
    with in_public():
        TenantExport.objects.filter(pk=export.pk).update(**progress)


def _write(archive: zipfile.ZipFile, path: str, pieces: Iterable[bytes]) -> dict[str, Any]:
    digest, size = hashlib.sha256(), 0
    entry = zipfile.ZipInfo(path, timezone.now().timetuple()[:6])
    entry.compress_type = zipfile.ZIP_STORED if path.endswith(PACKED) else zipfile.ZIP_DEFLATED
    with archive.open(entry, "w", force_zip64=True) as member:
        for piece in pieces:
            digest.update(piece)
            size += len(piece)
            member.write(piece)
    return {"bytes": size, "sha256": digest.hexdigest()}


def _sha256(path: Path) -> str:
    with path.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


# --- Forgetting ------------------------------------------------------------------------------------------------------


def forget_old() -> int:
    """Delete archives whose time is over; return how many."""
    over = TenantExport.objects.filter(status=Status.READY, expires_at__lte=timezone.now())
    return _forget(over.select_related("tenant"))


def _forget(rows: Iterable[TenantExport]) -> int:
    """First the file: a row that still tells of it finds none."""
    gone = 0
    for export in rows:
        path_of(export).unlink(missing_ok=True)
        gone += TenantExport.objects.filter(pk=export.pk).update(status=Status.EXPIRED)
    return gone
