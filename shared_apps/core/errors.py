"""Refusals. A rule raises one; `api.errors` and the pages give all of them one shape."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from django.utils.translation import gettext_lazy as _


class FieldError(NamedTuple):
    """What is wrong with one field of the input: its path (`lines.0.quantity`), a stable code, a sentence."""

    field: str
    code: str
    message: Any


class DomainError(Exception):
    """A refusal that people can understand and programs can tell apart.

    `code` never changes; `message` is a translatable sentence that may name `{placeholders}` given to the
    constructor; `status` is the HTTP status; `field` is the path of the input that caused it.
    """

    code = "refused"
    status = 400
    message: Any = _("This is not possible.")
    retry_after: int | None = None

    def __init__(self, message: Any = None, *, field: str = "", errors: Sequence[FieldError] = (), **facts: Any):
        super().__init__(message or self.code)
        if message is not None:
            self.message = message
        self.facts = facts
        self.field = field
        self.errors = tuple(errors)

    @property
    def members(self) -> Mapping[str, Any]:
        """What programs are told beside the code: further members of the problem (RFC 9457, 3.2)."""
        return {}

    def __str__(self) -> str:
        return str(self.message).format(**self.facts)


class InvalidInput(DomainError):
    code, status = "invalid", 400
    message = _("Some of what was sent is not valid.")


class NotFound(DomainError):
    code, status = "not_found", 404
    message = _("There is nothing here.")


class Forbidden(DomainError):
    code, status = "forbidden", 403
    message = _("You may not do this.")


class SignInRequired(DomainError):
    code, status = "sign_in_required", 401
    message = _("Please sign in.")


class Conflict(DomainError):
    code, status = "conflict", 409
    message = _("This does not fit the present state.")


class WrongState(Conflict):
    code = "wrong_state"
    message = _("This cannot be done while it is {now}.")


class SoldOut(Conflict):
    code = "sold_out"
    message = _("{what} is sold out.")


class Busy(DomainError):
    """A row was locked for longer than we wait (M2)."""

    code, status, retry_after = "busy", 503, 1
    message = _("Many people are doing this at once. Please try again in a moment.")


class TooManyRequests(DomainError):
    code, status = "rate_limited", 429
    message = _("Too many tries. Please wait a little.")

    def __init__(self, *args: Any, retry_after: int = 60, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.retry_after = retry_after
