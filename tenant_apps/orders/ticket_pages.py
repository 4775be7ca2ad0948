"""What a ticket's page shows: one ticket large, and the way to the others of the same order and event."""

from collections.abc import Callable
from typing import Any

from django.utils.translation import gettext as _

from tenant_apps.orders import ticket_files
from tenant_apps.orders.models import Order, OrderLine
from tenant_apps.ticketing import papers, qr
from tenant_apps.ticketing.codes import code_text
from tenant_apps.ticketing.lifecycle import GOOD


def shown(line: OrderLine, order: Order, *, address: Callable[[Any], str]) -> dict[str, Any]:
    """Return what the page of the line's ticket says. `address` makes the page's address of a ticket's id.

    A ticket that no longer admits has no code on its page.
    """
    ticket = line.ticket
    assert ticket is not None
    good = ticket.status in GOOD and line.status == OrderLine.Status.ACTIVE
    title = _("QR code of ticket %s") % ticket.short_code
    tickets = list(
        ticket_files.lines_of(order, [ticket.event_id]).order_by("position").values_list("ticket_id", flat=True)
    )
    here = tickets.index(ticket.pk) if ticket.pk in tickets else 0
    return {
        "ticket": ticket,
        "event": line.event,
        "kind": line.ticket_type,
        "order": order,
        "holder": ticket_files.holder_of(ticket, order),
        "short_code": papers.spaced(ticket.short_code),
        "code": qr.svg(code_text(ticket), title) if good else None,
        "number": here + 1,
        "count": len(tickets) if good else 0,
        "before": address(tickets[here - 1]) if good and here else "",
        "after": address(tickets[here + 1]) if good and here + 1 < len(tickets) else "",
    }
