"""The tenant's own sender and mail server: changed, tried out, and given up."""

import re
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from shared_apps.core.errors import Conflict, FieldError, InvalidInput
from tenant_apps.activity.hints import deliver_soon
from tenant_apps.activity.models import OutboxMessage
from tenant_apps.activity.services import before_and_after, gone, record
from tenant_apps.activity.standing import retry_all
from tenant_apps.notifications import dns_records, mailer, smtp
from tenant_apps.notifications.channels import email
from tenant_apps.notifications.models import Sender
from tenant_apps.notifications.topics import Recipient, Text, topic
from tenants.context import current_tenant

FIELDS = ("name", "reply_to", "address", "dkim_selector", "host", "port", "username")
_HOST = re.compile(r"(?=.{1,253}\Z)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?")
_SELECTOR = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
LONGEST = {"name": 80, "reply_to": 254, "address": 254, "dkim_selector": 63, "host": 253, "username": 254}
LONGEST_PASSWORD = 500


class MailFailed(Conflict):
    code = "mail_failed"
    message: Any = _("The mail did not leave: {why}")


class NoAddress(Conflict):
    code = "no_sender_address"
    message: Any = _("Set an address to send from first.")


def sender() -> Sender:
    """Return what the present tenant set, or an empty row that is not kept."""
    return mailer.own_sender() or Sender()


def change_sender(changes: Mapping[str, Any], *, actor: Any) -> Sender:
    """Change what is given. A password stays as it is unless one is given; a server or user name that is not the one
    before loses it: else whoever may change the host could have our worker tell it the password.

    Raises InvalidInput, naming each field.
    """
    with transaction.atomic():
        own = Sender.objects.select_for_update().first() or Sender()
        before = {name: getattr(own, name) for name in FIELDS}
        typed = {name: _tidy(name, changes[name]) for name in FIELDS if name in changes}
        _refuse(typed, changes)
        for name, value in typed.items():
            setattr(own, name, value)
        after = {name: getattr(own, name) for name in FIELDS}
        password = changes.get("password")
        elsewhere = any(before[name] != after[name] for name in ("host", "port", "username"))
        if password:
            own.sealed = mailer.sealed(password)
        elif elsewhere or not own.host:
            own.sealed = None
        if own.username and own.host and own.sealed is None:
            raise InvalidInput(errors=[FieldError("password", "required", _("Enter the password of this server."))])
        if dns_records.domain_of(before["address"]) != dns_records.domain_of(after["address"]) or not own.address:
            own.proven_at = None
        if before == after and not password:
            return own
        # What is new is tried at once.
        own.problem, own.failing_since, own.failures, own.rest_until = "", None, 0, None
        own.changed_at = timezone.now()
        own.save()
        told = before_and_after(before, after)
        record("mail_sender.changed", own, actor=actor, details={**told, "password": bool(password)}, deliver=False)
    _try_again()
    return own


@transaction.atomic
def remove_sender(*, actor: Any) -> None:
    """Send as the platform again. Twice changes nothing."""
    own = Sender.objects.select_for_update().first()
    if own is not None:
        told = gone(**{name: getattr(own, name) for name in FIELDS})
        record("mail_sender.removed", own, actor=actor, details=told, deliver=False)
        own.delete()
        _try_again()


def send_test(*, actor: Any) -> str:
    """Send a mail to the person who asks for it, now and by the way that all mail goes; return the address.

    Nobody else's address is taken: this is no way to mail strangers. Raises MailFailed with the reason in words.
    """
    tenant = current_tenant()
    told = topic("staff.test")
    to = Recipient(user_id=actor.pk, email=actor.email, name=actor.name, language=actor.language)
    text = Text(
        _("Test mail of {site}").format(site=tenant.name),
        _("This mail came by the way that all mail of {site} goes.").format(site=tenant.name),
        "",
        key=f"test-{timezone.now():%Y%m%d%H%M%S%f}",
    )
    # Somebody is waiting for exactly this: the pause after a failure is not for them.
    Sender.objects.update(rest_until=None)
    try:
        email.send(told, to, text)
    except Exception as error:  # whatever the server or the way to it does is said in words
        raise MailFailed(why=smtp.in_words(error)) from None
    _try_again()
    return to.email


def records() -> list[dns_records.Record]:
    """Return the DNS records that the tenant's own address needs."""
    return dns_records.records_for(current_tenant(), sender())


def check_records() -> list[dns_records.Checked]:
    """Ask DNS for them and keep whether the address may be used. Raises NoAddress."""
    own = sender()
    if not own.address:
        raise NoAddress
    checked = dns_records.check(dns_records.records_for(current_tenant(), own))
    unknown = any(each.record.must and each.state == dns_records.UNKNOWN for each in checked)
    if not unknown:  # nobody answering proves nothing, either way
        proven = timezone.now() if dns_records.all_set(checked) and not own.host else None
        Sender.objects.filter(address=own.address, host=own.host).update(proven_at=proven)
    return checked


def waiting_mails() -> int:
    """Return how many messages failed and wait for another try, or were parked, because a mail could not be sent."""
    failed = OutboxMessage.objects.filter(delivered_at__isnull=True, tries__gt=0, last_error__contains="email:")
    return failed.count()


def _try_again() -> None:
    """What failed or was parked over a mail comes again at once: its cause may be mended."""
    failed = OutboxMessage.objects.filter(delivered_at__isnull=True, tries__gt=0, last_error__contains="email:")
    for name in set(failed.filter(parked_at__isnull=False).values_list("topic", flat=True)):
        retry_all(name)
    failed.filter(parked_at__isnull=True).update(due_at=timezone.now())
    for queue in set(failed.values_list("queue", flat=True)):
        deliver_soon(queue)


def _tidy(name: str, value: Any) -> Any:
    if name == "port":
        return value
    text = str(value or "").strip()
    return text.lower().rstrip(".") if name in ("host", "dkim_selector") else text


def _refuse(typed: Mapping[str, Any], changes: Mapping[str, Any]) -> None:
    errors: list[FieldError] = []
    for name, value in typed.items():
        if name == "port":
            if value not in smtp.PORTS or isinstance(value, bool):
                errors.append(FieldError(name, "invalid", _("One of 465, 587, 25.")))
            continue
        longest = LONGEST[name]
        if len(value) > longest or (value and not value.isprintable()):
            errors.append(FieldError(name, "invalid", _("One line of at most {most} characters.").format(most=longest)))
        elif name in ("reply_to", "address") and value and not _is_address(value):
            errors.append(FieldError(name, "invalid", _("An email address.")))
        elif name == "host" and value and not _HOST.fullmatch(value):
            errors.append(FieldError(name, "invalid", _("The name of a mail server, such as smtp.example.org.")))
        elif name == "dkim_selector" and value and not _SELECTOR.fullmatch(value):
            errors.append(FieldError(name, "invalid", _("Small letters, digits and hyphens.")))
    password = changes.get("password") or ""
    if len(password) > LONGEST_PASSWORD or (password and not password.isprintable()):
        errors.append(FieldError("password", "invalid", _("One line of at most {most} characters.").format(most=500)))
    if errors:
        raise InvalidInput(errors=errors)


def _is_address(value: str) -> bool:
    try:
        validate_email(value)
    except ValidationError:
        return False
    return value.isascii()
