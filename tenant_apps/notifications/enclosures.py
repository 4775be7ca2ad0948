"""What goes with a mail of tickets: the tickets as a PDF, and their events for a calendar."""

from collections.abc import Callable, Iterable, Sequence

from tenant_apps.events import calendars
from tenant_apps.notifications.channels import email
from tenant_apps.ticketing.lifecycle import GOOD
from tenant_apps.ticketing.models import Ticket
from tenants.models import Tenant
from tenants.preferences import preference

# More tickets than this make a file that belongs behind a link.
MOST_ATTACHED = 30
PDF = "application/pdf"


def enclosed(tickets: Sequence[Ticket], tenant: Tenant, name: str, draw: Callable[[], bytes]) -> list[email.File]:
    """Return the files: the PDF that `draw` makes, if the tenant wants it with the mail and the tickets are not too
    many, and the calendar, in the language that is active. The tickets come with their events, venues and categories;
    `name` is ours.
    """
    files = []
    good = sum(ticket.status in GOOD for ticket in tickets)
    if preference(tenant, "ticket_mail") == "attached" and 0 < good <= MOST_ATTACHED:
        files.append(email.File(f"tickets-{name}.pdf", draw(), PDF))
    events = {ticket.event_id: ticket.event for ticket in tickets}
    listed = sorted(events.values(), key=lambda event: (event.starts_at, event.pk))
    calendar = calendars.calendar(listed, name=listed[0].title if len(listed) == 1 else "")
    return [*files, email.File("calendar.ics", calendar, "text/calendar; charset=utf-8; method=PUBLISH")]


def has_pdf(files: Iterable[email.File]) -> bool:
    """Tell whether the tickets are among the files."""
    return any(file.content_type == PDF for file in files)
