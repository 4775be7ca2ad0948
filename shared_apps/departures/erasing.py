"""The end of a tenant, step by step; each can be broken off and is done again as if for the first time (N6, P2).

`begin` closes the tenant and writes the Erasure in one transaction: from then on nothing stops it. What it removed is
counted before it goes and certified at the end. The tenant's row stays without its name, so that its slug and its
schema's name go to nobody else (N5), and a backup finds where it belongs.
"""

import hashlib
import hmac
import json
import logging
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.cache import caches
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from shared_apps.accounts import trail
from shared_apps.core.errors import DomainError
from shared_apps.core.faults import point
from shared_apps.departures import exports, farewells, letters
from shared_apps.departures.alone import alone
from shared_apps.departures.errors import NotClosed
from shared_apps.departures.keeping import rows_of
from shared_apps.departures.models import DepartureLetter, Erasure
from shared_apps.departures.own_parts import files_below
from tenants import catalog, provisioning, rendering
from tenants.context import in_public
from tenants.database import connection
from tenants.models import Backup, Tenant
from tenants.restoring import RESTORING_LOCK

logger = logging.getLogger(__name__)

LONGEST_PAUSE = 3600
KEYS_AT_ONCE = 500


# --- Beginning -------------------------------------------------------------------------------------------------------


def begin(tenant: Tenant, *, reason: str = "", now: datetime | None = None, at_once: bool = False) -> Erasure:
    """Close the tenant for good and begin its erasure. Begun already, it is the one that was begun.

    Raises NotClosed while days of grace are left, or while it is neither closing nor closed, unless `at_once`.
    """
    from shared_apps.departures.tasks import work_soon

    with in_public(), transaction.atomic():
        # Taking the closing back locks the same row: of both at once one comes first, and the other sees it.
        locked = Tenant.objects.select_for_update(of=("self",)).select_related("owner").get(pk=tenant.pk)
        known = Erasure.objects.filter(tenant=locked).order_by("-created_at").first()
        if known is not None and (known.finished_at is None or locked.erased_at is not None):
            return known
        over = locked.closes_at is not None and locked.closes_at <= (now or timezone.now())
        closing = locked.status == Tenant.Status.CLOSING
        if not at_once and locked.status != Tenant.Status.CLOSED and not (closing and over):
            raise NotClosed
        provisioning.close(locked)
        erasure = Erasure.objects.create(tenant=locked, slug=locked.slug, name=locked.name, reason=reason[:500])
        if locked.owner is not None:
            letters.write(locked, DepartureLetter.Kind.ERASED, str(erasure.pk), due_at=None)
        work_soon("erasure", erasure.pk)
    point("erasing.begun")
    tenant.status, tenant.closed_at = locked.status, locked.closed_at
    return erasure


def erase(tenant: Tenant, *, reason: str = "", at_once: bool = False) -> Erasure:
    """Erase now and return the certificate's row. For commands and tests; raises what goes wrong on the way."""
    erasure = begin(tenant, reason=reason, at_once=at_once)
    with in_public(), _alone(erasure) as mine:
        if mine:
            _do(Erasure.objects.select_related("tenant").get(pk=erasure.pk))
        erasure.refresh_from_db()
    return erasure


def unfinished() -> QuerySet[Erasure]:
    return Erasure.objects.filter(finished_at=None, due_at__lte=timezone.now()).order_by("created_at")


def begin_those_over(now: datetime | None = None) -> int:
    """Begin the erasure of every tenant whose days of grace are over; return of how many."""
    begun = 0
    for tenant in list(Tenant.objects.over(now).order_by("closes_at")[:50]):
        try:
            begin(tenant, reason="closed by its owner", now=now)
            begun += 1
        except NotClosed:
            continue  # taken back a moment ago
        except Exception:  # as a lock that somebody holds: the others end on their day, this one half a minute later
            logger.exception("tenant_erasure_not_begun", extra={"slug": tenant.slug})
    return begun


# --- Doing -----------------------------------------------------------------------------------------------------------


def work(erasure_id: Any) -> None:
    """Do what is left of the erasure, unless somebody is at it. What fails is told and comes again; it never ends."""
    with in_public():
        waiting = Erasure.objects.select_related("tenant").filter(pk=erasure_id, finished_at=None).first()
        if waiting is None:
            return
        with _alone(waiting) as mine:
            # Read again: somebody may have done it while we were about to.
            erasure = Erasure.objects.select_related("tenant").filter(pk=erasure_id, finished_at=None).first()
            if mine and erasure is not None:
                _try(erasure)


