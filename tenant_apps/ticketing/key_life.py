"""The keys of an event over time: a new one takes over, a leaked one is disowned; and what scanners must know of it.

A key that was followed by another has done nothing wrong: what it signed is on paper in people's pockets and admits as
before. A key that was revoked is believed no more, from the commit on: every code that it signed is refused, and each
holder gets the code that the present key signs, which is another text for the same ticket.
"""

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from shared_apps.core.errors import FieldError, InvalidInput, NotFound
from tenant_apps.activity.models import OutboxMessage
from tenant_apps.activity.services import before_and_after, record
from tenant_apps.events.models import Event
from tenant_apps.events.services import locked
from tenant_apps.ticketing.errors import KeyAlreadyRevoked
from tenant_apps.ticketing.keys import new_key
from tenant_apps.ticketing.lifecycle import GOOD, MOVES
from tenant_apps.ticketing.models import EventKey, RetiredCode, Ticket

# What ended a ticket; an expired one is refused by its own dates, which a scanner has.
DEAD = tuple(status for status in MOVES if status not in (*GOOD, "expired"))
# A change is stamped before its commit: the next question goes back by more than any transaction lasts (P5).
OVERLAP = timedelta(seconds=60)
MOST_TOKENS = 20_000
# One letter names all tickets that an address holds, in parts: a message's payload is no place for thousands of ids.
MOST_IN_A_LETTER = 50


@transaction.atomic
def rotate(event: Event, *, actor: Any) -> EventKey:
    """Have a new key sign the event's codes from now on, and return it. Codes that are out stay good."""
    event = locked(event)
    before = _retire(event)
    key = new_key(event.pk)
    key.save(force_insert=True)
    told = before_and_after({"key": before}, {"key": key.key_id})
    record("event_key.rotated", event, actor=actor, details=told, deliver=False)
    return key


@transaction.atomic
def revoke_key(event: Event, key_id: str, *, reason: str, actor: Any) -> EventKey:
    """Disown a key: nothing that it signed admits from the commit on, and its holders get their new codes by mail.

    If it is the one that signs, a new one takes over first. Raises NotFound, KeyAlreadyRevoked, and InvalidInput
    without a reason.
    """
    reason = " ".join(reason.split())[:300]
    if not reason:
        raise InvalidInput(errors=[FieldError("reason", "required", _("Say why."))])
    event = locked(event)
    key: EventKey | None = EventKey.objects.filter(event=event, key_id=key_id).first()
    if key is None:
        raise NotFound
    if key.revoked_at is not None:
        raise KeyAlreadyRevoked
    if key.retired_at is None:
        rotate(event, actor=actor)
        key.refresh_from_db()
    key.revoked_at = timezone.now()
    key.save(update_fields=["revoked_at"])
    letters = _tell_holders(event, key)
    change = before_and_after({"believed": True}, {"believed": False})
    details = {"key": key.key_id, "reason": reason, "tickets": letters, **change}
    record("event_key.revoked", event, actor=actor, details=details, deliver=False)
    return key


@dataclass(frozen=True, slots=True)
class Revocations:
    """What became bad since a moment, and good again. `until` is the `since` of the next question; `more` says that
    it should be asked at once."""

    tokens: tuple[bytes, ...]
    restored: tuple[bytes, ...]
    keys: tuple[str, ...]
    until: datetime
    more: bool = False


def revocations(event: Event, since: datetime | None = None, *, now: datetime | None = None) -> Revocations:
    """Return the tokens of the event that a scanner without network must refuse, and the keys that it must not believe.

    Questions overlap a little, so a token may be told twice. Four statements whatever there is.
    """
    now = now or timezone.now()
    since = since or datetime(2000, 1, 1, tzinfo=now.tzinfo)
    tickets = Ticket.objects.filter(event=event, status__in=DEAD, modified_at__gte=since).order_by("modified_at", "pk")
    ended = list(tickets.values_list("modified_at", "token")[: MOST_TOKENS + 1])
    codes = RetiredCode.objects.filter(event=event, retired_at__gte=since).order_by("retired_at", "token")
    ended += codes.values_list("retired_at", "token")[: MOST_TOKENS + 1]
    more = len(ended) > MOST_TOKENS
    until = now - OVERLAP
    if more:
        ended = sorted(ended)[:MOST_TOKENS]
        until = min(until, ended[-1][0])
    good = Ticket.objects.filter(event=event, status__in=GOOD, reinstated_at__gte=since).values_list("token", flat=True)
    keys = EventKey.objects.filter(event=event, revoked_at__isnull=False).order_by("revoked_at")
    return Revocations(
        tokens=tuple(token.bytes for _at, token in ended),
        restored=tuple(token.bytes for token in good),
        keys=tuple(keys.values_list("key_id", flat=True)),
        until=max(since, until),
        more=more,
    )


def packed(tokens: tuple[bytes, ...]) -> str:
    """Return the tokens, 16 bytes each, one after another, in base64url without padding: 22 characters a ticket."""
    return base64.urlsafe_b64encode(b"".join(tokens)).decode().rstrip("=")


def keys_of_event(event: Event) -> list[EventKey]:
    """Return the event's keys, the newest first, each with `tickets`: how many good tickets it may have signed."""
    keys: list[Any] = list(EventKey.objects.filter(event=event).order_by("-created_at", "-pk"))
    for key in keys:
        key.tickets = _signed_by(event, key).count()
    return keys


def _signed_by(event: Event, key: EventKey) -> Any:
    """The good tickets that may be out with a code of this key: those that are older than its end."""
    good = Ticket.objects.filter(event=event, status__in=GOOD)
    return good if key.retired_at is None else good.filter(Q(created_at__lte=key.retired_at))


def _retire(event: Event) -> str:
    signing = EventKey.objects.filter(event=event, retired_at__isnull=True).first()
    if signing is None:
        return ""
    signing.retired_at = timezone.now()
    signing.save(update_fields=["retired_at"])
    return signing.key_id


def _tell_holders(event: Event, key: EventKey) -> int:
    """Queue one letter for each address with the codes of its tickets; return how many tickets there are (G1)."""
    held: dict[str, list[str]] = {}
    rows = _signed_by(event, key).order_by("pk").values_list("pk", "holder_email")
    for pk, email in rows:
        held.setdefault(email.lower(), []).append(str(pk))
    OutboxMessage.objects.bulk_create(_letters(event, held), batch_size=1000)
    return sum(len(tickets) for tickets in held.values())


def _letters(event: Event, held: dict[str, list[str]]) -> Iterator[OutboxMessage]:
    for tickets in held.values():
        for start in range(0, len(tickets), MOST_IN_A_LETTER):
            # An aggregate of its own: letters to different people need not wait for each other.
            yield OutboxMessage(
                topic="ticket.codes_changed",
                aggregate=f"ticketing.ticket:{tickets[start]}",
                payload={"tickets": tickets[start : start + MOST_IN_A_LETTER]},
            )
