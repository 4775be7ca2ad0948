"""What staff management refuses."""

from django.utils.translation import gettext_lazy as _

from shared_apps.core.errors import Conflict, Forbidden, InvalidInput


class LastOwner(Conflict):
    """The last owner can be neither removed nor given another role (I4)."""

    code = "last_owner"
    message = _("A tenant needs at least one owner. Make somebody else an owner first.")


class MoreThanHeld(Forbidden):
    """Nobody grants, or takes from others, more than they hold themselves (I4)."""

    code = "more_than_held"
    message = _("You cannot give or take rights that you do not have yourself: {missing}.")


class AlreadyMember(Conflict):
    code = "already_member"
    message = _("This person is already on the staff.")


class SecondFactorRequired(Forbidden):
    """Works here, and the tenant asks its staff for two-step login."""

    code = "mfa_required"
    message = _("The staff here must use two-step login. Set it up in your account first.")


class UnknownPerson(InvalidInput):
    code = "unknown_person"
    message = _("Nobody has an account with this email address yet.")
