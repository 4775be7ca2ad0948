"""Letters leave outside the request, so that no answer's time tells who has an account (G1, I7)."""

import logging

from celery import shared_task
from django.db import transaction
from django.utils import timezone

from shared_apps.accounts.models import WAITING, Arrival, EmailCode, Session

logger = logging.getLogger(__name__)


def send_soon(row_id: int) -> None:
    """After commit, ask a worker to send the letter. Never fails and never waits for long: a sweep follows."""
    transaction.on_commit(lambda: _hint(row_id))


def _hint(row_id: int) -> None:
    try:
        # In public, whatever tenant it was asked from: the row is there, and the tenant may be gone by then.
        send_email_code.apply_async(
            (row_id,), retry=False, expires=300, queue="urgent", headers={"_schema_name": "public"}
        )
    except Exception as error:  # whatever the broker's client raises: the sweep sends the letter
        logger.warning("email_hint_lost", extra={"reason": type(error).__name__})


@shared_task(name="accounts.send_email_code")
def send_email_code(row_id: int) -> None:
    """Send one letter, unless it was sent or is being sent: twice is once."""
    from shared_apps.accounts.mail import send

    send(row_id)


@shared_task(name="accounts.send_unsent")
def send_unsent() -> None:
    """Every minute: send what no worker was told of, or one died over."""
    from shared_apps.accounts.mail import send

    for row_id in EmailCode.objects.unsent().order_by("id").values_list("pk", flat=True)[:200]:
        try:
            send(row_id)
        except Exception as error:  # one address that cannot be written to must not hold up the others
            logger.warning("email_not_sent", extra={"row": row_id, "reason": type(error).__name__})


@shared_task(name="accounts.forget_old")
def forget_old() -> None:
    """Every night: drop registrations that nobody confirmed, old letters, and sessions that ended."""
    now = timezone.now()
    EmailCode.objects.filter(created_at__lt=now - WAITING).delete()
    Session.objects.filter(expires_at__lt=now).delete()
    Session.objects.filter(revoked_at__lt=now - WAITING).delete()
    Arrival.objects.filter(expires_at__lt=now).delete()


@shared_task(name="accounts.forget_audit")
def forget_audit() -> None:
    """Every night: drop the platform's audit entries that are older than PLATFORM_AUDIT_DAYS."""
    from shared_apps.accounts import trail

    trail.forget_old()
