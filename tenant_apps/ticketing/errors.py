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


class TicketUsed(Conflict):
    """Whoever is inside, or was, cannot make the ticket somebody else's."""

    code = "ticket_used"
    message = _("This ticket was used at the door already.")


class TicketPassedOn(Conflict):
    """For whoever had it: the ticket, its code and its name are its new holder's matter."""

    code = "ticket_passed_on"
    message = _("This ticket was passed on. Only its new holder can do that.")


class TransferNotAllowed(Conflict):
    code = "transfer_not_allowed"
    message = _("{what} cannot be passed on. Please write to the organizer.")


class TransferClosed(Conflict):
    code = "transfer_closed"
    message = _("It is too late to pass this ticket on. Please write to the organizer.")


class SameHolder(Conflict):
    code = "same_holder"
    message = _("This ticket is theirs already.")


class TooManyTransfers(Conflict):
    code = "too_many_transfers"
    message = _("This ticket was passed on {most} times. Please write to the organizer.")


class KeyAlreadyRevoked(Conflict):
    code = "key_already_revoked"
    message = _("This key is revoked already.")
