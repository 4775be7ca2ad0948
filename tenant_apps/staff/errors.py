"""What staff management refuses."""

from django.utils.translation import gettext_lazy as _

from shared_apps.core.errors import Conflict, DomainError, Forbidden, InvalidInput


class LastOwner(Conflict):
    """The last owner can be neither removed nor given another role (I4)."""

    code = "last_owner"
    message = _("A tenant needs at least one owner. Make somebody else an owner first.")


class MoreThanHeld(Forbidden):
    """Nobody grants, or takes from others, more than they hold themselves (I4)."""

    code = "more_than_held"
    message = _("You cannot give or take rights that you do not have yourself: {missing}.")


class OwnersOnly(Forbidden):
    code = "owners_only"
    message = _("Only an owner can do this.")


class AlreadyMember(Conflict):
    code = "already_member"
    message = _("This person is already on the staff.")


class AccountNotReady(Conflict):
    """Who is to own a tenant must be able to sign in."""

    code = "account_not_ready"
    message = _("This person's account is not active, or its email address is not confirmed.")


# --- Roles ---


class RoleFixed(Conflict):
    code = "role_fixed"
    message = _("The owner's role always holds everything and cannot be changed.")


class RoleReadyMade(Conflict):
    code = "role_ready_made"
    message = _("A ready-made role cannot be deleted. You can change or copy it.")


class RoleEmpty(InvalidInput):
    code = "role_empty"
    message = _("Tick at least one permission.")


class RoleInUse(Conflict):
    code = "role_in_use"
    message = _("Somebody has this role or is invited to it. Give them another one first.")


class RoleNameTaken(Conflict):
    code = "role_name_taken"
    message = _("There is a role of this name already.")


# --- Invitations ---


class AlreadyInvited(Conflict):
    code = "already_invited"
    message = _("An invitation for this person is on its way. You can send it once more or take it back.")


class InvitationInvalid(InvalidInput):
    """Wrong, used, taken back, expired: one answer for all."""

    code = "invitation_invalid"
    message = _("This invitation is not valid any more. Ask for a new one.")


class InvitationForOther(Forbidden):
    code = "invitation_for_other"
    message = _("This invitation is for another email address. Sign in with the address that it was sent to.")


class InvitationLapsed(Conflict):
    """Who invited no longer holds what they wanted to give (I4)."""

    code = "invitation_lapsed"
    message = _("Who invited you may no longer give these rights. Ask for a new invitation.")


class InvitationClosed(Conflict):
    code = "invitation_closed"
    message = _("This invitation was accepted or taken back.")


# --- API keys: all 401 ---


class KeyRefused(DomainError):
    """A text that opens nothing. Only who holds the whole key learns more than that."""

    code, status = "key_unknown", 401
    message = _("This API key is not known here.")


class KeyMalformed(KeyRefused):
    code = "key_malformed"
    message = _("This is not an API key. Send it as: Authorization: Token foyer_...")


class KeyExpired(KeyRefused):
    code = "key_expired"
    message = _("This API key has expired.")


class KeyRevoked(KeyRefused):
    code = "key_revoked"
    message = _("This API key was revoked.")


class ScopesNotForEvents(InvalidInput):
    code = "not_grantable"
    message = _("A key for single events can only have rights on events.")


class SecondFactorRequired(Forbidden):
    """Works here, and the tenant asks its staff for two-step login."""

    code = "mfa_required"
    message = _("The staff here must use two-step login. Set it up in your account first.")


class UnknownPerson(InvalidInput):
    code = "unknown_person"
    message = _("Nobody has an account with this email address yet.")
