"""A file's way in: start, check, apply. All or nothing, through the apps' own services (B4)."""

import logging
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from shared_apps.core.errors import DomainError, InvalidInput
from shared_apps.core.resources import ColumnError, RowResource
from tenant_apps.activity import hints
from tenant_apps.activity.services import before_and_after, made, record
from tenant_apps.imports.errors import EmptyFile, FileTooLarge, NotReady, UnknownResource, UnreadableFile
from tenant_apps.imports.models import ImportJob
from tenant_apps.imports.reading import rows
from tenant_apps.staff.actors import actor_by_id
from tenant_apps.ticketing.resources import EventResource

logger = logging.getLogger(__name__)

Status = ImportJob.Status

# Each kind of file with who reads it. An app that brings another one adds its resources.py here.
RESOURCES: dict[str, type[RowResource]] = {"events": EventResource}
MOST_BYTES = 20 * 1024 * 1024
# As many rows as go through the services within a task's time.
MOST_ROWS = 1_000
LISTED_ERRORS = 1_000
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
    told = made(resource=resource, status=job.status)
    record("import.started", job, actor=actor, details={"resource": resource, "file": job.file_name, **told})
    return job


def ask_to_apply(job: ImportJob, *, actor: Any) -> ImportJob:
    """Have a checked import applied soon. Asking again changes nothing. Raises NotReady."""
    with transaction.atomic():
        job = ImportJob.objects.select_for_update().defer("content").get(pk=job.pk)
        if job.status in (Status.APPLYING, Status.APPLIED):
            return job
        if job.status != Status.READY:
            raise NotReady(now=job.get_status_display())
        change = before_and_after({"status": job.status}, {"status": Status.APPLYING})
        job.status, job.progress = Status.APPLYING, 0
        job.save(update_fields=["status", "progress", "modified_at"])
        record("import.accepted", job, actor=actor, details={"resource": job.resource, **change})
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
            counts, errors = _run(job)
            raise _Undo
    except _Undo:
        pass
    job = _note(job, Status.INVALID if errors else Status.READY, counts, errors)
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
            counts, errors = _run(job)
            if errors:
                raise _Undo
            job = _note(job, Status.APPLIED, counts, [])
            record(
                "import.applied", job, actor=_actor_of(job), details={"resource": job.resource, "counts": job.counts}
            )
    except _Undo:
        return _note(job, Status.INVALID, counts, errors)
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
    return _note(job, Status.FAILED, Counter(), [(0, ColumnError("", code, message))])


def _run(job: ImportJob) -> tuple[Counter[str], list[tuple[int, ColumnError]]]:
    """Put every row into the data and return what the rows did and what is wrong with them.

    Runs inside the caller's transaction; a refused row takes back its own part only, so that the rows behind it
    are still checked.
    """
    resource = RESOURCES[job.resource](actor=_actor_of(job))
    counts: Counter[str] = Counter()
    errors: list[tuple[int, ColumnError]] = []
    try:
        for row in rows(bytes(job.content), known=list(resource.fields), required=resource.required, most=MOST_ROWS):
            values, wrong = resource.clean(row.cells)
            if not wrong:
                try:
                    with transaction.atomic():
                        counts[resource.apply(values)] += 1
                    continue
                except DomainError as refusal:
                    wrong = _columns_of(refusal, resource)
            counts["refused"] += 1
            errors.extend((row.line, one) for one in wrong)
    except UnreadableFile as problem:
        counts["refused"] += 1
        errors.append((problem.line, ColumnError(problem.column, problem.code, str(problem))))
    return counts, errors


def _columns_of(refusal: DomainError, resource: RowResource) -> list[ColumnError]:
    if isinstance(refusal, InvalidInput) and refusal.errors:
        return [ColumnError(_column(one.field, resource), one.code, str(one.message)) for one in refusal.errors]
    return [ColumnError(_column(refusal.field, resource), refusal.code, str(refusal))]


def _column(field: str, resource: RowResource) -> str:
    """Return the file's column that a service's field came from."""
    name = field.partition(".")[0]
    if name in resource.fields:
        return name
    return f"{name}_name" if f"{name}_name" in resource.fields else ""


def _note(job: ImportJob, status: str, counts: Counter[str], errors: list[tuple[int, ColumnError]]) -> ImportJob:
    job.status, job.progress = status, 100
    job.counts = {outcome: counts[outcome] for outcome in _OUTCOMES}
    job.errors = [{"line": line, **one._asdict()} for line, one in errors[:LISTED_ERRORS]]
    job.errors_count = len(errors)
    job.save(update_fields=["status", "progress", "counts", "errors", "errors_count", "modified_at"])
    if status in (Status.INVALID, Status.FAILED):
        logger.info("import_refused", extra={"resource": job.resource, "errors": job.errors_count})
    return job


def _actor_of(job: ImportJob) -> Any:
    return actor_by_id(job.started_by)
