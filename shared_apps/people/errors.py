"""What is refused about personal data, each with a code that never changes."""

from django.utils.translation import gettext_lazy as _

from shared_apps.core.errors import Conflict, InvalidInput, NotFound


class OwnerMustTransfer(Conflict):
    """An owner is the last who can act for a tenant, its buyers and its money."""

    code = "owner_must_transfer"
    message = _("You own {tenants}. Hand it over or close it first.")


class UnknownTopic(InvalidInput):
    code = "unknown_topic"
    message = _("There is no such notification.")


class AlwaysSent(InvalidInput):
    code = "always_sent"
    message = _("This message is part of what you ordered and is always sent.")


class ExportNotThere(NotFound):
    """Not one's own, not ready, or older than seven days."""


class NotOneself(InvalidInput):
    code = "not_oneself"
    message = _("This is your own profile.")


class ProfileNeedsName(InvalidInput):
    code = "profile_needs_name"
    message = _("Give a name first: a public profile has one.")


class AlreadyDecided(Conflict):
    """Two operators looked at the same profile."""

    code = "already_decided"
    message = _("This was decided already.")
