"""A file's way in: start, check, apply. All or nothing, through the apps' own services (B4)."""

import logging
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.core.cache import cache
from django.db import transaction
from django.utils import timezone

from shared_apps.core.errors import DomainError, Forbidden, InvalidInput
from shared_apps.core.resources import ColumnError, Outcome, RowResource
from tenant_apps.activity import hints
from tenant_apps.activity.services import record
from tenant_apps.catalog.resources import ProductResource
from tenant_apps.imports import price_lists
from tenant_apps.imports.errors import EmptyFile, FileTooLarge, NotReady, UnknownResource, UnreadableFile
from tenant_apps.imports.models import ImportJob
from tenant_apps.imports.reading import Columns, Row, rows
from tenant_apps.staff.actors import actor_by_id
from tenant_apps.staff.permissions import permissions_of
from tenant_apps.ticketing.resources import EventResource

logger = logging.getLogger(__name__)

Status = ImportJob.Status

# Each kind of file with who reads it. An app that brings another one adds its resources.py here.
RESOURCES: dict[str, type[RowResource]] = {"events": EventResource, "products": ProductResource}
MOST_BYTES = 20 * 1024 * 1024
# As many rows as go through the services within a task's time.
MOST_ROWS = 1_000
LISTED_ERRORS = 1_000
LISTED_CHANGES = 1_000
# Longer than a task may run: whoever still has the job after that is dead.
ABANDONED_AFTER = timedelta(seconds=90)
_OUTCOMES = ("new", "changed", "unchanged", "refused")


class _Undo(Exception):
    """Takes back what a try run wrote."""


