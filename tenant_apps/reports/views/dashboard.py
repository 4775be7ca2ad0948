"""The dashboard's first screen, and one event's numbers."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from shared_apps.core.access import staff
from tenant_apps.customers import follows
from tenant_apps.events.staff_view import event_for, events_seen
from tenant_apps.onboarding.checklist import checklist, is_shown
from tenant_apps.orders.models import Order
from tenant_apps.reports import queries
from tenant_apps.reports.todo import things_to_do
from tenant_apps.staff.permissions import events_where, permissions_of
from tenants.context import current_tenant


@staff()
def home(request: HttpRequest) -> HttpResponse:
    """Shows each member of the staff what their rights let them see, and nothing else."""
    rights = permissions_of(request.user)
    events = events_seen(request.user)
    coming = list(
        events.upcoming()
        .exclude(status__in=("archived", "cancelled"))
        .select_related("category", "venue")
        .order_by("starts_at")[:5]
    )
    numbers = queries.event_numbers(coming)
    for event in coming:
        event.numbers = numbers[event.pk]
    context: dict[str, Any] = {
        "nav": "home",
        "coming": coming,
        "has_events": bool(coming) or events.exists(),
        "todo": things_to_do(rights, coming, numbers),
        "currency": current_tenant().currency,
    }
    if "manage_settings" in rights and is_shown(current_tenant()):
        steps = checklist()
        context["checklist"] = None if steps.is_complete else steps
    reported = events_where(request.user, "view_reports")
    everything = "view_reports" in rights
    if everything or reported.exists():
        scope = None if everything else reported
        context["headline"] = queries.headline(events=scope)
        context["days"] = queries.sales_per_day(events=scope)
        context["followers"] = follows.followers() if everything else None
    if "view_orders" in rights:
        context["orders"] = Order.objects.for_list()[:6]
    return render(request, "dashboard/home.html", context)


@staff("change_event", "view_orders", "change_orders", "refund_orders", "check_in", "view_reports")
def event(request: HttpRequest, slug: str) -> HttpResponse:
    """One event: what is sold, held, paid and checked in, by ticket type."""
    found, rights = event_for(request.user, slug)
    context = {
        "nav": "events",
        "event": found,
        "event_rights": rights,
        "numbers": queries.event_numbers([found])[found.pk],
        "types": queries.ticket_type_numbers(found),
        "lists": found.check_in_lists.order_by("pk"),
        "orders": Order.objects.for_list().filter(lines__event=found).distinct()[:6]
        if "view_orders" in rights
        else None,
    }
    return render(request, "dashboard/events/event.html", context)
