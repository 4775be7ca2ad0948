"""A file's way in: start, say which column is which, check, apply. All or nothing (B4)."""

import gzip
import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from django.core.cache import cache
from django.db import DatabaseError, connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from shared_apps.core.database_errors import refusal_of, retrying
from shared_apps.core.errors import FieldError, Forbidden, InvalidInput
from shared_apps.core.resources import ColumnError, RowResource
from shared_apps.core.staging import pack_errors
from tenant_apps.activity import hints
from tenant_apps.activity.services import before_and_after, made, record
from tenant_apps.catalog.resources import ProductResource
from tenant_apps.events.resources import VenueResource
from tenant_apps.imports import mapping as mappings
from tenant_apps.imports.errors import EmptyFile, FileTooLarge, NotReady, TooManyRows, UnknownResource
from tenant_apps.imports.models import ImportJob, ImportMapping
from tenant_apps.imports.personal import OF_PEOPLE
from tenant_apps.imports.reading import has_more_rows
from tenant_apps.imports.running import MOST_ROWS, Found, actor_of, progress_key, run
from tenant_apps.payments.resources import AdmissionResource
from tenant_apps.staff.permissions import permissions_of
from tenant_apps.ticketing.resources import EventResource

logger = logging.getLogger(__name__)

Status = ImportJob.Status

# Each kind of file with who reads it. An app that brings another one adds its resources.py here.
RESOURCES: dict[str, type[RowResource]] = {
    "events": EventResource,
    "venues": VenueResource,
    "products": ProductResource,
    "attendees": AdmissionResource,
    "orders": AdmissionResource,
}
MOST_BYTES = 20 * 1024 * 1024
MOST_KEY_COLUMNS = 10
# A worker that works holds a lock on its import; who finds it free after this time may take the import up.
ABANDONED_AFTER = timedelta(seconds=30)
OPEN = (Status.PENDING, Status.VALIDATING, Status.APPLYING)
# First key of the advisory locks on imports being worked on; the second is a hash of tenant and import.
WORK_LOCK = 7105
# The same for all files of a tenant: one is at work at a time.
PLACE_LOCK = 7107
_OUTCOMES = ("new", "changed", "unchanged", "refused")


class _Undo(Exception):
    """Takes back what a try run wrote."""


