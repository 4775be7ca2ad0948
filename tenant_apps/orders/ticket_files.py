"""Tickets as files: which tickets somebody's file holds, and everything that its pages say.

Drawn each time they are asked for, since names, codes and times change; nothing of it is kept (T5, N4). A file holds
at most MOST tickets, so that no order, however large, keeps a worker for long; the rest are further parts.
"""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.files.storage import default_storage
from django.utils import timezone

from shared_apps.core import limits, pictures
from shared_apps.core.errors import TooManyRequests
from shared_apps.core.schemas import present_schema
from tenant_apps.events.models import EventMedia
from tenant_apps.orders.errors import NoTicketFile
from tenant_apps.orders.models import Order, OrderLine
from tenant_apps.ticketing import papers
from tenant_apps.ticketing.codes import code_texts
from tenant_apps.ticketing.lifecycle import GOOD
from tenant_apps.ticketing.models import Ticket
from tenants.context import current_tenant
from tenants.links import url
from tenants.logos import logo_content
from tenants.models import Tenant

MOST = 100
# How often in a minute the files of one order, or of one ticket, are drawn for whoever asks (I8).
MOST_A_MINUTE = 30
# The widest picture that a page of this width needs: 180 dots an inch.
WIDEST: dict[papers.Layout, int] = {"a4": 1280, "phone": 640}


def lines_of(order: Order, events: Collection[int] | None = None, *, by_staff: bool = False) -> Any:
    """The order's lines that have a file, in their order: those at these events only, if any are named.

    Every ticket that no longer admits has none any more (T4). What was passed on is its new holder's, and staff's.
    """
    lines = order.lines.filter(status=OrderLine.Status.ACTIVE, ticket__status__in=GOOD)
    if not by_staff:
        lines = lines.filter(ticket__secret="")
    return lines if events is None else lines.filter(event__in=events)


def count_asking(what: Order | Ticket) -> None:
    """Count that somebody wants a file of this order or ticket: drawing is work. Raises TooManyRequests."""
    decision = limits.hit(f"ticket-file:{present_schema()}:{what.pk}", MOST_A_MINUTE, 60)
    if not decision.allowed:
        raise TooManyRequests(retry_after=decision.reset_after)


def parts_of(count: int) -> int:
    """Into how many files so many tickets go."""
    return -(-count // MOST)


def order_file(
    order: Order,
    *,
    layout: papers.Layout = "a4",
    part: int = 1,
    events: Collection[int] | None = None,
    by_staff: bool = False,
) -> bytes:
    """Return the file of an order's tickets, or of a part of them; five statements, however many they are.

    Raises NoTicketFile if there is none that admits, or no such part.
    """
    loaded = ("ticket__event__venue", "ticket__event__category", "ticket__ticket_type")
    wanted = lines_of(order, events, by_staff=by_staff).select_related(*loaded)
    lines = list(wanted[(part - 1) * MOST : part * MOST])
    return _drawn([(line.ticket, order) for line in lines], layout)


def ticket_file(*tickets: UUID, layout: papers.Layout = "a4") -> bytes:
    """Return the file of one ticket, or of several (at most MOST). Who may have them is the caller's matter.

    Raises NoTicketFile if none of them admits.
    """
    found = Ticket.objects.filter(pk__in=tickets, status__in=GOOD).order_by("pk")
    loaded = found.select_related("event__venue", "event__category", "ticket_type", "order_line__order")[:MOST]
    return _drawn([(each, _order_of(each)) for each in loaded], layout)


def _order_of(ticket: Any) -> Order | None:
    """One that was given away at the door belongs to no order."""
    line = getattr(ticket, "order_line", None)
    return line.order if line else None


def language_of(order: Order | None, tenant: Tenant) -> str:
    """The language that the buyer ordered in, or the tenant's."""
    offered = dict(settings.LANGUAGES)
    wanted = (order.language if order else "", tenant.language)
    return next((each for each in wanted if each in offered), "en")


def holder_of(ticket: Ticket, order: Order | None) -> str:
    """Whom the ticket names: its holder, or else who ordered it, unless they passed it on."""
    if ticket.is_passed_on or order is None:
        return ticket.holder_name or ticket.holder_email
    return ticket.holder_name or order.name or order.email


def _drawn(found: Sequence[tuple[Any, Order | None]], layout: papers.Layout) -> bytes:
    """The file of these tickets, each with its order. Raises NoTicketFile for none."""
    if not found:
        raise NoTicketFile
    tenant = current_tenant()
    texts = code_texts(ticket for ticket, _order in found)
    shown = _pictures({ticket.event_id for ticket, _order in found}, WIDEST[layout])
    sheets = [
        papers.Sheet(
            ticket=ticket,
            code=texts[ticket.pk],
            holder=holder_of(ticket, order),
            # The order is not the matter of whoever was given one of its tickets.
            order=order.code if order and not ticket.is_passed_on else "",
            picture=shown.get(ticket.event_id),
            address=url(tenant, f"/events/{ticket.event.slug}/"),
        )
        for ticket, order in found
    ]
    issuer = papers.Issuer(tenant.name, tenant.colour, logo_content(tenant.logo))
    made_at = timezone.now().replace(microsecond=0)
    return papers.pdf(sheets, issuer, layout=layout, language=language_of(found[0][1], tenant), made_at=made_at)


def _pictures(events: Collection[int], widest: int) -> dict[int, bytes]:
    """The leading picture of each event that has one, as a JPEG."""
    found = {}
    for row in EventMedia.objects.filter(event__in=events, is_lead=True):
        width = max((each for each in row.widths if each <= widest), default=min(row.widths))
        try:
            with default_storage.open(pictures.path_of(row.folder, row.stem, f"{width}.jpg")) as opened:
                found[row.event_id] = opened.read()
        except OSError:
            continue  # its files went a moment ago: the page draws a picture then, and so does the file
    return found
