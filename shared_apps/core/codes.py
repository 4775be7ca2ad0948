"""Identifiers: codes that people read aloud, secrets that nobody guesses, keys that sort by time."""

import os
import secrets
import time
import uuid

# No 0/O, 1/I/L, 2/Z, 5/S, 8/B, U/V: what is misread on paper or misheard on the phone is left out.
READABLE = "ACDEFGHJKMNPQRTWXY34679"


def readable_code(length: int = 8) -> str:
    """Return a random code in capitals and digits that are hard to confuse (about 4.5 bits a character)."""
    return "".join(secrets.choice(READABLE) for _ in range(length))


def unguessable_secret() -> str:
    """Return 32 URL-safe characters that carry 192 random bits."""
    return secrets.token_urlsafe(24)


def uuid7() -> uuid.UUID:
    """Return a UUID of version 7 (RFC 9562, 5.7): 48 bits of milliseconds, then 74 random bits.

    Keys made one after another lie side by side in the index, and are known before the row is written.
    """
    milliseconds = time.time_ns() // 1_000_000
    value = (milliseconds & (1 << 48) - 1) << 80 | int.from_bytes(os.urandom(10))
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return uuid.UUID(int=value)
