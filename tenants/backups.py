"""Backups of single tenants that the platform keeps: made each night and when asked for, kept so many, put back.

What takes minutes is a row that a worker claims. One whose worker died is done by another; three times at most.
"""

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F, Max, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from shared_apps.accounts import trail
from shared_apps.core.errors import Conflict, InvalidInput, NotFound, TooManyRequests
from tenants import backup, restoring
from tenants.backup_models import Backup, Restore, Work
from tenants.context import in_public, in_tenant
from tenants.errors import TenantMissing
from tenants.models import Tenant
from tenants.preferences import preference

logger = logging.getLogger(__name__)

Status, Cause = Work.Status, Backup.Cause
OPEN = (Status.WAITING, Status.RUNNING)
# A worker that says nothing for so long is dead; another takes over, so often.
SILENCE = timedelta(minutes=2)
BEAT_SECONDS = 5.0
MOST_TRIES = 3
# A message of something that waits longer than this was lost.
WAITS = timedelta(minutes=1)
# What one person may ask for by hand, and how many of a night's are sent to the workers at a time (N7).
MOST_ASKED_A_DAY = 5
MOST_SENT = 20
# What was there before a restore, and rows of what failed.
KEEP_BEFORE_RESTORE = timedelta(days=14)
KEEP_FAILED = timedelta(days=14)


class TooManyBackups(TooManyRequests):
    code = "too_many_backups"
    message = _("Five backups were made by hand in the last 24 hours. Please try again tomorrow.")


class BackupNotReady(Conflict):
    code = "backup_not_ready"
    message = _("There is no file of this backup.")


class RestoreUnderWay(Conflict):
    code = "restore_under_way"
    message = _("Something is being restored here already.")


# --- Asking ----------------------------------------------------------------------------------------------------------


def ask(tenant: Tenant, *, cause: str = Cause.ASKED, now: datetime | None = None) -> Backup:
    """Have a backup made; one that is under way is found. Raises TooManyBackups."""
    now = now or timezone.now()
    with in_public(), transaction.atomic():
        mine = Backup.objects.filter(schema_name=tenant.schema_name)
        if found := mine.filter(status__in=OPEN).first():
            return found
        lately = mine.filter(cause=Cause.ASKED, created_at__gt=now - timedelta(days=1)).exclude(status=Status.FAILED)
        if cause == Cause.ASKED and lately.count() >= MOST_ASKED_A_DAY:
            raise TooManyBackups
        made, new = _first(Backup, tenant.schema_name, slug=tenant.slug, cause=cause, created_at=now)
        if new:
            _send(made)
        return made


def ask_restore(kept: Backup, *, reason: str, slug: str) -> Restore:
    """Have a backup put back. `slug` is typed once more by whoever asks. Raises BackupNotReady, RestoreUnderWay,
    InvalidInput."""
    with in_public(), transaction.atomic():
        if kept.status != Status.READY or not path_of(kept).is_file():
            raise BackupNotReady
        tenant = Tenant.objects.filter(schema_name=kept.schema_name).first()
        if slug != (tenant.slug if tenant else kept.slug):
            raise InvalidInput(_("This is not the address of the organizer whose backup it is."), field="slug")
        if not reason.strip():
            raise InvalidInput(_("Say why."), field="reason")
        made, new = _first(Restore, kept.schema_name, slug=slug, backup=kept, reason=reason.strip()[:300])
        if not new:
            raise RestoreUnderWay
        trail.note(
            "tenant.restore_asked", tenant.owner_id if tenant else None, target=f"tenants.backup:{kept.pk}",
            by_owner=False, slug=slug, reason=reason[:300], taken_at=kept.taken_at and kept.taken_at.isoformat(),
        )  # fmt: skip
        _send(made)
        return made


def _first(model: Any, schema_name: str, **fields: Any) -> tuple[Any, bool]:
    """Make the row unless one is open; of two who ask at once one makes it and both have it."""
    try:
        with transaction.atomic():
            return model.objects.create(schema_name=schema_name, **fields), True
    except IntegrityError:
        return model.objects.get(schema_name=schema_name, status__in=OPEN), False


def _send(work: Any) -> None:
    from tenants import backup_tasks

    task = backup_tasks.write_backup if isinstance(work, Backup) else backup_tasks.put_back
    task.delay_on_commit(str(work.pk))


def backups_of(schema_name: str) -> QuerySet[Backup]:
    """Return the tenant's backups, newest first."""
    return Backup.objects.filter(schema_name=schema_name)


def one_of(schema_name: str, pk: Any) -> Backup:
    """Return one of the tenant's backups. Raises NotFound for another's."""
    with in_public():
        found = backups_of(schema_name).filter(pk=pk).first()
    if found is None:
        raise NotFound
    return found


