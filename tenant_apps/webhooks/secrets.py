"""An endpoint's secrets, and what is signed with them.

A secret is shown once, when it is made; it is kept encrypted. While it is changed two are live, and each delivery
carries a signature by each, so that a consumer may change over whenever it likes before the old one ends.
"""

import hashlib
import hmac
import json
import logging
import secrets as random_secrets
from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.dateparse import parse_datetime

from shared_apps.core.schemas import present_schema
from shared_apps.core.secrets import CannotDecrypt, decrypt, encrypt

logger = logging.getLogger(__name__)

# How long the old secret stays live after a change, unless another time is asked for.
OVERLAP = timedelta(hours=24)
LONGEST_OVERLAP = timedelta(days=7)


def new_secret() -> str:
    """Return a secret with 256 random bits. All of the text, `whsec_` too, is the key of the signature."""
    return f"whsec_{random_secrets.token_urlsafe(32)}"


def sealed(present: str, previous: str = "", previous_until: datetime | None = None) -> bytes:
    """Return the secrets as they are kept."""
    until = previous_until.isoformat() if previous and previous_until else ""
    return encrypt(
        json.dumps({"present": present, "previous": previous if until else "", "previous_until": until}).encode(),
        _purpose(),
    )


def live(kept: bytes | memoryview, now: datetime | None = None) -> tuple[str, ...]:
    """Return the live secrets, the newest first; none after SECRET_KEY was changed without a fallback."""
    opened = _opened(kept)
    if opened is None:
        return ()
    until = parse_datetime(opened["previous_until"]) if opened["previous_until"] else None
    if until is None or until <= (now or timezone.now()):
        return (opened["present"],)
    return opened["present"], opened["previous"]


def previous_until(kept: bytes | memoryview, now: datetime | None = None) -> datetime | None:
    """Return until when the secret before the present one is live; None if it is not."""
    opened = _opened(kept)
    until = parse_datetime(opened["previous_until"]) if opened and opened["previous_until"] else None
    return until if until and until > (now or timezone.now()) else None


def signature(body: bytes, keys: tuple[str, ...], at: int) -> str:
    """Return the value of `X-Signature`: `t=<seconds since 1970>,v1=<hex>`, a `v1` for each secret.

    Each is HMAC-SHA256 over `<t>.<body>`, as Stripe does it.
    """
    signed = str(at).encode() + b"." + body
    marks = (hmac.new(key.encode(), signed, hashlib.sha256).hexdigest() for key in keys)
    return ",".join([f"t={at}", *(f"v1={mark}" for mark in marks)])


def sealed_reply(reply: bytes) -> bytes:
    return encrypt(reply, _purpose())


def opened_reply(kept: bytes | memoryview) -> bytes:
    """Return the beginning of a reply. Raises CannotDecrypt."""
    return decrypt(kept, _purpose())


def _purpose() -> str:
    # A row that is copied into another tenant's schema cannot be opened there (N2).
    return f"webhooks.{present_schema()}"


def _opened(kept: bytes | memoryview) -> dict[str, str] | None:
    try:
        opened: dict[str, str] = json.loads(decrypt(kept, _purpose()))
    except CannotDecrypt:
        logger.error("webhook_secret_unreadable")
        return None
    return opened
