"""The refusals of this app."""

from django.utils.translation import gettext_lazy as _

from shared_apps.core.errors import InvalidInput, WrongState


class ConsentRequired(InvalidInput):
    """The texts that have to be agreed to first; `errors` names each."""

    code = "consent_required"
    message = _("Please agree to what this seller asks for: {what}.")


class ConsentBinds(WrongState):
    code = "consent_required"
    message = _("What an order needed cannot be taken back.")
