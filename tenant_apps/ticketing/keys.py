"""The key pair of an event (Ed25519, RFC 8032): what signs its ticket codes."""

import base64
import os

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from shared_apps.core import secrets
from tenant_apps.events.models import Event
from tenant_apps.ticketing.models import EventKey

PURPOSE = "ticketing.event_key"
KEY_ID_BYTES = 5  # eight characters in base32


def ensure_key(event: Event) -> EventKey:
    """Return the key that signs the event's tickets now; makes it if there is none. Safe to call at once twice."""
    key = EventKey.objects.filter(event=event, retired_at__isnull=True).first()
    if key is None:
        # Whoever comes second keeps the first one's key: one unretired key each is a constraint.
        EventKey.objects.bulk_create([_new_key(event)], ignore_conflicts=True)
        key = EventKey.objects.get(event=event, retired_at__isnull=True)
    return key


def private_half(key: EventKey) -> Ed25519PrivateKey:
    """Return the private key, decrypted for this one use."""
    return Ed25519PrivateKey.from_private_bytes(secrets.decrypt(key.private_key, PURPOSE))


def _new_key(event: Event) -> EventKey:
    private = Ed25519PrivateKey.generate()
    raw = private.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
    return EventKey(
        event=event,
        key_id=base64.b32encode(os.urandom(KEY_ID_BYTES)).decode(),
        private_key=secrets.encrypt(raw, PURPOSE),
        public_key=private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw),
    )
