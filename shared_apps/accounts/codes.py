"""Codes, link keys and reset tokens: derived when they are needed, kept nowhere (I7)."""

import re

from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.utils.crypto import constant_time_compare, salted_hmac

from shared_apps.accounts.models import EmailCode, User

# How often a six-digit code may be tried.
MOST_TRIES = 5
_KEY = re.compile(r"([0-9]{1,18})-([0-9a-f]{64})")


def code_of(row: EmailCode) -> str:
    """Return the six digits that the letter carries."""
    digest = salted_hmac("accounts.code", f"{row.pk}:{row.nonce}", algorithm="sha256").digest()
    return f"{int.from_bytes(digest[:16]) % 1_000_000:06d}"


def key_of(row: EmailCode) -> str:
    """Return what the letter's link carries: the row and 256 bits that only we can derive."""
    return f"{row.pk}-{salted_hmac('accounts.key', f'{row.pk}:{row.nonce}', algorithm='sha256').hexdigest()}"


def is_code(row: EmailCode, text: str) -> bool:
    digits = "".join(character for character in text if not character.isspace() and character != "-")
    return constant_time_compare(code_of(row), digits)


def row_of(key: str) -> int | None:
    """Return the id of the row that a key of the right form names; the key itself is not checked yet."""
    found = _KEY.fullmatch(key)
    return int(found[1]) if found else None


def is_key(row: EmailCode, key: str) -> bool:
    return constant_time_compare(key_of(row), key)


class ResetTokens(PasswordResetTokenGenerator):
    """Django's, which end with the password, the address or an hour; ours end with the sessions too."""

    key_salt = "accounts.reset"

    def _make_hash_value(self, user: User, timestamp: int) -> str:
        return f"{super()._make_hash_value(user, timestamp)}{user.token_version}{user.is_active}"


reset_tokens = ResetTokens()