@contextmanager
def _alone(erasure: Erasure) -> Iterator[bool]:
    """Whether nobody else is at this erasure, nor at a restore of the same tenant."""
    with alone(erasure.pk) as mine, alone(erasure.tenant.schema_name, RESTORING_LOCK) as free:
        yield mine and free


def _try(erasure: Erasure) -> None:
    with in_public():
        Erasure.objects.filter(pk=erasure.pk).update(tries=F("tries") + 1)
        try:
            _do(erasure)
        except Exception as error:  # whatever stands in the way: a lock, a full disk
            logger.exception("tenant_erasure_failed", extra={"slug": erasure.slug})
            code = error.code if isinstance(error, DomainError) else type(error).__name__
            pause = timedelta(seconds=min(15 * 2 ** min(erasure.tries, 10), LONGEST_PAUSE))
            Erasure.objects.filter(pk=erasure.pk).update(error=code[:60], due_at=timezone.now() + pause)


def _do(erasure: Erasure) -> None:
    for name, step in STEPS.items():
        if name in erasure.steps:
            continue
        if _is_back(erasure):
            return
        facts = step(erasure)
        erasure.steps[name] = {"at": timezone.now().isoformat(), **facts}
        Erasure.objects.filter(pk=erasure.pk).update(steps=erasure.steps, error="")
    if erasure.finished_at is None and not _is_back(erasure):
        _seal(erasure)
    point("erasing.sealed")


def _is_back(erasure: Erasure) -> bool:
    """Whether the tenant was restored while its erasure waited: then that is given up, without a certificate."""
    if Tenant.objects.filter(pk=erasure.tenant_id, status=Tenant.Status.CLOSED).exists():
        return False
    erasure.finished_at, erasure.error = timezone.now(), "restored"
    erasure.save(update_fields=["finished_at", "error"])
    DepartureLetter.objects.filter(tenant_id=erasure.tenant_id, kind=DepartureLetter.Kind.ERASED, sent_at=None).delete()
    return True


def _count(erasure: Erasure) -> dict[str, Any]:
    """What is there, as long as it is there: the certificate says it."""
    schema = erasure.tenant.schema_name
    point("erasing.counted")
    rows: dict[str, int] = {}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        for name in sorted(catalog.read(schema)):
            table = f"{connection.ops.quote_name(schema)}.{connection.ops.quote_name(name)}"
            cursor.execute(f"SELECT count(*) FROM {table}")  # noqa: S608  (both names are quoted and our own)
            rows[name] = cursor.fetchone()[0]
    files = list(files_below(schema))
    point("erasing.counted_done")
    return {
        "tables": len(rows),
        "rows": sum(rows.values()),
        "rows_by_table": {name: count for name, count in rows.items() if count},
        "files": len(files),
        "file_bytes": sum(default_storage.size(path) for path in files),
    }


def _schema(erasure: Erasure) -> dict[str, Any]:
    schema = erasure.tenant.schema_name
    point("erasing.schema")
    with rendering.own_connection():
        # Requests that began before the tenant was closed have ended, or this waits for them and is tried again.
        for name in (schema, f"restoring_{schema}", f"replaced_{schema}", f"unfinished_{schema}"):
            rendering.drop(name)
    point("erasing.schema_done")
    return {"schema": schema}


def _files(erasure: Erasure) -> dict[str, Any]:
    schema = erasure.tenant.schema_name
    point("erasing.files")
    gone = 0
    for path in list(files_below(schema)):
        default_storage.delete(path)
        gone += 1
        point("erasing.file")
    _drop_folders(schema)
    archives = list(exports.folder_of(schema).glob("*.zip"))
    shutil.rmtree(exports.folder_of(schema), ignore_errors=True)
    point("erasing.files_done")
    return {"files": gone, "archives": len(archives)}


def _drop_folders(folder: str) -> None:
    try:
        folders, _names = default_storage.listdir(folder)
    except OSError:
        return
    for name in folders:
        _drop_folders(f"{folder}/{name}")
    default_storage.delete(folder)


def _elsewhere(erasure: Erasure) -> dict[str, Any]:
    """What would go on outside, such as a subscription: ended as long as our rows know of it."""
    point("erasing.elsewhere")
    found = farewells.say_all(erasure.tenant)
    point("erasing.elsewhere_done")
    return found


