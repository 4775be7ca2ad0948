"""What the accounts refuse, each with a code that never changes."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from shared_apps.core.errors import DomainError, Forbidden, InvalidInput


class TokenRefused(DomainError):
    """A token that does not sign anybody in. Every kind of it is a 401 (I5)."""

    code, status = "token_invalid", 401
    message = _("This sign-in is not valid. Please sign in again.")


class TokenExpired(TokenRefused):
    code = "token_expired"
    message = _("This sign-in has expired.")


class TokenReused(TokenRefused):
    """A refresh token was exchanged before; each is good once."""

    code = "token_reused"
    message = _("This refresh token was used before.")


class SessionEnded(TokenRefused):
    """Signed out, password changed, or the person is gone: which of them is nobody's business."""

    code = "session_ended"
    message = _("This sign-in has ended. Please sign in again.")


class AccountInactive(TokenRefused):
    code = "account_inactive"
    message = _("This account is not active.")


class InvalidCredentials(DomainError):
    """The same for an unknown address, a wrong password and an inactive account (I7)."""

    code, status = "invalid_credentials", 401
    message = _("The email address or the password is wrong.")


class EmailNotVerified(Forbidden):
    """Said only to who knows the password."""

    code = "email_not_verified"
    message = _("Please confirm your email address first. The code is in the message that we sent you.")


class OriginRefused(Forbidden):
    """A cookie would be set or used for a page of another origin (I6)."""

    code = "csrf_failed"
    message = _("This request came from another site.")


class CodeRefused(InvalidInput):
    """Wrong, used, expired or never sent: one answer for all (I7)."""

    code = "code_invalid"
    message = _("This code or link is wrong or no longer good. Please ask for a new one.")


class ResetRefused(InvalidInput):
    code = "reset_link_invalid"
    message = _("This link is wrong or no longer good. Please ask for a new one.")


class WrongPassword(InvalidInput):
    code = "password_wrong"
    message = _("The present password is wrong.")

    def __init__(self, *args: Any, field: str = "old_password", **facts: Any):
        super().__init__(*args, field=field, **facts)
