"""A tenant's account for text messages: its key in, sealed, never out again; and what it may cost."""

import json
import logging
import re
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from shared_apps.core.errors import Conflict, FieldError, InvalidInput
from shared_apps.core.phones import e164
from shared_apps.core.secrets import CannotDecrypt, decrypt, encrypt
from tenant_apps.activity.services import before_and_after, gone, made, record
from tenant_apps.notifications.models import SmsAccount, SmsMessage
from tenants.context import current_tenant

logger = logging.getLogger(__name__)

LONGEST_KEY = 300
# What a telephone shows as the sender: a short name (3GPP TS 23.040), or a number that can be answered.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{1,9}[A-Za-z0-9]")
DEFAULT_PARTS = 200


class SmsNotOffered(Conflict):
    code = "sms_not_offered"
    message = _("This platform sends no text messages. Its operator has to name a service first.")


def is_offered() -> bool:
    """Whether this deployment has a service for text messages at all (P4)."""
    return bool(settings.SMS_API_BASE)


def account() -> SmsAccount | None:
    """Return the tenant's account, switched on or not."""
    return SmsAccount.objects.first()


def usable() -> SmsAccount | None:
    """Return the account if text messages can be sent by it."""
    return SmsAccount.objects.filter(enabled=True).first() if is_offered() else None


def set_up(*, sender: str, key: str, daily_parts: int, enabled: bool = True, actor: Any) -> SmsAccount:
    """Keep what was typed; an empty key keeps the one that is there. Raises InvalidInput, SmsNotOffered."""
    if not is_offered():
        raise SmsNotOffered
    with transaction.atomic():
        before = SmsAccount.objects.select_for_update(no_key=True).first()
        _check(sender, key, daily_parts, is_new=before is None)
        told = {"sender": sender, "daily_parts": daily_parts, "enabled": enabled}
        if before is None:
            found = SmsAccount.objects.create(sealed=_sealed(key), **told)
            change = made(**told)
        else:
            found = before
            change = before_and_after({name: getattr(before, name) for name in told}, told)
            for name, value in told.items():
                setattr(found, name, value)
            if key:
                found.sealed, found.problem = _sealed(key), ""
                change["key"] = "changed"
            # A lower bound holds from now on; what was spent stays spent.
            found.used_parts = min(found.used_parts, daily_parts)
            found.save()
        record("sms.account_changed", found, actor=actor, details=change, deliver=False)
    return found


@transaction.atomic
def remove(*, actor: Any) -> None:
    """Forget the account and its key. Twice is once."""
    found = SmsAccount.objects.select_for_update().first()
    if found is not None:
        record("sms.account_removed", found, actor=actor, details=gone(sender=found.sender), deliver=False)
        found.delete()


def _check(sender: str, key: str, daily_parts: int, *, is_new: bool) -> None:
    errors = []
    if not _NAME.fullmatch(sender) and not e164(sender):
        errors.append(FieldError("sender", "invalid", _("3 to 11 letters and digits, or a telephone number.")))
    if (
        (is_new and not key)
        or len(key) > LONGEST_KEY
        or not key.isascii()
        or not (key.isprintable() and " " not in key)
    ):
        errors.append(FieldError("key", "invalid", _("The key that the service gave you, without blanks.")))
    if not 0 <= daily_parts <= settings.SMS_MOST_PARTS_A_DAY:
        hint = _("A whole number from 0 to {most}.").format(most=settings.SMS_MOST_PARTS_A_DAY)
        errors.append(FieldError("daily_parts", "invalid", hint))
    if errors:
        raise InvalidInput(errors=errors)


# --- The key ----------------------------------------------------------------------------------------------------------


def _purpose() -> str:
    # A row that is copied into another tenant's schema cannot be opened there (N2).
    return f"sms.{current_tenant().schema_name}"


def _sealed(key: str) -> bytes:
    return encrypt(json.dumps(key).encode(), _purpose())


def key_of(found: SmsAccount) -> str:
    """Return the key. Raises CannotDecrypt after SECRET_KEY was changed without a fallback."""
    try:
        return str(json.loads(decrypt(found.sealed, _purpose())))
    except CannotDecrypt:
        logger.error("sms_key_cannot_be_opened")
        raise


# --- What it costs ----------------------------------------------------------------------------------------------------


@transaction.atomic
def claim(key: str, parts: int, now: datetime | None = None) -> SmsMessage | None:
    """Write a text message into the book, within the day's bound; None if it would pass that.

    A message that is in it already is returned as it is: each try of it costs once.
    """
    today = (now or timezone.now()).date()
    known = SmsMessage.objects.filter(pk=key).first()
    if known is not None:
        return known
    row = SmsAccount.objects.select_for_update(no_key=True).first()
    if row is None:
        return None
    # While we waited for the account another worker may have written the same one.
    known = SmsMessage.objects.filter(pk=key).first()
    if known is not None:
        return known
    used = row.used_parts if row.day == today else 0
    if used + parts > row.daily_parts:
        return None
    SmsAccount.objects.filter(pk=row.pk).update(day=today, used_parts=used + parts)
    return SmsMessage.objects.create(key=key, parts=parts)


@transaction.atomic
def settle(message: SmsMessage, status: str, reference: str = "") -> None:
    """Note what became of it. What the service refused costs nothing and is given back, once."""
    SmsAccount.objects.select_for_update(no_key=True).first()
    moved = SmsMessage.objects.filter(pk=message.pk, status=SmsMessage.Status.CLAIMED).update(
        status=status, reference=reference[:100]
    )
    if moved and status == SmsMessage.Status.REFUSED:
        SmsAccount.objects.filter(day=message.created_at.date(), used_parts__gte=message.parts).update(
            used_parts=F("used_parts") - message.parts
        )


@transaction.atomic
def note_problem(found: SmsAccount, problem: str) -> None:
    """Remember why nothing can be sent, or that it can again; staff are told when that is news."""
    news = SmsAccount.objects.filter(pk=found.pk).exclude(problem=problem).update(problem=problem)
    if news and problem:
        logger.error("sms_account_fails", extra={"problem": problem})
        record("sms.account_fails", found, details={"problem": problem}, payload={"problem": problem})


def left_today(found: SmsAccount, now: datetime | None = None) -> int:
    """How many parts may still be sent today."""
    used = found.used_parts if found.day == (now or timezone.now()).date() else 0
    return max(0, found.daily_parts - used)
