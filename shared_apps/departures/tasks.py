"""When exports, erasures and their letters are worked on."""

import logging
from typing import Any

from celery import shared_task
from django.db import transaction

from shared_apps.departures import erasing, exports, letters
from tenants.tasks import PublicTask

logger = logging.getLogger(__name__)
# A million rows take minutes. Nobody waits for the time to run out: whose worker died has lost its lock, and the sweep
# sends another within half a minute.
SOFT_SECONDS, SECONDS = 3300, 3360


def work_soon(kind: str, pk: Any) -> None:
    """After commit, ask a worker to begin. Never fails: the sweep finds what nobody was told of."""
    transaction.on_commit(lambda: _hint(kind, str(pk)))


def _hint(kind: str, pk: str) -> None:
    task = build_export if kind == "export" else erase
    try:
        task.apply_async((pk,), retry=False, expires=300, headers={"_schema_name": "public"})
    except Exception as error:  # whatever the broker's client raises: the sweep takes it up
        logger.warning("departure_hint_lost", extra={"reason": type(error).__name__})


@shared_task(base=PublicTask, name="departures.export", soft_time_limit=SOFT_SECONDS, time_limit=SECONDS)
def build_export(export_id: str) -> None:
    """Build an archive. Two at once: one does it."""
    exports.work(export_id)


@shared_task(base=PublicTask, name="departures.erase", soft_time_limit=SOFT_SECONDS, time_limit=SECONDS)
def erase(erasure_id: str) -> None:
    """Do what is left of an erasure. Two at once: one does it."""
    erasing.work(erasure_id)


@shared_task(base=PublicTask, name="departures.sweep")
def sweep() -> None:
    """Every half minute: begin erasures whose grace is over, take up what a dead worker left, send letters."""
    erasing.begin_those_over()
    for erasure in erasing.unfinished()[:20]:
        _hint("erasure", str(erasure.pk))
    for export in exports.unfinished()[:20]:
        _hint("export", str(export.pk))
    letters.send_due()


@shared_task(base=PublicTask, name="departures.forget_old")
def forget_old() -> None:
    """Every hour: drop archives whose time is over."""
    exports.forget_old()
