"""When requests for personal data are worked on."""

import logging

from celery import shared_task
from django.db import transaction

from shared_apps.people import requests
from shared_apps.people.models import DataRequest
from tenants.tasks import PublicTask

logger = logging.getLogger(__name__)


def work_soon(request: DataRequest) -> None:
    """After commit, ask a worker to begin. Never fails: the sweep finds what nobody was told of."""
    transaction.on_commit(lambda: _hint(str(request.pk)))


def _hint(request_id: str) -> None:
    try:
        work.apply_async((request_id,), retry=False, expires=60, headers={"_schema_name": "public"})
    except Exception as error:  # whatever the broker's client raises: the sweep takes it up
        logger.warning("data_request_hint_lost", extra={"reason": type(error).__name__})


@shared_task(base=PublicTask, name="people.work")
def work(request_id: str) -> None:
    """Do a request's steps for half a minute, then hand on. Two at once share the steps out."""
    if requests.work(request_id):
        _hint(request_id)


@shared_task(base=PublicTask, name="people.resume")
def resume() -> None:
    """Every minute: take up what a dead worker left and what failed a while ago."""
    for request in requests.unfinished()[:50]:
        _hint(str(request.pk))


@shared_task(base=PublicTask, name="people.forget_old")
def forget_old() -> None:
    """Every hour: drop archives that are seven days old."""
    requests.forget_old()
