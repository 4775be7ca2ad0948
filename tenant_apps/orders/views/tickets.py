"""Tickets as files and as pages of their own: for the buyer by the order's secret (T5), for staff by their rights."""

import uuid
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from shared_apps.core.access import own, staff
from tenant_apps.events.calendars import CONTENT_TYPE, calendar
from tenant_apps.events.models import Event
from tenant_apps.orders import ticket_files, ticket_pages
from tenant_apps.orders.models import Order, OrderLine
from tenant_apps.orders.views.dashboard import whole_for
from tenant_apps.orders.views.invoices import opened
from tenant_apps.orders.views.passing import given
from tenant_apps.ticketing import papers
from tenant_apps.ticketing.models import Ticket


def as_file(content: bytes, name: str, content_type: str = "application/pdf") -> HttpResponse:
    """The file as an answer that nobody keeps on the way. `name` is ours: ASCII."""
    return HttpResponse(
        content,
        content_type=content_type,
        headers={
            "Content-Disposition": f'inline; filename="{name}"',
            "Cache-Control": "no-store, private",
            "X-Robots-Tag": "noindex",
            "X-Content-Type-Options": "nosniff",
        },
    )


def wanted_layout(request: HttpRequest) -> papers.Layout:
    """The layout that the address asks for. Raises Http404 for one that there is not."""
    given = request.GET.get("layout", "a4")
    found = next((each for each in papers.LAYOUTS if each == given), None)
    if found is None:
        raise Http404
    return found


def wanted_part(request: HttpRequest) -> int:
    """Which part of a large order. Raises Http404 for what is no number from 1."""
    given = request.GET.get("part", "1")
    if not (given.isascii() and given.isdigit() and 0 < len(given) < 5 and int(given)):
        raise Http404
    return int(given)


def order_file(request: HttpRequest, order: Order, *, by_staff: bool = False) -> HttpResponse:
    """The file of an order's tickets, as the address asks for it."""
    layout, part = wanted_layout(request), wanted_part(request)
    ticket_files.count_asking(order)
    content = ticket_files.order_file(order, layout=layout, part=part, by_staff=by_staff)
    return as_file(content, f"tickets-{order.code}.pdf")


def ticket_file(request: HttpRequest, ticket: Ticket) -> HttpResponse:
    """One ticket's file, as the address asks for it."""
    layout = wanted_layout(request)
    ticket_files.count_asking(ticket)
    return as_file(ticket_files.ticket_file(ticket.pk, layout=layout), f"ticket-{ticket.short_code}.pdf")


def calendar_file(events: Any) -> HttpResponse:
    """Events for the holder's own calendar."""
    listed = list(events.select_related("venue", "category").defer("search", "letters").order_by("starts_at", "pk"))
    if not listed:
        raise Http404
    name = listed[0].slug if len(listed) == 1 else "events"
    return as_file(calendar(listed, name=listed[0].title if len(listed) == 1 else ""), f"{name}.ics", CONTENT_TYPE)


@own
@never_cache
@require_safe
def order_pdf(request: HttpRequest, code: str, secret: str) -> HttpResponse:
    """All tickets of an order in one file."""
    return order_file(request, opened(code, secret))


@own
@never_cache
@require_safe
def ticket_pdf(request: HttpRequest, code: str, secret: str, ticket: uuid.UUID) -> HttpResponse:
    """One ticket's file."""
    return ticket_file(request, _line(opened(code, secret), ticket).ticket)


@own
@never_cache
@require_safe
def holder_pdf(request: HttpRequest, pk: uuid.UUID, secret: str) -> HttpResponse:
    """The file of a ticket that somebody was given, by its own secret."""
    return ticket_file(request, given(pk, secret).ticket)


@own
@never_cache
@require_safe
def holder_calendar(request: HttpRequest, pk: uuid.UUID, secret: str) -> HttpResponse:
    """The event of a ticket that somebody was given, for their own calendar."""
    return calendar_file(Event.objects.filter(pk=given(pk, secret).ticket.event_id))


@own
@never_cache
@require_safe
def order_calendar(request: HttpRequest, code: str, secret: str) -> HttpResponse:
    """The events that the order has places at; `?event=` with a slug for one of them."""
    lines = opened(code, secret).lines.filter(status=OrderLine.Status.ACTIVE, ticket__isnull=False)
    events = Event.objects.filter(pk__in=lines.values("event"))
    if wanted := request.GET.get("event", ""):
        events = events.filter(slug=wanted[:80])
    return calendar_file(events)


@own
@never_cache
@require_safe
def ticket_page(request: HttpRequest, code: str, secret: str, ticket: uuid.UUID) -> HttpResponse:
    """One ticket with its code as large as the screen lets it be."""
    order = opened(code, secret)
    line = _line(order, ticket)

    def address(pk: Any) -> str:
        return reverse("storefront-ticket", args=[order.code, order.secret, pk])

    context = ticket_pages.shown(line, order, address=address)
    file = reverse("storefront-ticket-pdf", args=[order.code, order.secret, ticket])
    context |= {
        "pdf": file,
        "calendar": f"{reverse('storefront-order-calendar', args=[order.code, order.secret])}?event={line.event.slug}",
        "order_url": reverse("storefront-order", args=[order.code, order.secret]),
    }
    response = render(request, "storefront/orders/ticket.html", context)
    response["Cache-Control"] = "no-store, private"
    response["Referrer-Policy"] = "same-origin"
    response["X-Robots-Tag"] = "noindex"
    return response


@staff("view_orders")
@never_cache
@require_safe
def for_staff(request: HttpRequest, code: str) -> HttpResponse:
    """The tickets of an order that one may see the whole of, to print them at the counter."""
    return order_file(request, whole_for(request.user, code), by_staff=True)


def _line(order: Order, ticket: uuid.UUID) -> Any:
    lines = order.lines.select_related("event__venue", "event__category", "ticket_type", "ticket__ticket_type")
    line = lines.filter(ticket=ticket, ticket__secret="").first()
    if line is None:
        raise Http404
    return line
