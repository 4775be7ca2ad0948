"""Waiting lists as people see them: joining one, one's own entry, and the staff's list of an event."""

import uuid
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from shared_apps.core.access import anyone, own, staff
from shared_apps.core.addresses import client_address
from shared_apps.core.errors import DomainError
from shared_apps.core.forms import show_refusal
from tenant_apps.activity.once import once
from tenant_apps.consents.boxes import boxes
from tenant_apps.consents.errors import ConsentRequired
from tenant_apps.events.models import Event
from tenant_apps.events.staff_view import event_for
from tenant_apps.orders import waiting, waiting_offers
from tenant_apps.orders.checkout import place_order
from tenant_apps.orders.errors import WrongAnswers
from tenant_apps.orders.models import WaitingEntry
from tenant_apps.orders.waiting_forms import JoinForm, OfferForm
from tenant_apps.ticketing.models import TicketType
from tenant_apps.ticketing.offers import offer_of
from tenant_apps.ticketing.querysets import with_ticket_types
from tenants.context import current_tenant
from tenants.preferences import preference

Status = WaitingEntry.Status
PAGE = 100
# What the staff's list can be narrowed to at a tap.
SHOWN = (Status.WAITING, Status.COLLECTING, Status.OFFERED, Status.TAKEN, Status.LAPSED)


@anyone
@require_http_methods(["GET", "HEAD", "POST"])
def join(request: HttpRequest, slug: str) -> HttpResponse:
    """The form of who wants to hear of free places. The answer is the same for who waits already."""
    event = get_object_or_404(with_ticket_types(Event.objects.public().select_related("venue")), slug=slug)
    types = _to_wait_for(event)
    if request.method == "POST":
        form = JoinForm(request.POST, types=types)
        if form.is_valid():
            try:
                waiting.count_try(form.cleaned_data["email"], client_address(request))
                waiting.join(event, user=request.user, language=get_language() or "", **form.wish())
            except DomainError as refusal:
                show_refusal(form, refusal)
                return _join_page(request, event, form, types, status=refusal.status)
            return _join_page(request, event, None, types, sent_to=form.cleaned_data["email"])
        return _join_page(request, event, form, types, status=400)
    chosen = request.GET.get("type", "")
    known = {"email": request.user.email} if request.user.is_authenticated else {}
    first = types[0].pk if types else None
    kind = next((one.pk for one in types if str(one.pk) == chosen), first)
    return _join_page(request, event, JoinForm(initial={"ticket_type": kind, **known}, types=types), types)


def _to_wait_for(event: Any) -> list[TicketType]:
    """The types of the event that are on sale and have a list: sold out, or with too few places for some group."""
    now = timezone.now()
    found = []
    for kind in event.ticket_types.all():
        state = offer_of(kind, event, now).state
        if kind.waiting_list and (state == "sold_out" or (state == "on_sale" and kind.places is not None)):
            found.append((state != "sold_out", kind))
    return [kind for _on_sale, kind in sorted(found, key=lambda each: each[0])]


def _join_page(
    request: HttpRequest,
    event: Event,
    form: JoinForm | None,
    types: list[TicketType],
    *,
    sent_to: str = "",
    status: int = 200,
) -> HttpResponse:
    hours = preference(current_tenant(), "waiting_list_hours")
    context = {"nav": "events", "event": event, "form": form, "types": types, "sent_to": sent_to, "hours": hours}
    return render(request, "storefront/waiting/join.html", context, status=status)


@own
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def entry(request: HttpRequest, secret: str) -> HttpResponse:
    """One's own entry: what is offered, taking it, leaving. Looking changes nothing: programs follow links in mails."""
    found = waiting.by_secret(secret)
    if found is None:
        raise Http404
    if request.method != "POST":
        return _entry_page(request, found, _offer_form(found))
    if request.POST.get("act") == "order":
        return _take(request, found)
    if request.POST.get("act") == "leave":
        waiting.leave(found)
        messages.success(request, _("You are off the waiting list."))
        return redirect("waiting-list-entry", secret=secret)
    return _entry_page(request, found, _offer_form(found), status=400)


def _offer_form(found: WaitingEntry, data: Any = None) -> OfferForm | None:
    if found.status != Status.OFFERED:
        return None
    return OfferForm(data, entry=found, questions=list(found.ticket_type.event.questions.all()))


def _take(request: HttpRequest, found: WaitingEntry) -> HttpResponse:
    form = _offer_form(found, request.POST)
    if form is None:
        # A second tap, or a page that was left open: the order if there is one, else how things stand.
        if found.order is not None:
            return redirect("storefront-order", code=found.order.code, secret=found.order.secret)
        return _entry_page(request, found, None, status=409)
    if not form.is_valid():
        return _entry_page(request, found, form, status=400)

    def place() -> str:
        basket = waiting.basket_of(found, language=get_language() or "en", **form.details())
        order = place_order(basket, user=request.user, offer=found)
        return reverse("storefront-order", args=[order.code, order.secret])

    try:
        placed = once("page:offer", form.once_key(), place) if form.cleaned_data["key"] else place()
    except WrongAnswers as refusal:
        return _entry_page(request, found, form, status=400, faults=_by_field(form, refusal))
    except ConsentRequired as refusal:
        faults = {f"agree_{error.field.removeprefix('agreed.')}": str(error.message) for error in refusal.errors}
        form.add_error(None, str(refusal))
        return _entry_page(request, found, form, status=400, faults=faults)
    except DomainError as refusal:
        fresh = waiting.by_secret(found.secret) or found
        show_refusal(form, refusal, {"lines.0.price": "price", "lines": ""})
        return _entry_page(request, fresh, form, status=refusal.status)
    return redirect(placed)


