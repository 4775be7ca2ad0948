"""API keys: made by people, shown once, kept as a digest, ended at once.

A key is `foyer_<prefix>_<secret>`: the prefix finds the row, the secret carries 256 random bits, so that a plain
SHA-256 of the whole is enough to keep. A key of another tenant is unknown here, as any text is.
"""

import hashlib
import re
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db import models, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext as _

from shared_apps.accounts.models import User
from shared_apps.core.errors import FieldError, InvalidInput
from shared_apps.core.prepared import Parameter, Prepared, SideBySide
from shared_apps.core.schemas import present_schema
from tenant_apps.activity.services import before_and_after, record
from tenant_apps.staff.errors import KeyExpired, KeyMalformed, KeyRefused, KeyRevoked, ScopesNotForEvents
from tenant_apps.staff.models import ApiKey
from tenant_apps.staff.presets import EVENT_PERMISSIONS
from tenant_apps.staff.roles import known_permissions
from tenant_apps.staff.services import within_own_rights

_KEY = re.compile(r"foyer_([0-9a-z]{10})_([A-Za-z0-9_-]{43})")
_PREFIX_LETTERS = "0123456789abcdefghjkmnpqrstvwxyz"
# What is read of a key's maker with each call.
_OF_MAKER = ("id", "email", "name", "is_active")
# How exactly the last use is known, so that a busy program does not write a row with each call.
USE_IS_NOTED_EVERY = timedelta(minutes=1)


@transaction.atomic
def make_key(
    *,
    name: str,
    scopes: Iterable[str],
    events: Iterable[Any] | None = None,
    expires_at: datetime | None = None,
    actor: Any,
) -> tuple[ApiKey, str]:
    """Make a key for a program and return it with its text, which nobody can see again.

    `events` limits it to those; None means all. Its scopes may not exceed what its maker holds (I4).
    """
    wanted = known_permissions(scopes, field="scopes")
    within_own_rights(actor, wanted)
    event_ids = None if events is None else sorted({event.pk for event in events})
    if event_ids is not None and set(wanted) - EVENT_PERMISSIONS.keys():
        raise ScopesNotForEvents(field="scopes")
    if event_ids == []:
        raise InvalidInput(errors=[FieldError("events", "empty", _("Name at least one event."))])
    if expires_at is not None and expires_at <= timezone.now():
        raise InvalidInput(errors=[FieldError("expires_at", "in_the_past", _("This lies in the past."))])
    prefix = "".join(secrets.choice(_PREFIX_LETTERS) for _place in range(10))
    text = f"foyer_{prefix}_{secrets.token_urlsafe(32)}"
    key = ApiKey.objects.create(
        name=name,
        prefix=prefix,
        digest=_digest(text),
        scopes=wanted,
        event_ids=event_ids,
        created_by_id=actor.pk,
        expires_at=expires_at,
    )
    made = before_and_after({}, {"name": name, "scopes": wanted, "events": event_ids, "expires_at": expires_at})
    record("api_key.made", key, actor=actor, details={"key": str(key), **made}, payload={"by": actor.pk})
    return key, text


@transaction.atomic
def revoke(key: ApiKey, *, actor: Any) -> None:
    """End the key; its next call is refused. Repeating it changes nothing."""
    if ApiKey.objects.standing().filter(pk=key.pk).update(revoked_at=timezone.now()):
        ended = before_and_after({"standing": True}, {"standing": False})
        by = actor.pk if isinstance(actor, User) else None
        record("api_key.revoked", key, actor=actor, details={"key": str(key), **ended}, payload={"by": by})


def key_of(text: str, now: datetime | None = None) -> ApiKey:
    """Return the key that the text is, and note its use. Raises KeyRefused, whose code says why.

    One statement, and one more at most once a minute.
    """
    prefix = prefix_of(text)
    (key,) = _named((prefix,))
    return judged(key, text, now)


def prefix_of(text: str) -> str:
    """Return the part of a key by which its row is found. Raises KeyRefused for what cannot be a key here."""
    found = _KEY.fullmatch(text)
    if found is None:
        raise KeyMalformed
    if present_schema() == "public":
        raise KeyRefused  # only tenants have keys
    return found[1]


def judged(key: ApiKey | None, text: str, now: datetime | None = None) -> ApiKey:
    """Return the row that was found by the text's prefix if the text is that key and it is good; note its use.

    Raises KeyRefused, whose code says why. A statement at most once a minute.
    """
    now = now or timezone.now()
    if key is None or not constant_time_compare(key.digest, _digest(text)):
        raise KeyRefused
    if key.revoked_at is not None or not key.created_by.is_active:
        raise KeyRevoked(key=key)
    if key.expires_at is not None and key.expires_at <= now:
        raise KeyExpired(key=key)
    _note_use(key, now)
    return key


@Prepared
def by_prefix(prefix: Parameter) -> Any:
    """The key with this prefix, with its maker; for statements that ask something else beside it."""
    columns = [field.name for field in ApiKey._meta.concrete_fields]
    keys = ApiKey.objects.select_related("created_by").only(*columns, *(f"created_by__{name}" for name in _OF_MAKER))
    return keys.order_by().filter(prefix=prefix.of(models.CharField()))  # it is unique


_named = SideBySide(by_prefix)


def _note_use(key: ApiKey, now: datetime) -> None:
    if key.last_used_at is not None and key.last_used_at > now - USE_IS_NOTED_EVERY:
        return
    long_ago = Q(last_used_at__isnull=True) | Q(last_used_at__lte=now - USE_IS_NOTED_EVERY)
    ApiKey.objects.filter(long_ago, pk=key.pk).update(last_used_at=now)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
