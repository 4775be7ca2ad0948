"""The staff's pages about events and the door."""

import uuid
from functools import partial
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from shared_apps.core.access import staff
from shared_apps.core.errors import DomainError
from shared_apps.core.forms import show_refusal
from tenant_apps.events import services as event_services
from tenant_apps.events.models import Category, Event
from tenant_apps.events.staff_view import event_for, events_seen
from tenant_apps.events.taxonomy import get_or_create_named
from tenant_apps.staff.permissions import events_where, permissions_of
from tenant_apps.ticketing.event_setup import save_event
from tenant_apps.ticketing.forms import EventForm, TypesFormSet, venue_names
from tenant_apps.ticketing.models import CheckIn, CheckInList
from tenant_apps.ticketing.querysets import list_numbers
from tenant_apps.ticketing.scanning import scan as scan_ticket
from tenant_apps.ticketing.season_forms import BulkForm
from tenants.context import current_tenant

SHOWS = {
    "coming": lambda events: events.upcoming().filter(status__in=("published", "postponed")).order_by("starts_at"),
    "drafts": lambda events: events.filter(status="draft").order_by("starts_at"),
    "past": lambda events: (
        events.exclude(pk__in=Event.objects.upcoming().values("pk"))
        .exclude(status__in=("draft", "archived"))
        .order_by("-starts_at")
    ),
    "all": lambda events: events.order_by("-starts_at"),
}
ANY = ("change_event", "view_orders", "change_orders", "refund_orders", "check_in", "view_reports")


@staff(*ANY)
def events(request: HttpRequest) -> HttpResponse:
    """The events that the person may see, with how full they are."""
    show = request.GET.get("show", "coming")
    show = show if show in SHOWS else "coming"
    # The set-ups of series are copied, never held: they stand on their series' pages.
    seen = events_seen(request.user).filter(template_of__isnull=True)
    found = SHOWS[show](seen).select_related("category", "venue")
    if search := request.GET.get("search", "").strip()[:100]:
        found = found.filter(title__icontains=search)
    rows = list(found.prefetch_related("quotas")[:100])
    for event in rows:
        quotas = list(event.quotas.all())
        event.sold, event.held = sum(each.sold for each in quotas), sum(each.held for each in quotas)
        event.places = None if any(each.capacity is None for each in quotas) else sum(each.capacity for each in quotas)
    bulk = BulkForm()
    for field in bulk.fields.values():
        # The fields stand beside the table whose ticks they go with, not inside one form with it.
        field.widget.attrs["form"] = "bulk"
    context = {"nav": "events", "events": rows, "show": show, "search": search, "bulk": bulk}
    return render(request, "dashboard/events/list.html", context)


@staff("change_event")
def new_event(request: HttpRequest) -> HttpResponse:
    """A new event is a draft until somebody publishes it."""
    if "change_event" not in permissions_of(request.user):
        raise Http404
    return _edit(request, None)


@staff("change_event")
def edit_event(request: HttpRequest, slug: str) -> HttpResponse:
    return _edit(request, event_for(request.user, slug, "change_event")[0])


def _edit(request: HttpRequest, event: Event | None) -> HttpResponse:
    tenant = current_tenant()
    data = request.POST if request.method == "POST" else None
    form = EventForm(data, event=event, zone=tenant.timezone)
    types = TypesFormSet(data, event=event, currency=tenant.currency)
    status = 200
    if data is not None:
        # Both are checked, so that everything that is wrong shows at once.
        if all([form.is_valid(), types.is_valid()]):
            rows, places = types.rows()
            try:
                fields = form.event_fields()
                name = form.cleaned_data["category"]
                fields["category"] = get_or_create_named(Category, name) if name.strip() else None
                saved = save_event(event, fields, rows, actor=request.user)
                if data.get("publish"):
                    event_services.publish(saved, actor=request.user)
            except DomainError as refusal:
                _show(form, places, refusal)
            else:
                done = _("The event is published.") if data.get("publish") else _("Saved.")
                messages.success(request, done)
                return redirect("dashboard-event", slug=saved.slug)
        status = 400
    context = {
        "nav": "events",
        "event": event,
        "form": form,
        "types": types,
        "categories": Category.objects.all(),
        "venues": venue_names(),
        "currency": types.currency,
    }
    return render(request, "dashboard/events/edit.html", context, status=status)


def _show(form: Any, places: list[Any], refusal: DomainError) -> None:
    """Put a refusal at the event's field or at the row of the ticket type that it is about."""
    ours = [each for each in refusal.errors if not each.field.startswith("types.")]
    for each in refusal.errors:
        if each.field.startswith("types."):
            _word, index, field = each.field.split(".", 2)
            names = {"price_minor": "price"}
            row = places[int(index)]
            row.add_error(names.get(field, field) if names.get(field, field) in row.fields else None, str(each.message))
    if ours or not refusal.errors:
        refusal.errors = tuple(ours)
        show_refusal(form, refusal, {"venue.name": "venue_name", "name": "venue_name", "venue": "venue_name"})


@staff("change_event")
@require_POST
def move_event(request: HttpRequest, slug: str, move: str) -> HttpResponse:
    """Publish, cancel or archive."""
    event, rights = event_for(request.user, slug, "change_event")
    refund = request.POST.get("refund") == "1" and "refund_orders" in rights
    call_off = partial(event_services.cancel, refund=refund, reason=request.POST.get("reason", "").strip()[:300])
    told = _("The event is cancelled. The money is on its way back.") if refund else _("The event is cancelled.")
    steps: dict[str, Any] = {
        "publish": (event_services.publish, _("The event is published.")),
        "cancel": (call_off, told),
        "archive": (event_services.archive, _("The event is archived.")),
    }
    if move not in steps:
        raise Http404
    step, done = steps[move]
    try:
        step(event, actor=request.user)
        messages.success(request, done)
    except DomainError as refusal:
        messages.error(request, str(refusal))
    return redirect("dashboard-event", slug=event.slug)


@staff("check_in")
@never_cache
def scan(request: HttpRequest, pk: int) -> HttpResponse:
    """One entrance: a field that a hardware scanner types into, and a large answer."""
    mine = events_where(request.user, "check_in")
    entrance = CheckInList.objects.select_related("event", "event__venue").filter(pk=pk, event__in=mine).first()
    if entrance is None:
        raise Http404
    answer = refusal = None
    if request.method == "POST":
        try:
            answer = scan_ticket(
                entrance,
                request.POST.get("code", ""),
                request.POST.get("scan_id", ""),
                by=request.user,
                direction=request.POST.get("direction", "in"),
            )
        except DomainError as refused:
            refusal = refused
    recent = CheckIn.objects.filter(check_in_list=entrance).select_related("ticket", "ticket__ticket_type")
    context = {
        "nav": "scan",
        "list": entrance,
        "event": entrance.event,
        "answer": answer,
        "refusal": refusal,
        "numbers": list_numbers(entrance),
        "recent": recent.order_by("-received_at")[:8],
        # A repeat of the same form, by reload or double click, is the same scan (T3).
        "scan_id": uuid.uuid4().hex,
        "direction": request.POST.get("direction", "in"),
    }
    return render(request, "dashboard/scan/scan.html", context)
