"""An event's page, on which one orders."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import get_language

from shared_apps.core.access import anyone
from shared_apps.core.errors import DomainError
from shared_apps.core.forms import show_refusal
from shared_apps.core.money import to_text
from tenant_apps.activity.once import once
from tenant_apps.events import refunds
from tenant_apps.events.models import Event
from tenant_apps.orders.checkout import place_order
from tenant_apps.orders.errors import WrongAnswers
from tenant_apps.orders.forms import OrderForm
from tenant_apps.ticketing.offers import event_offer
from tenant_apps.ticketing.querysets import with_ticket_types
from tenant_apps.ticketing.structured import event_data
from tenants.context import current_tenant


@anyone
def event(request: HttpRequest, slug: str) -> HttpResponse:
    """Shows the event; a POST orders. What was typed stays when something is refused."""
    found = get_object_or_404(
        _with_everything(Event.objects.public()),
        slug=slug,
    )
    offer = event_offer(found)
    questions = list(found.questions.all())
    if request.method != "POST":
        form = OrderForm(offers=offer.offers, initial=_known(request.user))
        return _page(request, found, offer, form)
    form = OrderForm(request.POST, offers=offer.offers, questions=questions)
    if form.is_valid():
        if not form.is_answered():
            return _page(request, found, offer, form)
        try:
            placed = _place_once(form, request.user)
        except WrongAnswers as refusal:
            return _page(request, found, offer, form, status=400, faults=_by_field(form, refusal))
        except DomainError as refusal:
            show_refusal(form, refusal, {"lines": "", "provider": "", **form.line_fields()})
            return _page(request, found, event_offer(_again(found)), form, status=refusal.status)
        return redirect(placed)
    return _page(request, found, offer, form, status=400)


def _place_once(form: OrderForm, user: Any) -> str:
    """Order what the form says and return the order's page; the same form sent again leads to the same order."""

    def place() -> str:
        order = place_order(form.basket(get_language() or "en"), user=user)
        return reverse("storefront-order", args=[order.code, order.secret])

    return once("page:order", form.once_key(), place) if form.cleaned_data["key"] else place()


def _by_field(form: OrderForm, refusal: DomainError) -> dict[str, str]:
    """What is wrong with the answers, by the names of the page's fields."""
    lines = [pk for pk, quantity in form.quantities().items() if quantity]
    faults = {}
    for error in refusal.errors:
        _lines, index, _attendees, number, _answers, question = error.field.split(".")
        faults[f"answer_{lines[int(index)]}_{number}_{question}"] = str(error.message)
    return faults


def _sheets(form: OrderForm, faults: dict[str, str]) -> list[dict[str, Any]]:
    """The questions as the page shows them: a sheet for each ticket, with what was typed."""
    sheets = []
    for kind, number, questions in form.to_ask():
        given = form.answers(kind.pk, number)
        rows = []
        for question in questions:
            name = form.answer_field(kind, number, question)
            rows.append(
                {"question": question, "name": name, "given": given[str(question.pk)], "fault": faults.get(name, "")}
            )
        sheets.append({"kind": kind, "number": number + 1, "rows": rows})
    return sheets


def _page(
    request: HttpRequest,
    found: Event,
    offer: Any,
    form: OrderForm,
    status: int = 200,
    faults: dict[str, str] | None = None,
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
        "sheets": _sheets(form, faults or {}) if form.is_bound else [],
        "sheet": form.sheet() if form.is_bound else "",
        "faults": faults,
        "program": list(found.program.all()),
        "bring": list(found.bring.all()),
        "refund_rule": refunds.in_words(found),
    }
    return render(request, "storefront/events/event.html", context, status=status)


def _said(form: OrderForm, offer: Any, found: Event) -> dict[str, Any]:
    """The field in which a buyer says the price: what was typed, else what the organizer suggests, else the least."""
    if not offer.is_open:
        return {}
    name = form.price_field_of(offer)
    suggested = offer.ticket_type.suggested_price_minor
    first = to_text(offer.price_minor if suggested is None else suggested, found.currency)
    typed = form.data.get(name, "")[:20] if form.is_bound else first
    return {"price_name": name, "price": typed, "price_errors": form.errors.get(name) if form.is_bound else None}


def _again(found: Event) -> Event:
    """The event with its places as they are after a refusal."""
    return _with_everything(Event.objects.all()).get(pk=found.pk)  # type: ignore[no-any-return]  # annotate() loses the queryset class


def _with_everything(events: Any) -> Any:
    shown = events.select_related("category", "venue").with_pictures()
    return with_ticket_types(shown).prefetch_related("tags")


def _known(user: Any) -> dict[str, str]:
    return {"email": user.email, "name": user.name} if user.is_authenticated else {}
