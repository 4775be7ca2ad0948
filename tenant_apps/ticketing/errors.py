"""What ticketing refuses."""

from django.utils.translation import gettext_lazy as _

from shared_apps.core.errors import Conflict


class CapacityBelowSold(Conflict):
    """A capacity cannot be set below what is sold or held (M1)."""

    code = "capacity_below_sold"
    message = _("{taken} places are sold or held already; the capacity cannot be lower.")


class TicketTypeHasOrders(Conflict):
    code = "ticket_type_has_orders"
    message = _("This ticket type has been ordered, so it cannot be deleted. End its sale or hide it instead.")


class QuotaInUse(Conflict):
    code = "quota_in_use"
    message = _("Places of this quota are sold or held, so it cannot be deleted.")


class TierInUse(Conflict):
    """Orders count in its quota; taking it away would lose their number (M1)."""

    code = "tier_in_use"
    message = _("Tickets were sold or are held at the price of {what}, so it cannot be removed. Let it end instead.")


class NothingToUndo(Conflict):
    code = "nothing_to_undo"
    message = _("This scan admitted nobody, so there is nothing to undo.")


class CheckInListUsed(Conflict):
    code = "check_in_list_used"
    message = _("Tickets were scanned at this list, so it cannot be deleted.")


class ZoneFuller(Conflict):
    """A zone's capacity cannot be set below the number of people inside."""

    code = "zone_fuller"
    message = _("{inside} people are inside; the capacity cannot be lower.")


class ZoneInUse(Conflict):
    code = "zone_in_use"
    message = _("Check-in lists lead into this zone or people are inside, so it cannot be deleted.")
