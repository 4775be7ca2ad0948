"""The text of a ticket's QR code: who signed it, 128 random bits, and the signature (T1).

    FOYER1.  +  base32( 5 bytes key id | 16 bytes token | 64 bytes Ed25519 signature )

85 bytes make 136 characters without padding, so every text has exactly one spelling, and all of them are in the
alphabet of QR's alphanumeric mode (ISO/IEC 18004, 7.3.4), which keeps the symbol small. The prefix tells people
and scanners what they look at, and a later form from this one. The signature lets a scanner without network
refuse forgeries; it never admits: the database decides about the token.
"""

import base64
import os
import uuid
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from shared_apps.core.codes import readable_code
from tenant_apps.ticketing.keys import KEY_ID_BYTES, keys_of, private_half
from tenant_apps.ticketing.models import EventKey, Ticket

PREFIX = "FOYER1."
_DOMAIN = b"FOYER1"
_TOKEN_BYTES, _SIGNATURE_BYTES = 16, 64
_BYTES = KEY_ID_BYTES + _TOKEN_BYTES + _SIGNATURE_BYTES
LENGTH = len(PREFIX) + _BYTES * 8 // 5
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_ALPHABET = frozenset(_LETTERS)
# The same values in Python's digits of base 32.
_DIGITS = str.maketrans(_LETTERS, "0123456789abcdefghijklmnopqrstuv")
# Five bytes are eight letters, so the key's id stands in the text as it is.
_KEY_ID_LENGTH = KEY_ID_BYTES * 8 // 5


class TicketCode(NamedTuple):
    """What a well-formed text says; whether it is true, the key and the database know."""

    key_id: str
    token: uuid.UUID
    signature: bytes

    def signed_by(self, public_key: bytes | memoryview) -> bool:
        """Tell whether the holder of this key signed the code."""
        try:
            _opened(bytes(public_key)).verify(self.signature, _signed_part(self))
        except (InvalidSignature, ValueError):
            return False
        return True


def new_token() -> uuid.UUID:
    """Return 128 random bits; uuid4 has six fewer."""
    return uuid.UUID(bytes=os.urandom(_TOKEN_BYTES))


def new_short_code() -> str:
    """Return the eight characters that people read aloud. They find a ticket for staff and admit nobody."""
    return readable_code(8)


def code_text(ticket: Ticket, key: EventKey | None = None) -> str:
    """Return the text of the ticket's QR code; one statement, none if its event's key is given."""
    key = key or keys_of([ticket.event_id])[ticket.event_id]
    unsigned = TicketCode(key.key_id, ticket.token, b"")
    signature = private_half(key).sign(_signed_part(unsigned))
    packed = base64.b32decode(key.key_id) + ticket.token.bytes + signature
    return PREFIX + base64.b32encode(packed).decode()


def code_texts(tickets: Iterable[Ticket]) -> dict[uuid.UUID, str]:
    """Return the texts of many tickets by ticket id; one statement for all of them."""
    tickets = list(tickets)
    keys = keys_of({ticket.event_id for ticket in tickets})
    return {ticket.pk: code_text(ticket, keys[ticket.event_id]) for ticket in tickets}


def read(text: object) -> TicketCode | None:
    """Return what the text says, or None for anything that is not exactly such a text."""
    if not isinstance(text, str):
        return None
    if len(text) > LENGTH + 8:  # before stripping: no work on a megabyte of spaces
        return None
    text = text.strip(" \t\r\n")  # keyboard scanners end with Return
    if len(text) != LENGTH or not text.startswith(PREFIX):
        return None
    body = text[len(PREFIX) :]
    if not _ALPHABET.issuperset(body):
        return None
    packed = _unpacked(body)
    token = uuid.UUID(bytes=packed[KEY_ID_BYTES : KEY_ID_BYTES + _TOKEN_BYTES])
    return TicketCode(body[:_KEY_ID_LENGTH], token, packed[KEY_ID_BYTES + _TOKEN_BYTES :])


def parse(text: object) -> uuid.UUID | None:
    """Return the token that the text carries, or None for anything else. Does not look at the signature."""
    code = read(text)
    return code.token if code else None


def verify(text: object) -> bool:
    """Tell whether one of this tenant's keys signed the text. A signature alone never admits (T1)."""
    code = read(text)
    if code is None:
        return False
    key = EventKey.objects.filter(key_id=code.key_id).first()
    return key is not None and code.signed_by(key.public_key)


@lru_cache(maxsize=1000)
def _opened(public_key: bytes) -> Ed25519PublicKey:
    """The key in the library's own form. Kept by its bytes, which are read with each ticket: what is kept can be no
    other tenant's (N4), and dies with a rotation or revocation."""
    return Ed25519PublicKey.from_public_bytes(public_key)


def _signed_part(code: TicketCode) -> bytes:
    return _DOMAIN + _unpacked(code.key_id) + code.token.bytes


def _unpacked(text: str) -> bytes:
    """What base64.b32decode gives for letters of the alphabet without padding, in a tenth of its time."""
    return int(text.translate(_DIGITS), 32).to_bytes(len(text) * 5 // 8, "big")
