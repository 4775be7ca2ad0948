"""What a password must be, beyond what Django brings."""

from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import ngettext


class MaximumLengthValidator:
    """Refuses a password so long that hashing it becomes a way to keep the server busy (I7)."""

    def __init__(self, max_length: int = 128):
        self.max_length = max_length

    def validate(self, password: str, user: Any = None) -> None:
        if len(password) > self.max_length:
            facts = {"max_length": self.max_length}
            raise ValidationError(self.get_error_message(), code="password_too_long", params=facts)

    def get_error_message(self) -> str:
        return ngettext(
            "This password is too long. It may have at most %(max_length)d character.",
            "This password is too long. It may have at most %(max_length)d characters.",
            self.max_length,
        )

    def get_help_text(self) -> str:
        return ngettext(
            "Your password may have at most %(max_length)d character.",
            "Your password may have at most %(max_length)d characters.",
            self.max_length,
        ) % {"max_length": self.max_length}