@transaction.atomic
def start(
    *,
    resource: str,
    file_name: str,
    content: bytes,
    actor: Any,
    dry_run: bool = True,
    mapping: Any = None,
    key: Any = None,
    on_duplicate: str = "error",
    ask: bool = False,
    looked: tuple[list[str], list[list[str]]] | None = None,
) -> ImportJob:
    """Take a file in; it is checked right after commit, and applied then unless it is a dry run.

    With `ask` it waits until `say_mapping` tells which column is which; `looked` is its header and some rows.
    Raises UnknownResource, FileTooLarge,
    EmptyFile, TooManyRows, InvalidInput. What else is wrong inside the file is listed on the job.
    """
    if resource not in RESOURCES:
        raise UnknownResource(field="resource", known=", ".join(sorted(RESOURCES)))
    _admit(resource, actor)
    if len(content) > MOST_BYTES:
        raise FileTooLarge(field="file", most=MOST_BYTES // 1024 // 1024)
    if not content.strip():
        raise EmptyFile(field="file")
    if content.count(b"\n") > MOST_ROWS and has_more_rows(content, MOST_ROWS):
        raise TooManyRows(field="file", most=MOST_ROWS)
    job = ImportJob(
        resource=resource,
        file_name="".join(c for c in file_name if c.isprintable())[-200:],
        content=content,
        dry_run=dry_run,
        started_by=getattr(actor, "pk", None),
        mapped=not ask,
        header=looked[0] if looked else [],
        samples=looked[1] if looked else [],
    )
    _say(job, mapping, key, on_duplicate)
    job.save(force_insert=True)
    topic = "import.uploaded" if ask else "import.started"
    told = made(resource=resource, status=job.status)
    details = {"resource": resource, "file": job.file_name, **told}
    record(topic, job, actor=actor, details=details, deliver=not ask)
    return job


@transaction.atomic
def say_mapping(job: ImportJob, *, mapping: Any, key: Any = None, on_duplicate: str = "error", actor: Any) -> ImportJob:
    """Say, or say anew, which column is which; the file is checked with that after commit. Raises InvalidInput."""
    job = ImportJob.objects.select_for_update().defer("content").get(pk=job.pk)
    if job.status in (Status.APPLYING, Status.APPLIED, Status.VALIDATING):
        raise NotReady(now=job.get_status_display())
    _admit(job.resource, actor)
    _say(job, mapping, key, on_duplicate)
    missing = [name for name in RESOURCES[job.resource].required if name not in job.mapping]
    if missing:
        raise InvalidInput(
            errors=[FieldError(f"mapping.{name}", "required", _("Say where this comes from.")) for name in missing]
        )
    change = before_and_after({"status": job.status}, {"status": Status.PENDING, "mapping": job.mapping})
    job.mapped, job.status = True, Status.PENDING
    job.save(update_fields=["mapping", "key", "on_duplicate", "mapped", "status", "modified_at"])
    record("import.started", job, actor=actor, details={"resource": job.resource, "file": job.file_name, **change})
    return job


def ask_to_apply(job: ImportJob, *, actor: Any) -> ImportJob:
    """Have a checked import applied soon. Asking again changes nothing. Raises NotReady."""
    with transaction.atomic():
        job = ImportJob.objects.select_for_update().defer("content").get(pk=job.pk)
        if job.status in (Status.APPLYING, Status.APPLIED):
            return job
        if job.status != Status.READY:
            raise NotReady(now=job.get_status_display())
        _admit(job.resource, actor)
        change = before_and_after({"status": job.status}, {"status": Status.APPLYING})
        job.status, job.progress = Status.APPLYING, 0
        job.save(update_fields=["status", "progress", "modified_at"])
        record("import.accepted", job, actor=actor, details={"resource": job.resource, **change})
    return job


def validate(job: ImportJob) -> ImportJob:
    """Check a waiting import; then it is ready or invalid, or applied at once if it was no dry run.

    The counts are what applying will do as long as nobody changes the data in between. Twice is harmless (G2).
    """
    waiting = ImportJob.objects.filter(pk=job.pk, mapped=True, status__in=[Status.PENDING, Status.VALIDATING])
    if not waiting.update(status=Status.VALIDATING, modified_at=timezone.now()):
        return ImportJob.objects.defer("content").get(pk=job.pk)
    return _work(job, {Status.VALIDATING})


def apply(job: ImportJob) -> ImportJob:
    """Apply an accepted import in one transaction, which also says so on the job: it happens once (G2).

    If the data has changed since the check and a row no longer fits, nothing is applied and the job is invalid.
    """
    return _work(job, {Status.APPLYING})


def run_now(*, resource: str, file_name: str, content: bytes, actor: Any) -> ImportJob:
    """Take in, check and apply a file before returning: for commands, which have no worker to wait for."""
    return validate(start(resource=resource, file_name=file_name, content=content, actor=actor, dry_run=False))


def unfinished(now: datetime | None = None) -> list[ImportJob]:
    """Return imports that nobody works on any more, oldest first: their worker died, or the broker lost them (G4)."""
    before = (now or timezone.now()) - ABANDONED_AFTER
    waiting = ImportJob.objects.filter(mapped=True, status__in=OPEN)
    return list(waiting.filter(modified_at__lt=before).defer("content").order_by("modified_at")[:20])


@contextmanager
def only_one() -> Iterator[bool]:
    """Take the present tenant's one place for files at work; False if it is taken. A worker's death frees it."""
    with connection.cursor() as cursor:
        name = connection.schema_name  # type: ignore[attr-defined]  # the tenants' wrapper has it
        cursor.execute("SELECT pg_try_advisory_lock(%s, hashtext(%s))", [PLACE_LOCK, name])
        mine = bool(cursor.fetchone()[0])
    try:
        yield mine
    finally:
        if mine and connection.connection is not None and connection.is_usable():
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s, hashtext(%s))", [PLACE_LOCK, name])


def next_waiting(after: str) -> Any:
    """Return the id of the file that has waited longest for its turn, other than this one; None if none does."""
    waiting = ImportJob.objects.filter(mapped=True, status__in=[Status.PENDING, Status.APPLYING]).exclude(pk=after)
    return waiting.order_by("modified_at").values_list("pk", flat=True).first()


def fail(job: ImportJob, code: str, message: str) -> ImportJob:
    """Give an import up because of an error of ours; everything it wrote was rolled back."""
    return _note(job, Status.FAILED, Found(errors=[(0, ColumnError("", code, message))], errors_count=1))


def given_up(since: datetime) -> Any:
    """Return the imports that `fail` ended since then."""
    return ImportJob.objects.filter(status=Status.FAILED, modified_at__gt=since)


def check_again(job: ImportJob, *, actor: Any) -> bool:
    """Have an import that was given up checked anew, and by a person before it is applied; False if somebody was
    faster. For operators, once the fault is mended."""
    with transaction.atomic():
        found = ImportJob.objects.select_for_update().defer("content", "errors_file").filter(pk=job.pk).first()
        if found is None or found.status != Status.FAILED:
            return False
        change = before_and_after({"status": found.status}, {"status": Status.PENDING})
        found.status, found.progress, found.dry_run = Status.PENDING, 0, True
        found.errors, found.errors_count, found.errors_file = [], 0, None
        found.save(
            update_fields=[
                "status", "progress", "dry_run", "errors", "errors_count", "errors_file", "modified_at",
            ]
        )  # fmt: skip
        record("import.started", found, actor=actor, details={"resource": found.resource, **change})
    return True