def _rows(erasure: Erasure) -> dict[str, Any]:
    """Rows in public that belong to the tenant; what stays is named with the reason."""
    gone: dict[str, int] = {}
    point("erasing.rows")
    kept: dict[str, str] = {}
    for label, rows, why in rows_of(erasure.tenant):
        if why:
            if rows.exists():
                kept[label] = why
            continue
        if label == DepartureLetter._meta.label:
            rows = rows.exclude(kind=DepartureLetter.Kind.ERASED)
        count = 0
        while batch := list(rows.order_by("pk").values_list("pk", flat=True)[:5000]):
            with transaction.atomic():
                count += rows.filter(pk__in=batch).delete()[0]
            point("erasing.batch")
        if count:
            gone[label] = count
    point("erasing.rows_done")
    return {"removed": gone, "kept": kept}


def _caches(erasure: Erasure) -> dict[str, Any]:
    """What the cache's server keeps under the tenant's schema. Without a server there is nothing to remove."""
    from tenants import freshness

    point("erasing.caches")
    client = freshness.client()
    if client is None:
        return {"keys": 0}
    pattern = f"*{erasure.tenant.schema_name}:*"
    gone, found = 0, []
    for key in client.scan_iter(match=pattern, count=1000):
        # "t_one" is also the end of "at_one" and the beginning of nothing of ours: the schema is a whole word.
        if erasure.tenant.schema_name.encode() in bytes(key).split(b":"):
            found.append(key)
        if len(found) >= KEYS_AT_ONCE:
            gone += client.unlink(*found)
            found = []
    if found:
        gone += client.unlink(*found)
    caches["default"].close()
    point("erasing.caches_done")
    return {"keys": gone}


STEPS: dict[str, Callable[[Erasure], dict[str, Any]]] = {
    "counted": _count,
    "schema": _schema,
    "files": _files,
    "elsewhere": _elsewhere,
    "rows": _rows,
    "caches": _caches,
}


# --- The certificate -------------------------------------------------------------------------------------------------


def _seal(erasure: Erasure) -> None:
    """Empty the tenant's row and certify, in one transaction."""
    with transaction.atomic():
        tenant = Tenant.objects.select_for_update(of=("self",)).get(pk=erasure.tenant_id)
        now = timezone.now()
        owner = tenant.owner_id
        tenant.name, tenant.owner, tenant.tagline, tenant.logo = tenant.slug, None, "", ""
        tenant.preferences, tenant.suspensions, tenant.suspended_at = {}, {}, None
        tenant.closes_at, tenant.erased_at, tenant.migrations_applied = None, now, 0
        tenant.save()
        erasure.certificate = {
            "id": str(erasure.pk),
            "slug": erasure.slug,
            "name": erasure.name,
            "reason": erasure.reason,
            "begun_at": erasure.created_at.isoformat(),
            "erased_at": now.isoformat(),
            "steps": erasure.steps,
            # Made by the schedule before; the platform deletes them too, some days later.
            "backups": {
                "kept": Backup.objects.filter(schema_name=tenant.schema_name).count(),
                "until": (now + timedelta(days=settings.BACKUP_DAYS_AFTER_ERASE)).isoformat(),
            },
            "platform": settings.PLATFORM_DOMAIN,
        }
        erasure.signature = signature_of(erasure.certificate)
        erasure.finished_at = now
        erasure.save(update_fields=["certificate", "signature", "finished_at"])
        DepartureLetter.objects.filter(tenant=tenant, kind=DepartureLetter.Kind.ERASED, sent_at=None).update(due_at=now)
        target = f"tenants.tenant:{tenant.pk}"
        trail.note("tenant.erased", owner, target=target, by_owner=False, slug=erasure.slug, erasure=str(erasure.pk))
        point("erasing.sealing")
    logger.info("tenant %s erased", tenant.schema_name)


def signature_of(certificate: dict[str, Any]) -> str:
    """Return what proves that this platform wrote the certificate: HMAC-SHA-256 over its JSON with sorted keys."""
    key = hashlib.sha256(b"foyer erasure certificate " + settings.SECRET_KEY.encode()).digest()
    text = json.dumps(certificate, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def is_genuine(erasure: Erasure) -> bool:
    """Tell whether the certificate is what was signed."""
    return bool(erasure.certificate) and hmac.compare_digest(signature_of(erasure.certificate or {}), erasure.signature)


def by_secret(secret: str) -> Erasure | None:
    with in_public():
        return Erasure.objects.filter(secret=secret).first()
