"""An event's page, on which one chooses."""

from collections.abc import Collection
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _

from shared_apps.core.access import anyone
from shared_apps.core.errors import DomainError
from shared_apps.core.forms import show_refusal
from shared_apps.core.money import to_text
from tenant_apps.events import refunds
from tenant_apps.events.models import Event
from tenant_apps.orders.cart_cookies import remember, visitor_of
from tenant_apps.orders.carts import opened_for
from tenant_apps.orders.errors import EmptyOrder
from tenant_apps.orders.forms import ChooseForm
from tenant_apps.orders.services import give_back_overdue
from tenant_apps.orders.views.cart import add_once
from tenant_apps.ticketing.models import QuotaTicketType
from tenant_apps.ticketing.offers import EventOffer, event_offer
from tenant_apps.ticketing.querysets import with_ticket_types
from tenant_apps.ticketing.structured import event_data
from tenants.context import current_tenant


@anyone
def event(request: HttpRequest, slug: str) -> HttpResponse:
    """Shows the event; a POST puts what was chosen into the cart. What was typed stays when something is refused."""
    opened = opened_for(visitor_of(request))
    found = get_object_or_404(_with_everything(Event.objects.public(), opened), slug=slug)
    offer = event_offer(found)
    if request.method != "POST":
        if "sold_out" in {each.state for each in offer.offers} and _given_back(offer):
            offer = event_offer(_again(found, opened))
        return _page(request, found, offer, ChooseForm(offers=offer.offers))
    form = ChooseForm(request.POST, offers=offer.offers)
    if form.is_valid() and not form.quantities():
        form.add_error(None, str(EmptyOrder.message))
    if not form.is_valid():
        return _page(request, found, offer, form, status=400)
    try:
        cart = add_once(request, form.cleaned_data["key"], form.once_key(), form.wishes())
    except DomainError as refusal:
        show_refusal(form, refusal, {"lines": "", **form.line_fields()})
        return _page(request, found, event_offer(_again(found, opened)), form, status=refusal.status)
    if "stay" in request.POST:
        messages.success(request, _("It is in your cart."))
        return remember(request, redirect("storefront-cart"), cart)
    return remember(request, redirect("storefront-checkout"), cart)


def _given_back(offer: EventOffer) -> bool:
    """Tell whether places came back that somebody held beyond their time, though no job has run (M3)."""
    gone = [each.ticket_type.pk for each in offer.offers if each.state == "sold_out"]
    drawn = QuotaTicketType.objects.filter(ticket_type__in=gone).values_list("quota_id", flat=True)
    return bool(give_back_overdue(list(drawn)))


def _page(
    request: HttpRequest,
    found: Event,
    offer: Any,
    form: ChooseForm,
    status: int = 200,
) -> HttpResponse:
    choices = []
    for each in offer.offers:
        name = form.field_of(each)
        typed = form.data.get(name, "") if form.is_bound else ""
        # A single type on sale starts with one ticket: that is what people come for.
        first = each.ticket_type.min_per_order if len(offer.offers) == 1 and not form.is_bound else 0
        value = int(typed[:4]) if typed.isascii() and typed.isdigit() else first
        errors = form.errors.get(name) if form.is_bound else None
        choices.append({"offer": each, "name": name, "value": value, "errors": errors, **_said(form, each, found)})
    context = {
        "nav": "events",
        "event": found,
        "offer": offer,
        "form": form,
        "choices": choices,
        "structured": event_data(found, offer, current_tenant()),
        "program": list(found.program.all()),
        "bring": list(found.bring.all()),
        "refund_rule": refunds.in_words(found),
    }
    return render(request, "storefront/events/event.html", context, status=status)


def _said(form: ChooseForm, offer: Any, found: Event) -> dict[str, Any]:
    """The field in which a buyer says the price: what was typed, else what the organizer suggests, else the least."""
    if not offer.is_open:
        return {}
    name = form.price_field_of(offer)
    suggested = offer.ticket_type.suggested_price_minor
    first = to_text(offer.price_minor if suggested is None else suggested, found.currency)
    typed = form.data.get(name, "")[:20] if form.is_bound else first
    return {"price_name": name, "price": typed, "price_errors": form.errors.get(name) if form.is_bound else None}


def _again(found: Event, opened: Collection[int]) -> Event:
    """The event with its places as they are after a refusal."""
    return _with_everything(Event.objects.all(), opened).get(pk=found.pk)  # type: ignore[no-any-return]  # annotate() loses the queryset class


def _with_everything(events: Any, opened: Collection[int]) -> Any:
    shown = events.select_related("category", "venue", "series", "standing").with_pictures()
    return with_ticket_types(shown, unlocked=opened).prefetch_related("tags")