@transaction.atomic
def start(*, resource: str, file_name: str, content: bytes, actor: Any, dry_run: bool = True) -> ImportJob:
    """Take a file in; it is checked right after commit, and applied then unless it is a dry run.

    Raises UnknownResource, FileTooLarge, EmptyFile. What is wrong inside the file is listed on the job.
    """
    if resource not in RESOURCES:
        raise UnknownResource(field="resource", known=", ".join(sorted(RESOURCES)))
    _admit(resource, actor)
    if len(content) > MOST_BYTES:
        raise FileTooLarge(field="file", most=MOST_BYTES // 1024 // 1024)
    if not content.strip():
        raise EmptyFile(field="file")
    job = ImportJob.objects.create(
        resource=resource,
        file_name="".join(c for c in file_name if c.isprintable())[-200:],
        content=content,
        dry_run=dry_run,
        started_by=getattr(actor, "pk", None),
    )
    record("import.started", job, actor=actor, details={"resource": resource, "file": job.file_name})
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
        job.status, job.progress = Status.APPLYING, 0
        job.save(update_fields=["status", "progress", "modified_at"])
        record("import.accepted", job, actor=actor, details={"resource": job.resource})
    return job


def validate(job: ImportJob) -> ImportJob:
    """Check a waiting import by running it and taking all of it back; then it is ready or invalid.

    The counts are what applying will do as long as nobody changes the data in between. Twice is harmless (G2).
    """
    if not ImportJob.objects.filter(pk=job.pk, status__in=[Status.PENDING, Status.VALIDATING]).update(
        status=Status.VALIDATING, modified_at=timezone.now()
    ):
        return ImportJob.objects.get(pk=job.pk)
    job = ImportJob.objects.get(pk=job.pk)
    try:
        with transaction.atomic():
            found = _run(job)
            raise _Undo
    except _Undo:
        pass
    job = _note(job, Status.INVALID if found.errors else Status.READY, found)
    if job.status == Status.READY and not job.dry_run:
        return apply(ask_to_apply(job, actor=_actor_of(job)))
    return job


def apply(job: ImportJob) -> ImportJob:
    """Apply an accepted import in one transaction, which also says so on the job: it happens once (G2).

    If the data has changed since the check and a row no longer fits, nothing is applied and the job is invalid.
    """
    try:
        with transaction.atomic(), hints.one_for_all():
            job = ImportJob.objects.select_for_update().get(pk=job.pk)
            if job.status != Status.APPLYING:
                return job
            found = _run(job)
            if found.errors:
                raise _Undo
            job = _note(job, Status.APPLIED, found)
            record(
                "import.applied", job, actor=_actor_of(job), details={"resource": job.resource, "counts": job.counts}
            )
    except _Undo:
        return _note(job, Status.INVALID, found)
    return job


def run_now(*, resource: str, file_name: str, content: bytes, actor: Any) -> ImportJob:
    """Take in, check and apply a file before returning: for commands, which have no worker to wait for."""
    return validate(start(resource=resource, file_name=file_name, content=content, actor=actor, dry_run=False))


def unfinished(now: datetime | None = None) -> list[ImportJob]:
    """Return imports that nobody works on any more, oldest first: their worker died, or the broker lost them (G4)."""
    before = (now or timezone.now()) - ABANDONED_AFTER
    waiting = ImportJob.objects.filter(status__in=[Status.PENDING, Status.VALIDATING, Status.APPLYING])
    return list(waiting.filter(modified_at__lt=before).defer("content").order_by("modified_at")[:20])


def fail(job: ImportJob, code: str, message: str) -> ImportJob:
    """Give an import up because of an error of ours; everything it wrote was rolled back."""
    return _note(job, Status.FAILED, _Found(errors=[(0, ColumnError("", code, message))]))


@dataclass
class _Found:
    """What a run over a file did: by rows, what is wrong with which, and what came out different."""

    counts: Counter[str] = field(default_factory=Counter)
    errors: list[tuple[int, ColumnError]] = field(default_factory=list)
    changes: list[dict[str, Any]] = field(default_factory=list)
    changes_count: int = 0


def _admit(resource: str, actor: Any) -> None:
    """A file writes what its services write: whoever may import still needs the right on what is in it."""
    needed = RESOURCES[resource].permission
    if needed and actor is not None and needed not in permissions_of(actor):
        raise Forbidden


def _rows_of(job: ImportJob, resource: RowResource) -> Iterator[Row]:
    content = bytes(job.content)
    if resource.price_lists and price_lists.is_price_list(job.file_name):
        return price_lists.rows(content, most=MOST_ROWS)
    columns = Columns(list(resource.fields), resource.required, resource.aliases, resource.prefixes)
    return rows(content, columns, most=MOST_ROWS)


def _run(job: ImportJob) -> _Found:
    """Put every row into the data and return what the rows did and what is wrong with them.

    Runs inside the caller's transaction; a refused row takes back its own part only, so that the rows behind it
    are still checked.
    """
    resource = RESOURCES[job.resource](actor=_actor_of(job))
    found = _Found()
    told = _Progress(job)
    lines: list[Row] = []
    unreadable: UnreadableFile | None = None
    try:
        lines.extend(_rows_of(job, resource))
    except UnreadableFile as problem:
        unreadable = problem  # what stands before it is checked all the same
    resource.look_over([row.cells for row in lines])
    for number, row in enumerate(lines):
        told.at(number, len(lines))
        values, wrong = resource.clean(row.cells)
        if not wrong:
            resource.diff = None
            try:
                with transaction.atomic():
                    outcome = resource.apply(values)
            except DomainError as refusal:
                wrong = _columns_of(refusal, resource)
            else:
                found.counts[outcome] += 1
                diff: Any = resource.diff  # by apply()
                if diff is not None and outcome != Outcome.UNCHANGED:
                    found.changes_count += 1
                    if len(found.changes) < LISTED_CHANGES:
                        found.changes.append({"line": row.line, "outcome": str(outcome), **diff})
                continue
        found.counts["refused"] += 1
        found.errors.extend((row.line, one) for one in wrong)
    if unreadable is not None:
        found.counts["refused"] += 1
        found.errors.append((unreadable.line, ColumnError(unreadable.column, unreadable.code, str(unreadable))))
    return found


class _Progress:
    """Says how far a run is, beside its transaction, which nobody sees into: in the tenant's cache."""

    STEP_SECONDS = 0.5

    def __init__(self, job: ImportJob):
        self.key = progress_key(job)
        self.next = 0.0

    def at(self, number: int, total: int) -> None:
        if (now := time.monotonic()) >= self.next:
            self.next = now + self.STEP_SECONDS
            cache.set(self.key, min(99, number * 100 // max(total, 1)), 120)


def progress_key(job: ImportJob) -> str:
    return f"import-progress:{job.pk}"


def progress_of(job: ImportJob) -> int:
    """Return how far a job is, in percent: while it runs, what its worker last said."""
    if job.status in (Status.VALIDATING, Status.APPLYING):
        return int(cache.get(progress_key(job)) or 0)
    return job.progress


def _columns_of(refusal: DomainError, resource: RowResource) -> list[ColumnError]:
    if isinstance(refusal, InvalidInput) and refusal.errors:
        return [ColumnError(_column(one.field, resource), one.code, str(one.message)) for one in refusal.errors]
    return [ColumnError(_column(refusal.field, resource), refusal.code, str(refusal))]


def _column(path: str, resource: RowResource) -> str:
    """Return the file's column that a service's field came from."""
    path = resource.column_of(path)
    if path in resource.fields or any(path.startswith(prefix) for prefix in resource.prefixes):
        return path
    name = path.partition(".")[0]
    if name in resource.fields:
        return name
    return f"{name}_name" if f"{name}_name" in resource.fields else ""


def _note(job: ImportJob, status: str, found: _Found) -> ImportJob:
    job.status, job.progress = status, 100
    job.counts = {outcome: found.counts[outcome] for outcome in _OUTCOMES}
    job.errors = [{"line": line, **one._asdict()} for line, one in found.errors[:LISTED_ERRORS]]
    job.errors_count = len(found.errors)
    job.changes, job.changes_count = found.changes, found.changes_count
    job.save(
        update_fields=[
            "status", "progress", "counts", "errors", "errors_count", "changes", "changes_count", "modified_at",
        ]
    )  # fmt: skip
    if status in (Status.INVALID, Status.FAILED):
        logger.info("import_refused", extra={"resource": job.resource, "errors": job.errors_count})
    return job


def _actor_of(job: ImportJob) -> Any:
    return actor_by_id(job.started_by)