def path_of(kept: Backup) -> Path:
    """Where the archive lies."""
    return settings.BACKUP_ROOT / kept.schema_name / f"{kept.pk}.zip"


# --- Each night ------------------------------------------------------------------------------------------------------


def last_slot(tenant: Tenant, now: datetime) -> datetime:
    """Return the last time at which a backup was due by the tenant's own clock: its hour of today or of yesterday."""
    zone = ZoneInfo(tenant.timezone)
    local = now.astimezone(zone)
    slot = local.replace(hour=preference(tenant, "backup_hour"), minute=0, second=0, microsecond=0)
    # Through UTC, where a day that lacks the hour has a moment for it all the same.
    slot = slot.astimezone(UTC)
    return slot if slot <= now else (slot - timedelta(days=1))


def plan(now: datetime | None = None) -> int:
    """Ask for the backups that are due, and return how many: each tenant's once a day. Twice asks once.

    A tenant that was opened after its hour has its first the next day; one that was suspended is backed up too.
    """
    now = now or timezone.now()
    asked = 0
    with in_public():
        newest = dict(
            Backup.objects.filter(cause=Cause.SCHEDULE, created_at__gt=now - timedelta(days=3))
            .order_by()
            .values_list("schema_name")
            .annotate(Max("created_at"))
        )
        for tenant in list(Tenant.objects.with_schema().order_by("pk")):
            if not preference(tenant, "backups_kept"):
                continue
            slot = last_slot(tenant, now)
            if slot <= tenant.created_at or newest.get(tenant.schema_name, slot - timedelta(days=1)) >= slot:
                continue
            _row, new = _first(Backup, tenant.schema_name, slug=tenant.slug, cause=Cause.SCHEDULE, created_at=now)
            asked += new
        resume(now)
    return asked


def resume(now: datetime | None = None) -> int:
    """Send for what waits or whose worker died, the oldest first; return how many. Twice does it once (G2)."""
    now = now or timezone.now()
    sent = 0
    with in_public():
        for model in (Restore, Backup):
            lost = Q(status=Status.RUNNING, alive_at__lte=now - SILENCE)
            waits = Q(status=Status.WAITING, alive_at__isnull=True) | Q(
                status=Status.WAITING, alive_at__lte=now - WAITS
            )
            found = list(model.objects.filter(lost | waits).order_by("created_at")[:MOST_SENT])
            model.objects.filter(pk__in=[each.pk for each in found], status=Status.WAITING).update(alive_at=now)
            for each in found:
                _send(each)
            sent += len(found)
    return sent


# --- Doing -----------------------------------------------------------------------------------------------------------


def write(pk: Any) -> None:
    """Make a backup that waits, or whose worker died. Twice, late and at once is once."""
    with in_public():
        kept = _claim(Backup, pk)
        if kept is None:
            return
        tenant = Tenant.objects.filter(schema_name=kept.schema_name).first()
        if tenant is None:
            _end(kept, Status.FAILED, error="The tenant is gone.")
            return
        try:
            _write(kept, tenant)
        except (backup.BackupError, OSError, TenantMissing) as error:
            logger.exception("backup_failed", extra={"schema": kept.schema_name})
            _end(kept, Status.FAILED, error=str(error)[:300])
            return
        prune(tenant)


def _write(kept: Backup, tenant: Tenant) -> None:
    target = path_of(kept)
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    manifest = backup.back_up(tenant, target, beat=_beat(kept))
    _end(
        kept, Status.READY, error="", taken_at=datetime.fromisoformat(manifest["taken_at"]),
        rows=backup.rows_of(manifest), files=len(manifest["media"]), size_bytes=target.stat().st_size,
    )  # fmt: skip


def put_back(pk: Any) -> None:
    """Do a restore that waits, or whose worker died. What is there now is backed up first."""
    with in_public():
        asked = _claim(Restore, pk)
        if asked is None:
            return
        tenant = Tenant.objects.filter(schema_name=asked.schema_name).first()
        try:
            if tenant is not None and asked.before_id is None:
                _keep_what_is_there(asked, tenant)
            done = restoring.restore(path_of(asked.backup), slug=asked.slug, beat=_beat(asked))
        except (backup.BackupError, OSError) as error:
            logger.exception("restore_failed", extra={"schema": asked.schema_name})
            _end(asked, Status.FAILED, error=str(error)[:300])
            return
        _end(asked, Status.READY, error="", rows=done.rows, notes="\n".join([*_lines(asked.notes), *done.notes]))


