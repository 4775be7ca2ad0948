"""What the accounts refuse, each with a code that never changes."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from shared_apps.core.errors import Conflict, DomainError, Forbidden, InvalidInput, NotFound


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


class OtpRequired(DomainError):
    """The password was right, and a code is asked for besides. `user` is for the pages, which ask for it next."""

    code, status = "otp_required", 401
    message = _("Enter the code of your authenticator app, or a recovery code.")

    def __init__(self, user: Any):
        super().__init__(field="otp")
        self.user = user


class OtpInvalid(DomainError):
    """At sign-in; said only to who knows the password."""

    code, status = "otp_invalid", 401
    message = _("This code is wrong, too old, or was used before.")


class OtpRefused(InvalidInput):
    """Of somebody who is signed in."""

    code = "otp_invalid"
    message = OtpInvalid.message


class SecondFactorAlreadyOn(Conflict):
    code = "mfa_already_on"
    message = _("Two-step login is on already.")


class SecondFactorOff(Conflict):
    code = "mfa_off"
    message = _("Two-step login is not on.")


class SameEmail(InvalidInput):
    code = "email_unchanged"
    message = _("This is your address already.")


class ProviderUnknown(NotFound):
    code = "provider_unknown"
    message = _("Signing in through this service is not offered here.")


class ProviderDown(DomainError):
    code, status, retry_after = "provider_unavailable", 503, 30
    message = _("The service does not answer. Please try again in a moment.")


class IdentityRefused(DomainError):
    """What came from a provider, or says that it did, proves nothing."""

    code, status = "identity_invalid", 401
    message = _("The service did not confirm who you are. Please try again.")


class IdentityUnverified(Forbidden):
    """The provider does not say that the address is its owner's: an account of that address is not opened by it."""

    code = "identity_email_unverified"
    message = _("The service does not say that your email address is confirmed. Log in with your password.")


class IdentityUnlinked(Forbidden):
    """The owner has unlinked it, and nobody but the owner links it again."""

    code = "identity_unlinked"
    message = _("This service is unlinked from your account. Log in another way and link it again under Security.")


class LastSignIn(Conflict):
    code = "last_sign_in"
    message = _("This is your last way to log in. Set a password first.")


class AccountUnconfirmed(Forbidden):
    code = "identity_account_unconfirmed"
    message = _(
        "There is an account of this address that was never confirmed. Confirm it first, or reset its password."
    )


class OperatorsSecondFactor(Forbidden):
    """Whoever can look into every organizer's books proves twice who they are."""

    code = "mfa_required"
    message = _("Operators need two-step login. Turn it on first, in your account under Security.")
