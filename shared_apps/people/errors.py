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
