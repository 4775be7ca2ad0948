"""Secrets at rest: encrypted with keys derived from SECRET_KEY, readable through a change of it."""

import base64
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings


class CannotDecrypt(Exception):
    """Written with a SECRET_KEY that is neither the present one nor among SECRET_KEY_FALLBACKS."""


def encrypt(plain: bytes, purpose: str) -> bytes:
    """Return the secret encrypted and authenticated (Fernet: AES-128-CBC with HMAC-SHA256), as ASCII bytes.

    `purpose` separates keys: what was encrypted for one use cannot be passed off for another.
    """
    return _box(purpose).encrypt(plain)


def decrypt(sealed: bytes | memoryview, purpose: str) -> bytes:
    """Return the secret. Raises CannotDecrypt if it was altered or no known SECRET_KEY made it."""
    try:
        return _box(purpose).decrypt(bytes(sealed))
    except InvalidToken:
        raise CannotDecrypt(purpose) from None


def seed(purpose: str) -> bytes:
    """Return 32 bytes that follow from SECRET_KEY and the purpose alone: the private half of a key that is kept
    nowhere, the same in every process, and another one when SECRET_KEY changes."""
    return base64.urlsafe_b64decode(_derived(settings.SECRET_KEY, purpose))


def _box(purpose: str) -> MultiFernet:
    return _box_of((settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS), purpose)


@lru_cache(maxsize=32)
def _box_of(secret_keys: tuple[str, ...], purpose: str) -> MultiFernet:
    return MultiFernet([Fernet(_derived(key, purpose)) for key in secret_keys])


def _derived(secret_key: str, purpose: str) -> bytes:
    # RFC 5869; the purpose is HKDF's info.
    derivation = HKDF(algorithm=SHA256(), length=32, salt=b"foyer.secrets", info=purpose.encode())
    return base64.urlsafe_b64encode(derivation.derive(secret_key.encode()))
