"""Tickets in a person's name, also where somebody else ordered them. What orders know besides is said there."""

from django.utils import timezone

from shared_apps.core.personal import Person, harmless, hold
from tenant_apps.ticketing.models import CheckIn, Ticket


def _end_holder(person: Person) -> int:
    """The ticket stays what it is and admits whoever shows it; it names nobody any more."""
    if not person.email:
        return 0
    mine = Ticket.objects.filter(holder_email__iexact=person.email)
    return mine.update(holder_name="", holder_email=person.alias, modified_at=timezone.now())


def _end_notes(person: Person) -> int:
    """Why somebody was let in by hand may tell of them; that they were stays."""
    if not person.email:
        return 0
    return CheckIn.objects.filter(ticket__holder_email__iexact=person.email).exclude(note="").update(note="-")


# Before the tickets cease to be theirs.
hold("check_in_notes", "ticketing.CheckIn", {"note"}, erase=_end_notes, order=5)
hold("held_tickets", "ticketing.Ticket", {"holder_name", "holder_email"}, erase=_end_holder, order=10)
harmless("ticketing.Ticket", {"secret"}, "a random text that opens one ticket and names nobody")
harmless("ticketing.Handover", {"by"}, "the id of a row that names nobody once it is erased")
harmless("ticketing.RetiredCode", {"token"}, "a random number")
harmless("ticketing.CheckIn", {"scanned_by", "undone_by"}, "the id of a row that names nobody once it is erased")
harmless("ticketing.CheckIn", {"reason"}, "one of a list of codes")
harmless("ticketing.OfflineScan", {"seen_by"}, "the id of a row that names nobody once it is erased")
harmless("ticketing.OfflineScan", {"reason"}, "one of a list of codes")
harmless("ticketing.OfflineScan", {"device"}, "a number that a device made up for itself")
harmless("ticketing.Quota", {"name"}, "what a number of places is called")
harmless("ticketing.TicketType", {"name", "door_note"}, "a kind of admission, and what its holders have to show")
harmless("ticketing.TicketPriceTier", {"name"}, "a price of a kind of admission")
harmless("ticketing.CheckInList", {"name", "gate"}, "an entrance")
harmless("ticketing.CheckInZone", {"name"}, "a hall")
harmless("ticketing.EventKey", {"private_key", "public_key"}, "keys of an event")
harmless("ticketing.Ticket", {"token"}, "a random number")
