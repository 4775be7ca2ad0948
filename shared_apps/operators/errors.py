"""What the console refuses."""

from django.utils.translation import gettext_lazy as _

from shared_apps.core.errors import Conflict, Forbidden, InvalidInput, NotFound


class ReasonRequired(InvalidInput):
    """The owner reads it: a word is no reason."""

    code = "reason_required"
    message = _("Say why, in at least {least} characters. The organizer reads it.")


class TenantNotOpen(Conflict):
    code = "tenant_not_open"
    message = _("This organizer's site is not open, so nobody can be there.")


class NotStaffThere(InvalidInput):
    code = "not_staff_there"
    message = _("This person does not work for this organizer, or their account is closed.")


class HandOverRefused(NotFound):
    """The code in the address is unknown, was used, or is older than two minutes."""

    code = "hand_over_refused"
    message = _("This link is not good any more. Start again from the operators' console.")


class ReadingOnly(Forbidden):
    code = "reading_only"
    message = _("You are here as an operator who only reads: nothing can be changed.")


class NotForOperators(Forbidden):
    """What would outlast the visit, or is the person's alone: their account, rights, keys, where the money goes."""

    code = "not_for_operators"
    message = _("An operator who is here as somebody else cannot do this.")


class NothingToRetry(Conflict):
    code = "nothing_to_retry"
    message = _("Nothing of this kind has failed any more.")
