"""What a person bought at every tenant, on one page of the platform."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from shared_apps.core.access import signed_in
from shared_apps.people import footprints
from tenant_apps.events.models import Event
from tenant_apps.orders.models import Order
from tenant_apps.ticketing.lifecycle import GOOD
from tenant_apps.ticketing.models import Ticket
from tenants.context import in_public, in_tenant
from tenants.links import url
from tenants.models import Tenant

PAGE = 20
MOST_AHEAD = 30
# Tickets whose pages a browser keeps for where there is no network.
MOST_KEPT = 40


@signed_in
@never_cache
@require_safe
def tickets(request: HttpRequest) -> HttpResponse:
    """Events ahead first, then every order, newest first. Each tenant on the page is asked once, in turn."""
    given = request.GET.get("page", "")
    number = int(given) if given.isascii() and given.isdigit() and 0 < len(given) < 5 and int(given) else 1
    with in_public():
        ahead = list(footprints.upcoming_events_of(request.user)[:MOST_AHEAD]) if number == 1 else []
        found = footprints.orders_of(request.user).order_by("-placed_at", "-pk")
        rows = list(found[(number - 1) * PAGE : number * PAGE + 1])
        tenants = Tenant.objects.in_bulk({row["tenant_id"] for row in ahead} | {row.tenant_id for row in rows})
    events: dict[tuple[int, int], dict[str, Any]] = {}
    orders: dict[Any, dict[str, Any]] = {}
    for pk, tenant in tenants.items():
        with in_tenant(tenant):
            events |= _events(tenant, [row["event_id"] for row in ahead if row["tenant_id"] == pk], request.user)
            orders |= _orders(tenant, [row.order_id for row in rows if row.tenant_id == pk])
    context: dict[str, Any] = {
        "tab": "tickets",
        "ahead": [events[key] for row in ahead if (key := (row["tenant_id"], row["event_id"])) in events],
        "orders": [orders[row.order_id] for row in rows[:PAGE] if row.order_id in orders],
        "more": len(rows) > PAGE,
        "page": number,
    }
    # Those of the next events, for the copy that the browser keeps.
    context["keep"] = [page for each in context["ahead"] for page in each["tickets"]][:MOST_KEPT]
    return render(request, "account/tickets.html", context)


def coming_events(rows: list[dict[str, Any]], user: Any) -> list[dict[str, Any]]:
    """Return what a page shows of these rows of `footprints.upcoming_events_of`, in their order. Each tenant is asked
    once, in turn; an event that is gone in the meantime is left out."""
    with in_public():
        tenants = Tenant.objects.in_bulk({row["tenant_id"] for row in rows})
    found: dict[tuple[int, int], dict[str, Any]] = {}
    for pk, tenant in tenants.items():
        with in_tenant(tenant):
            found |= _events(tenant, [row["event_id"] for row in rows if row["tenant_id"] == pk], user)
    return [found[key] for row in rows if (key := (row["tenant_id"], row["event_id"])) in found]


def _events(tenant: Tenant, ids: list[int], user: Any) -> dict[tuple[int, int], dict[str, Any]]:
    """Events with the person's places, the order that they are in (the newest, where there are several) and the pages
    of their tickets."""
    with in_public():
        places: dict[int, list[Any]] = {}
        tickets: dict[int, list[Any]] = {}
        mine = footprints.places_of(user).filter(tenant_id=tenant.pk, event_id__in=ids)
        for event_id, order_id, ticket_id in mine.order_by("order_id").values_list("event_id", "order_id", "ticket_id"):
            places.setdefault(event_id, []).append(order_id)
            if ticket_id:
                tickets.setdefault(event_id, []).append(ticket_id)
    issued = {pk for each in tickets.values() for pk in each}
    good = Ticket.objects.filter(pk__in=issued, status__in=GOOD, secret="")
    in_turn = list(good.order_by("order_line__order_id", "order_line__position").values_list("pk", flat=True))
    links = dict(Order.objects.filter(pk__in={each[-1] for each in places.values()}).values_list("pk", "secret"))
    codes = dict(Order.objects.filter(pk__in=links).values_list("pk", "code"))
    shown = {}
    for event in Event.objects.filter(pk__in=ids).select_related("venue"):
        order = places.get(event.pk, [None])[-1]
        if order in links:
            address = url(tenant, f"/orders/{codes[order]}/{links[order]}/")
            shown[tenant.pk, event.pk] = {
                "event": event, "venue": event.venue, "tenant": tenant,
                "places": len(places[event.pk]), "url": address, "page": url(tenant, f"/events/{event.slug}/"),
                "tickets": [
                    reverse("my-ticket", args=[tenant.slug, pk]) for pk in in_turn if pk in tickets.get(event.pk, ())
                ],
            }  # fmt: skip
    return shown


def _orders(tenant: Tenant, ids: list[Any]) -> dict[Any, dict[str, Any]]:
    shown = {}
    for order in Order.objects.filter(pk__in=ids).prefetch_related("lines__event"):
        titles = [line.event.title if line.event else line.title for line in order.lines.all()]
        shown[order.pk] = {
            "order": order,
            "tenant": tenant,
            "titles": list(dict.fromkeys(titles))[:3],
            "url": url(tenant, f"/orders/{order.code}/{order.secret}/"),
        }
    return shown
