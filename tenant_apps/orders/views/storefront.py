"""An event's page, on which one orders."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import get_language

from shared_apps.core.access import anyone
from shared_apps.core.errors import DomainError
from shared_apps.core.forms import show_refusal
from tenant_apps.activity.once import once
from tenant_apps.events.models import Event
from tenant_apps.orders.checkout import place_order
from tenant_apps.orders.forms import OrderForm
from tenant_apps.ticketing.offers import event_offer
from tenant_apps.ticketing.querysets import with_ticket_types
from tenant_apps.ticketing.structured import event_data
from tenants.context import current_tenant


@anyone
def event(request: HttpRequest, slug: str) -> HttpResponse:
    """Shows the event; a POST orders. What was typed stays when something is refused."""
    found = get_object_or_404(
        with_ticket_types(Event.objects.public().select_related("category", "venue")).prefetch_related("tags"),
        slug=slug,
    )
    offer = event_offer(found)
    if request.method != "POST":
        form = OrderForm(offers=offer.offers, initial=_known(request.user))
        return _page(request, found, offer, form)
    form = OrderForm(request.POST, offers=offer.offers)
    if form.is_valid():
        try:
            placed = _place_once(form, request.user)
        except DomainError as refusal:
            show_refusal(form, refusal, {"lines": "", "provider": ""})
            return _page(request, found, event_offer(_again(found)), form, status=refusal.status)
        return redirect(placed)
    return _page(request, found, offer, form, status=400)


def _place_once(form: OrderForm, user: Any) -> str:
    """Order what the form says and return the order's page; the same form sent again leads to the same order."""

    def place() -> str:
        order = place_order(form.basket(get_language() or "en"), user=user)
        return reverse("storefront-order", args=[order.code, order.secret])

    return once("page:order", form.once_key(), place) if form.cleaned_data["key"] else place()


def _page(request: HttpRequest, found: Event, offer: Any, form: OrderForm, status: int = 200) -> HttpResponse:
    choices = []
    for each in offer.offers:
        name = form.field_of(each)
        typed = form.data.get(name, "") if form.is_bound else ""
        # A single type on sale starts with one ticket: that is what people come for.
        first = each.ticket_type.min_per_order if len(offer.offers) == 1 and not form.is_bound else 0
        value = int(typed[:4]) if typed.isascii() and typed.isdigit() else first
        errors = form.errors.get(name) if form.is_bound else None
        choices.append({"offer": each, "name": name, "value": value, "errors": errors})
    context = {
        "nav": "events",
        "event": found,
        "offer": offer,
        "form": form,
        "choices": choices,
        "structured": event_data(found, offer, current_tenant()),
    }
    return render(request, "storefront/events/event.html", context, status=status)


def _again(found: Event) -> Event:
    """The event with its places as they are after a refusal."""
    return (
        with_ticket_types(Event.objects.select_related("category", "venue")).prefetch_related("tags").get(pk=found.pk)
    )


def _known(user: Any) -> dict[str, str]:
    return {"email": user.email, "name": user.name} if user.is_authenticated else {}
