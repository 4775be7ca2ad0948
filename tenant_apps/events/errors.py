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


class IsTemplate(Conflict):
    """The set-up of a series is copied to its dates; it has no life of its own."""

    code = "event_is_template"
    message = _("This is the set-up of a series. Change or delete the series instead.")


class SeriesDatesSold(Conflict):
    """Dates with orders are not moved or taken away silently."""

    code = "series_dates_sold"
    message = _("Tickets have been sold for these dates: {dates}. Leave them as they are, or change them one by one.")
