"""When files are checked and applied."""

import logging

from celery import shared_task

from tenant_apps.imports import services
from tenant_apps.imports.models import ImportJob
from tenants import due
from tenants.tasks import TenantTask

logger = logging.getLogger(__name__)


# A file of 100,000 rows on a busy machine. Longer than the broker waits: it hands the task out again then, and the
# second worker finds the import's lock taken and leaves.
SOFT_SECONDS, HARD_SECONDS = 280, 300


@shared_task(base=TenantTask, name="imports.advance", soft_time_limit=SOFT_SECONDS, time_limit=HARD_SECONDS)
def advance(job_id: str) -> None:
    """After an upload, and after it was accepted: check or apply it, whichever is next. Twice is once.

    A tenant has one file at work at a time (N7): whoever finds one leaves, and who worked on it takes the next.
    """
    with services.only_one() as mine:
        if not mine:
            return
        _advance(job_id)
    # After the place is free: a file that came while it was taken is there by now.
    if (waiting := services.next_waiting(job_id)) is not None:
        advance.apply_async(args=[str(waiting)], retry=False)


def _advance(job_id: str) -> None:
    job = ImportJob.objects.defer("content", "errors_file").filter(pk=job_id).first()
    if job is None:
        return
    step = services.apply if job.status == ImportJob.Status.APPLYING else services.validate
    try:
        step(job)
    except Exception:
        logger.exception("import_failed", extra={"import_id": job_id})
        services.fail(job, "internal_error", "Something went wrong on our side; nothing was applied.")


@shared_task(base=TenantTask, name="imports.resume")
def resume() -> None:
    """Every minute: take up imports whose worker died."""
    for job in services.unfinished():
        advance.apply_async(args=[str(job.pk)], retry=False)


due.soonest(
    "imports.resume",
    lambda: [
        (ImportJob.objects.filter(mapped=True, status__in=services.OPEN), "modified_at", services.ABANDONED_AFTER)
    ],
)
