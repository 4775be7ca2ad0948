"""Text messages: to numbers that people gave, by the tenant's own account, within what it may cost in a day."""

import logging
from typing import Any

from shared_apps.core.phones import e164
from tenant_apps.notifications import sms_accounts
from tenant_apps.notifications.channels import Undeliverable, gsm, sms_service
from tenant_apps.notifications.models import SmsMessage

logger = logging.getLogger(__name__)

CHANNEL = "sms"
# A longer text is cut, and its link leads to the rest.
MOST_PARTS = 4


def reaches(recipient: Any) -> bool:
    """Whether there is a number to write to and an account to write by."""
    return bool(recipient.phone) and sms_accounts.usable() is not None


def send(topic: Any, recipient: Any, text: Any) -> None:
    """Hand one text message over, at most once for a key however often it is tried.

    Raises Undeliverable for what will never arrive, anything else for a try that may be repeated.
    """
    account = sms_accounts.usable()
    number = e164(recipient.phone)
    if account is None or not number:
        raise Undeliverable("there is no account" if account is None else "this is no telephone number")
    words = written(text)
    size = gsm.size(words)
    message = sms_accounts.claim(str(text.key), size.parts)
    if message is None:
        logger.warning("sms_daily_limit_reached")
        raise Undeliverable("the day's limit is reached")
    if message.status == SmsMessage.Status.SENT:
        return
    if message.status == SmsMessage.Status.REFUSED:
        raise Undeliverable("the service refused it")
    try:
        reference = sms_service.service().send(
            key=message.key,
            account_key=sms_accounts.key_of(account),
            sender=account.sender,
            to=number,
            text=words,
            encoding=size.encoding,
        )
    except sms_service.Refused as refusal:
        sms_accounts.settle(message, SmsMessage.Status.REFUSED)
        raise Undeliverable(str(refusal)) from None
    except sms_service.AccountFails as failure:
        sms_accounts.note_problem(account, failure.problem)
        raise
    sms_accounts.settle(message, SmsMessage.Status.SENT, reference)
    if account.problem:
        sms_accounts.note_problem(account, "")


def written(text: Any) -> str:
    """Return what is sent: the short text and the link, which is never cut."""
    link = f" {text.url}" if text.url else ""
    words = gsm.plain(" ".join(str(text.short).split()))
    whole = words + link
    if gsm.size(whole).parts <= MOST_PARTS:
        return whole
    low, high = 0, len(words)
    while low < high:
        middle = (low + high + 1) // 2
        fits = gsm.size(words[:middle].rstrip() + "..." + link).parts <= MOST_PARTS
        low, high = (middle, high) if fits else (low, middle - 1)
    return words[:low].rstrip() + "..." + link