def _keep_what_is_there(asked: Restore, tenant: Tenant) -> None:
    """What cannot be read any more is why it is restored: that stops nobody, and is told."""
    kept = Backup.objects.create(
        schema_name=tenant.schema_name, slug=tenant.slug, cause=Cause.BEFORE_RESTORE, status=Status.FAILED,
        error="It was broken off.",
    )  # fmt: skip
    try:
        with in_tenant(tenant):
            pass
        _write(kept, tenant)
    except TenantMissing:
        kept.delete()
        return
    except (backup.BackupError, OSError) as error:
        Backup.objects.filter(pk=kept.pk).update(error=str(error)[:300])
        asked.notes = f"What was there could not be backed up: {error}"
        return
    asked.before = kept
    Restore.objects.filter(pk=asked.pk).update(before=kept)


def _lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line]


def _claim(model: Any, pk: Any) -> Any:
    """Return the row if it is ours to do now; None if it is done, given up, or another's."""
    now = timezone.now()
    row = model.objects.filter(pk=pk, status__in=OPEN).first()
    if row is None or (row.status == Status.RUNNING and row.alive_at > now - SILENCE):
        return None
    if row.tries >= MOST_TRIES:
        logger.error("backup_work_parked", extra={"work": model.__name__, "schema": row.schema_name})
        _end(row, Status.FAILED, error="Three workers died of it.")
        return None
    if not model.objects.filter(pk=pk, tries=row.tries, status=row.status).update(
        status=Status.RUNNING, tries=F("tries") + 1, alive_at=now
    ):
        return None
    row.refresh_from_db()
    return row


def _end(row: Any, status: str, **changes: Any) -> None:
    type(row).objects.filter(pk=row.pk).update(status=status, finished_at=timezone.now(), **changes)


def _beat(row: Any) -> Callable[[], None]:
    """Return what tells that the work goes on, every few seconds at most."""
    told = time.monotonic()

    def beat() -> None:
        nonlocal told
        if time.monotonic() - told > BEAT_SECONDS:
            told = time.monotonic()
            with in_public():
                type(row).objects.filter(pk=row.pk).update(alive_at=timezone.now())

    return beat


# --- Keeping ---------------------------------------------------------------------------------------------------------


def prune(tenant: Tenant, now: datetime | None = None) -> int:
    """Delete what a tenant keeps no longer: all but the newest so many, and what was there before old restores."""
    now = now or timezone.now()
    mine = backups_of(tenant.schema_name).exclude(status__in=OPEN)
    ready = mine.filter(status=Status.READY).exclude(cause=Cause.BEFORE_RESTORE)
    # With the schedule off, what was asked for by hand stays: the newest of it.
    keep = list(ready.values_list("pk", flat=True)[: max(preference(tenant, "backups_kept"), 1)])
    gone = list(ready.exclude(pk__in=keep))
    gone += mine.filter(cause=Cause.BEFORE_RESTORE, status=Status.READY, created_at__lt=now - KEEP_BEFORE_RESTORE)
    gone += mine.filter(status=Status.FAILED, created_at__lt=now - KEEP_FAILED)
    return sum(_delete(each) for each in gone)


def forget_erased(now: datetime | None = None) -> int:
    """Each night: delete the backups of tenants that were erased so long ago, or are gone altogether; return how many.

    Until then an erasure that was a mistake can be undone by an operator.
    """
    now = now or timezone.now()
    before = now - timedelta(days=settings.BACKUP_DAYS_AFTER_ERASE)
    gone = 0
    with in_public():
        for schema_name in list(Backup.objects.order_by().values_list("schema_name", flat=True).distinct()):
            tenant = Tenant.objects.filter(schema_name=schema_name).first()
            ended = getattr(tenant, "erased_at", None)
            newest = backups_of(schema_name).aggregate(at=Max("created_at"))["at"]
            if (ended is not None and ended < before) or (tenant is None and newest < before):
                gone += forget_all(schema_name)
    return gone


def forget_all(schema_name: str) -> int:
    """Delete every backup of a tenant, files first; return how many. Repeating it changes nothing."""
    with in_public():
        Restore.objects.filter(schema_name=schema_name).exclude(status__in=OPEN).delete()
        gone = sum(_delete(each) for each in backups_of(schema_name).exclude(status__in=OPEN))
        with suppress(OSError):  # not there, or not empty
            (settings.BACKUP_ROOT / schema_name).rmdir()
    return gone


def _delete(kept: Backup) -> int:
    """The file before its row: killed in between, the row is there to be deleted again."""
    if kept.restores.filter(status__in=OPEN).exists():
        return 0
    path_of(kept).unlink(missing_ok=True)
    with transaction.atomic():
        kept.restores.all().delete()
        return kept.delete()[0] and 1
