"""The key pair of an event (Ed25519, RFC 8032): what signs its ticket codes."""

import base64
import os
from collections.abc import Collection
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from shared_apps.core import secrets
from shared_apps.core.prepared import Parameter, Prepared
from tenant_apps.events.models import Event
from tenant_apps.ticketing.models import EventKey

PURPOSE = "ticketing.event_key"
KEY_ID_BYTES = 5  # eight characters in base32


def ensure_key(event: Event) -> EventKey:
    """Return the key that signs the event's tickets now; makes it if there is none. Safe to call at once twice."""
    return keys_of([event.pk])[event.pk]


def keys_of(event_ids: Collection[int]) -> dict[int, EventKey]:
    """Return the signing keys of the events, by event id; one statement where all have theirs."""
    found = _signing(event_ids)
    missing = [event_id for event_id in event_ids if event_id not in found]
    if missing:
        # Whoever comes second keeps the first one's key: one unretired key each is a constraint.
        EventKey.objects.bulk_create([new_key(event_id) for event_id in missing], ignore_conflicts=True)
        found |= _signing(missing)
    return found


@Prepared
def _unretired(event_ids: Parameter) -> Any:
    return EventKey.objects.filter(retired_at__isnull=True).extra(**event_ids.among("ticketing_eventkey.event_id"))


def _signing(event_ids: Collection[int]) -> dict[int, EventKey]:
    return {key.event_id: key for key in _unretired(list(event_ids))} if event_ids else {}


def private_half(key: EventKey) -> Ed25519PrivateKey:
    """Return the private key, decrypted for this one use."""
    return Ed25519PrivateKey.from_private_bytes(secrets.decrypt(key.private_key, PURPOSE))


def new_key(event_id: int) -> EventKey:
    """Make a key pair for an event; the row is not saved yet."""
    private = Ed25519PrivateKey.generate()
    raw = private.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
    return EventKey(
        event_id=event_id,
        key_id=base64.b32encode(os.urandom(KEY_ID_BYTES)).decode(),
        private_key=secrets.encrypt(raw, PURPOSE),
        public_key=private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw),
    )
