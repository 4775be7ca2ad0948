"""What a scanner takes along for when there is no network: the tickets of its list, signed by us.

The device is in somebody's pocket, so it gets what the door needs and no more: no mail address, price or order, of a
name the first word and an initial, and of a ticket's token a hash. From what it holds no code can be made; a code that
is held up can be recognised. Each answer is signed as a whole (Ed25519, RFC 8032) by a key of the tenant that the
device remembers from its first answer, so a list that somebody else wrote, or wrote into, is not taken.
"""

import base64
import hashlib
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Exists, OuterRef, Q, Subquery
from django.utils import timezone

from shared_apps.core import secrets
from tenant_apps.ticketing import admission
from tenant_apps.ticketing.models import CheckIn, CheckInList, EventKey, RetiredCode, Ticket, TicketType
from tenants.context import current_tenant

# Tickets in one answer: some 250 kB.
PAGE = 1000
# A device that has not heard of us for so long admits nobody any more, and throws its list away.
GOOD_FOR = timedelta(hours=72)
# A change is stamped before it is committed. Changes this much older than the device's list are sent once more.
OVERLAP = timedelta(minutes=2)
_DOMAIN = b"FOYER-LIST-1\n"
_DIGEST_BYTES = 16


@dataclass(frozen=True, slots=True)
class Part:
    """One answer: its head, its tickets, and the id after which the next answer goes on (None: this is the last)."""

    head: dict[str, Any]
    tickets: list[dict[str, Any]]
    next_after: uuid.UUID | None


def part(check_in_list: CheckInList, *, since: datetime | None = None, after: uuid.UUID | None = None) -> Part:
    """Return the list's tickets by id, or those of which something changed `since`; at most four statements.

    What is over (cancelled, passed on, …) is among them: the device has to say why it refuses.
    """
    now = timezone.now()
    types = list(_accepted(check_in_list))
    found = Ticket.objects.filter(event_id=check_in_list.event_id, ticket_type__in=types)
    at_list = Q(check_in_list=check_in_list)
    if check_in_list.zone_id is not None:
        at_list |= Q(zone=check_in_list.zone_id)  # lists of one zone count together
    here = CheckIn.objects.filter(at_list, ticket=OuterRef("pk"))
    if since is not None:
        moment = since - OVERLAP
        moved = here.filter(Q(received_at__gte=moment) | Q(undone_at__gte=moment))
        found = found.filter(Q(modified_at__gte=moment) | Exists(moved))
    if after is not None:
        found = found.filter(pk__gt=after)
    entered = here.admissions().order_by("-scanned_at").values("scanned_at")
    inside, last_in = Subquery(entered.filter(left_at=None)[:1]), Subquery(entered[:1])
    retired = ArraySubquery(RetiredCode.objects.filter(ticket=OuterRef("pk")).order_by("token").values("token"))
    told = found.annotate(inside_since=inside, last_in_at=last_in, retired=retired)
    rows = list(told.order_by("pk")[: PAGE + 1])
    more = len(rows) > PAGE
    event = check_in_list.event
    head = {
        "list": {"id": check_in_list.pk, "name": check_in_list.name},
        "event": {
            "slug": event.slug,
            "title": event.title,
            "status": event.status,
            "starts_at": event.starts_at,
            "timezone": event.timezone,
        },
        "rules": _rules(check_in_list),
        "ticket_types": [{"id": each.pk, "name": each.name, "note": each.door_note} for each in types],
        "keys": _keys(check_in_list),
        "generated_at": now,
        "use_until": now + GOOD_FOR,
        "since": since,
        "complete": since is None,
    }
    return Part(head, [_row(ticket) for ticket in rows[:PAGE]], rows[PAGE - 1].pk if more else None)


def sign(body: bytes) -> str:
    """Return the header that vouches for an answer: our public key and the signature of its bytes, in base64."""
    key = _private_key()
    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return f"key={_text(public)}, ed25519={_text(key.sign(_DOMAIN + body))}"


def digest_of(token: uuid.UUID) -> str:
    """Return by what a device knows the ticket with this token: half of a SHA-256, of which no token can be made."""
    return base64.urlsafe_b64encode(hashlib.sha256(token.bytes).digest()[:_DIGEST_BYTES]).decode().rstrip("=")


def short_name(name: str) -> str:
    """Return a holder's name as far as the door needs it: "Ada Lovelace" is "Ada L."."""
    words = name.split()
    return " ".join([words[0][:40], *(f"{word[0]}." for word in words[-1:])]) if len(words) > 1 else name.strip()[:40]


def _accepted(check_in_list: CheckInList) -> Iterable[TicketType]:
    chosen = list(check_in_list.ticket_types.all())
    return chosen or TicketType.objects.filter(event_id=check_in_list.event_id).order_by("position", "pk")


def _rules(entrance: CheckInList) -> dict[str, Any]:
    """What the list asks besides the ticket. How many a zone holds is not among it: no device knows of the others."""
    begins, ends = (None, None) if entrance.day is None else admission.bounds_of(entrance, entrance.day)
    return {
        "directions": entrance.directions,
        "entries": entrance.entries,
        "day_starts": entrance.day_starts,
        "open_from": max(filter(None, (entrance.opens_at, begins)), default=None),
        "open_until": min(filter(None, (entrance.closes_at, ends)), default=None),
    }


def _keys(check_in_list: CheckInList) -> list[dict[str, Any]]:
    keys = EventKey.objects.filter(event_id=check_in_list.event_id).order_by("pk")
    return [
        {"key_id": key.key_id, "public_key": _text(bytes(key.public_key)), "revoked": key.revoked_at is not None}
        for key in keys
    ]


def _row(ticket: Any) -> dict[str, Any]:
    return {
        "id": str(ticket.pk),
        "digest": digest_of(ticket.token),
        # Codes that it had before: whoever shows one is told that there is another now.
        "retired": [digest_of(token) for token in ticket.retired],
        "status": ticket.status,
        "ticket_type": ticket.ticket_type_id,
        "holder": short_name(ticket.holder_name),
        "seat": ticket.seat,
        "valid_from": ticket.valid_from,
        "valid_until": ticket.valid_until,
        "inside_since": ticket.inside_since,
        "last_in_at": ticket.last_in_at,
    }


def _private_key() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(secrets.seed(f"ticketing.offline.{current_tenant().schema_name}"))


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