def _by_field(form: OfferForm, refusal: DomainError) -> dict[str, str]:
    """What is wrong with the answers, by the names of the page's fields."""
    faults = {}
    for error in refusal.errors:
        _lines, _index, _attendees, number, _answers, question = error.field.split(".")
        faults[form.field_of(int(number), question)] = str(error.message)
    return faults


def _entry_page(
    request: HttpRequest,
    found: WaitingEntry,
    form: OfferForm | None,
    *,
    status: int = 200,
    faults: dict[str, str] | None = None,
) -> HttpResponse:
    now = timezone.now()
    event = found.ticket_type.event
    types: Any = TicketType.objects.with_places().with_tiers()
    included = preference(current_tenant(), "prices_include_tax")
    context = {
        "nav": "events",
        "entry": found,
        "event": event,
        "offer": offer_of(types.get(pk=found.ticket_type_id), event, now, prices_include_tax=included),
        "form": form if found.status == Status.OFFERED else None,
        "refusals": form.errors if form is not None and form.is_bound else None,
        "sheets": form.sheets(faults or {}) if form else [],
        "faults": faults,
        "agreements": boxes(form.data if form is not None and form.is_bound else None, faults or {}),
        "is_over": found.expires_at is not None and found.status == Status.OFFERED and found.expires_at <= now,
        "ahead": waiting.ahead_of([found]).get(found.pk),
        "now": now,
    }
    response = render(request, "storefront/waiting/entry.html", context, status=status)
    response["Cache-Control"] = "no-store, private"
    # Not no-referrer: then browsers send "Origin: null" with the page's own forms, and CSRF refuses them (I6).
    response["Referrer-Policy"] = "same-origin"
    response["X-Robots-Tag"] = "noindex"
    return response


# --- Staff -----------------------------------------------------------------------------------------------------------


@staff("change_orders")
@require_safe
def entries(request: HttpRequest, slug: str) -> HttpResponse:
    """Who waits for an event's tickets, in the order in which they are served, and what was offered."""
    event, rights = event_for(request.user, slug, "change_orders")
    found = waiting.entries_of(event)
    status = request.GET.get("status", "")
    if status in Status.values:
        found = found.filter(status=status)
    given = request.GET.get("page", "")
    number = int(given) if given.isascii() and given.isdigit() and 0 < len(given) < 5 and int(given) else 1
    rows: list[Any] = list(found[(number - 1) * PAGE : number * PAGE + 1])
    ahead = waiting.ahead_of(rows[:PAGE])
    for row in rows:
        row.place = ahead[row.pk] + 1 if row.pk in ahead else None
    tenant = current_tenant()
    context = {
        "nav": "events",
        "event": event,
        "event_rights": rights,
        "event_tab": "waiting",
        "entries": rows[:PAGE],
        "more": len(rows) > PAGE,
        "page": number,
        "status": status,
        "statuses": [(one.value, one.label) for one in SHOWN],
        "offers": [_state_of(one, event) for one in event.ticket_types.with_places().with_tiers()],
        "hours": preference(tenant, "waiting_list_hours"),
        "group_hours": preference(tenant, "waiting_list_group_hours"),
        "comes_first": preference(tenant, "waiting_list_first"),
    }
    return render(request, "dashboard/events/waiting.html", context)


def _state_of(kind: Any, event: Event) -> Any:
    offer: Any = offer_of(kind, event, timezone.now())
    waits = WaitingEntry.objects.open().filter(ticket_type=kind.pk)
    numbers = list(waits.values_list("quantity", "held"))
    return {
        "type": kind,
        "state": offer.state,
        "people": len(numbers),
        "places": sum(quantity for quantity, _held in numbers),
        "held": sum(held for _quantity, held in numbers),
    }


@staff("change_orders")
@require_POST
def offer_now(request: HttpRequest, slug: str, pk: uuid.UUID) -> HttpResponse:
    """Offer free places to one who waits, out of turn."""
    event, _rights = event_for(request.user, slug, "change_orders")
    found = get_object_or_404(waiting.entries_of(event), pk=pk)
    try:
        waiting_offers.offer_now(found, actor=request.user)
    except DomainError as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _("The places are held, and the letter is on its way."))
    return redirect("dashboard-event-waiting", slug=event.slug)


@staff("change_orders")
@require_POST
def remove(request: HttpRequest, slug: str, pk: uuid.UUID) -> HttpResponse:
    """Take somebody off the list; what was offered goes to the next."""
    event, _rights = event_for(request.user, slug, "change_orders")
    waiting.remove(get_object_or_404(waiting.entries_of(event), pk=pk), actor=request.user)
    messages.success(request, _("Removed from the waiting list."))
    return redirect("dashboard-event-waiting", slug=event.slug)
