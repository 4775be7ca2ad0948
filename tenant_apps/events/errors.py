"""What events refuse."""

from django.utils.translation import gettext_lazy as _

from shared_apps.core.errors import Conflict


class EventHasOrders(Conflict):
    code = "event_has_orders"
    message = _("This event has orders, so it cannot be deleted. Cancel or archive it instead.")


class CurrencyFixed(Conflict):
    """One event has one currency, fixed after the first order (M6)."""

    code = "currency_fixed"
    message = _("The currency cannot change any more.")


class EditWindowClosed(Conflict):
    """The tenant's policy (`event_edit_policy`) no longer lets this be edited."""

    code = "edit_window_closed"
    message = _("This can no longer be changed: {why}")


class InUse(Conflict):
    code = "in_use"
    message = _("Events still use this.")
