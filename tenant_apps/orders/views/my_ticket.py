"""One of a person's own tickets, of whichever tenant, below "my tickets": pages that the browser keeps for the door.

They stand on the host that one is signed in on, so that one copy without network holds all of them; the tenant that
issued a ticket is entered for it. What is whose, the public copy says, as for the list (`people.footprints`).
"""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from shared_apps.core.access import anyone, signed_in
from shared_apps.people import footprints
from tenant_apps.events.models import Event
from tenant_apps.orders import ticket_pages
from tenant_apps.orders.models import OrderLine
from tenant_apps.orders.views.tickets import calendar_file, ticket_file
from tenants.context import in_public, in_tenant
from tenants.links import url
from tenants.models import Tenant


@signed_in
@never_cache
@require_safe
def page(request: HttpRequest, tenant: str, ticket: uuid.UUID) -> HttpResponse:
    """The ticket with its code as large as the screen lets it be."""

    def address(pk: Any) -> str:
        return reverse("my-ticket", args=[tenant, pk])

    with _mine(request, tenant, ticket) as (line, issuer):
        context = ticket_pages.shown(line, line.order, address=address)
        order_url = url(issuer, f"/orders/{line.order.code}/{line.order.secret}/")
    context |= {
        "tab": "tickets",
        "issuer": issuer,
        "pdf": reverse("my-ticket-pdf", args=[tenant, ticket]),
        "calendar": reverse("my-ticket-calendar", args=[tenant, ticket]),
        "order_url": order_url,
    }
    return render(request, "account/ticket.html", context)


@signed_in
@never_cache
@require_safe
def pdf(request: HttpRequest, tenant: str, ticket: uuid.UUID) -> HttpResponse:
    """The ticket as a file."""
    with _mine(request, tenant, ticket) as (line, _issuer):
        return ticket_file(request, line.ticket)


@signed_in
@never_cache
@require_safe
def calendar(request: HttpRequest, tenant: str, ticket: uuid.UUID) -> HttpResponse:
    """The ticket's event for the person's own calendar."""
    with _mine(request, tenant, ticket) as (line, _issuer):
        return calendar_file(Event.objects.filter(pk=line.event_id))


@anyone
@require_safe
def worker(request: HttpRequest) -> HttpResponse:
    """The service worker that shows kept tickets without network. It stands here because a worker's pages are those
    below its own address; it holds nothing of anybody."""
    content = (Path(settings.BASE_DIR) / "static" / "js" / "tickets-worker.js").read_bytes()
    return HttpResponse(
        content,
        content_type="text/javascript",
        headers={
            "Cache-Control": "no-cache",
            # The files and pages that it keeps are this host's own, and it fetches nothing else.
            "Content-Security-Policy": "default-src 'none'; connect-src 'self'",
        },
    )


@contextmanager
def _mine(request: HttpRequest, slug: str, ticket: uuid.UUID) -> Iterator[tuple[Any, Tenant]]:
    """Be inside the tenant that issued the ticket, with its line. Raises Http404 alike for what is not there and for
    what is somebody else's (T5, N2)."""
    with in_public():
        place = footprints.tickets_of(request.user).filter(tenant__slug=slug, ticket_id=ticket).first()
    if place is None:
        raise Http404
    with in_tenant(place.tenant):
        lines = OrderLine.objects.select_related("order", "event__venue", "event__category", "ticket_type")
        # What was passed on has a page of its own, by its own secret; the order is not its holder's matter.
        line = lines.select_related("ticket__ticket_type").filter(ticket=ticket, ticket__secret="").first()
        if line is None:
            raise Http404
        yield line, place.tenant