@retrying
def _work(job: ImportJob, expected: set[str]) -> ImportJob:
    """Run over the file in one transaction, which holds a lock that says so; whoever finds it taken leaves."""
    found: Found | None = None
    try:
        with transaction.atomic(), hints.one_for_all():
            if not _take_lock(job):
                return ImportJob.objects.defer("content").get(pk=job.pk)
            job = ImportJob.objects.defer("content", "errors_file").get(pk=job.pk)
            if job.status not in expected:
                return job
            applies = job.status == Status.APPLYING or not job.dry_run
            if applies:
                # Nobody says another mapping meanwhile, and of two that apply one waits.
                ImportJob.objects.select_for_update().only("pk").get(pk=job.pk)
            with transaction.atomic():
                found = run(job, RESOURCES[job.resource](actor=actor_of(job)), apply=applies)
                if found.errors or not applies:
                    raise _Undo
            job = _note(job, Status.APPLIED, found)
            _remember(job)
            change = before_and_after({"status": Status.APPLYING}, {"status": Status.APPLIED})
            details = {"resource": job.resource, "file": job.file_name, "counts": job.counts, **change}
            record("import.applied", job, actor=actor_of(job), details=details)
            return job
    except _Undo:
        pass
    except DatabaseError as error:
        refusal = refusal_of(error)
        if refusal is None or refusal.status >= 500:
            raise
        # A constraint said no to what the statements let through: somebody wrote the same meanwhile.
        found = Found(errors=[(0, ColumnError("", refusal.code, str(refusal)))], errors_count=1)
    assert found is not None
    if found.errors:
        return _note(job, Status.INVALID, found)
    job = _note(job, Status.READY, found)
    _remember(job)
    return job


def _take_lock(job: ImportJob) -> bool:
    with connection.cursor() as cursor:
        name = f"{connection.schema_name} {job.pk}"  # type: ignore[attr-defined]  # the tenants' wrapper has it
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s, hashtext(%s))", [WORK_LOCK, name])
        return bool(cursor.fetchone()[0])


def _say(job: ImportJob, mapping: Any, key: Any, on_duplicate: str) -> None:
    if on_duplicate not in ImportJob.OnDuplicate.values:
        message = _("Use one of: %s.") % ", ".join(ImportJob.OnDuplicate.values)
        raise InvalidInput(errors=[FieldError("on_duplicate", "invalid_choice", message)])
    if (
        not isinstance(key or [], list)
        or len(key or []) > MOST_KEY_COLUMNS
        or not all(isinstance(one, str) and 0 < len(one) <= mappings.LONGEST for one in key or [])
    ):
        raise InvalidInput(errors=[FieldError("key", "invalid", _("Give a list of the file's columns."))])
    sources = mappings.parse(mapping, RESOURCES[job.resource]) if mapping else {}
    job.mapping = {name: source.as_json() for name, source in sources.items()}
    job.key, job.on_duplicate = list(key or []), on_duplicate


def _remember(job: ImportJob) -> None:
    """Keep how this file was read for the next one with the same columns."""
    if not job.header or not job.mapping:
        return
    ImportMapping.objects.update_or_create(
        resource=job.resource,
        signature=mappings.signature(job.header),
        defaults={
            "header": job.header, "mapping": job.mapping, "key": job.key, "on_duplicate": job.on_duplicate,
        },
    )  # fmt: skip


def may_import(resource: str, held: frozenset[str]) -> bool:
    """Tell whether who holds these permissions everywhere in the tenant may bring in such a file."""
    needed = RESOURCES[resource].permission
    return "import" in held and (not needed or needed in held)


def _admit(resource: str, actor: Any) -> None:
    """A file writes what its services write: whoever may import still needs the right on what is in it."""
    needed = RESOURCES[resource].permission
    if needed and actor is not None and needed not in permissions_of(actor):
        raise Forbidden


def errors_csv(job: ImportJob) -> Iterator[bytes]:
    """Give everything that is wrong with the file as CSV, piece by piece."""
    packed = ImportJob.objects.filter(pk=job.pk).values_list("errors_file", flat=True).first()
    if packed is None:
        packed = pack_errors((one["line"], one["column"], one["code"], one["message"]) for one in job.errors)
    with gzip.open(io.BytesIO(packed)) as source:
        while piece := source.read(64 * 1024):
            yield piece


def progress_of(job: ImportJob) -> int:
    """Return how far a job is, in percent: while it runs, what its worker last said."""
    if job.status in (Status.VALIDATING, Status.APPLYING):
        return int(cache.get(progress_key(job)) or 0)
    return job.progress


def _note(job: ImportJob, status: str, found: Found) -> ImportJob:
    job.status, job.progress = status, 100
    job.counts = {outcome: found.counts.get(outcome, 0) for outcome in _OUTCOMES}
    job.errors = [{"line": line, **one._asdict()} for line, one in found.errors]
    job.errors_count, job.errors_file = found.errors_count, found.errors_file
    job.changes, job.changes_count = list(found.changes), found.changes_count
    if status == Status.APPLIED and job.resource in OF_PEOPLE:
        # Who came is in the orders now, where erasure finds them.
        ImportJob.objects.filter(pk=job.pk).update(content=b"", samples=[])
    job.save(
        update_fields=[
            "status", "progress", "counts", "errors", "errors_count", "errors_file", "changes", "changes_count",
            "header", "mapping", "key", "modified_at",
        ]
    )  # fmt: skip
    if status in (Status.INVALID, Status.FAILED):
        logger.info("import_refused", extra={"resource": job.resource, "errors": job.errors_count})
    return job
