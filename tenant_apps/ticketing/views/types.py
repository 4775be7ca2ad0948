"""The staff's pages about what an event sells: its ticket types with their tiers, and its quotas."""

from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from shared_apps.core.access import staff
from shared_apps.core.errors import DomainError
from shared_apps.core.forms import show_refusal
from tenant_apps.events.models import Event
from tenant_apps.events.staff_view import event_for
from tenant_apps.ticketing import services
from tenant_apps.ticketing.models import Quota, TicketType
from tenant_apps.ticketing.offers import Offer, offer_of
from tenant_apps.ticketing.type_forms import AMOUNTS, QuotaForm, TierFormSet, TypeForm
from tenants.context import current_tenant
from tenants.preferences import preference

NAMES = {minor: name for name, minor in AMOUNTS.items()}


@staff("change_event")
@require_safe
def tickets(request: HttpRequest, slug: str) -> HttpResponse:
    """What the event sells, as buyers see it, and how full its quotas are."""
    event, rights = event_for(request.user, slug, "change_event")
    return _tickets(request, event, rights)


def _tickets(
    request: HttpRequest, event: Event, rights: frozenset[str], refused: tuple[str, QuotaForm] | None = None
) -> HttpResponse:
    types = {str(one.pk): one for one in event.ticket_types.with_places().with_tiers()}
    quotas = []
    for quota in event.quotas.prefetch_related("ticket_types").order_by("name", "pk"):
        key = str(quota.pk)
        form = refused[1] if refused and refused[0] == key else QuotaForm(types=types, quota=quota, prefix=f"q{key}")
        quotas.append((quota, form))
    new = refused[1] if refused and refused[0] == "new" else QuotaForm(types=types, prefix="new")
    context = {
        "nav": "events",
        "event": event,
        "event_rights": rights,
        "event_tab": "tickets",
        "offers": [_offer(one, event) for one in types.values()],
        "quotas": quotas,
        "new_quota": new,
        "refused": refused[0] if refused else "",
    }
    return render(request, "dashboard/events/tickets.html", context, status=400 if refused else 200)


def _offer(ticket_type: TicketType, event: Event) -> Offer:
    included = preference(current_tenant(), "prices_include_tax")
    return offer_of(ticket_type, event, timezone.now(), prices_include_tax=included)


@staff("change_event")
def new_type(request: HttpRequest, slug: str) -> HttpResponse:
    event, rights = event_for(request.user, slug, "change_event")
    return _edit(request, event, rights, None)


@staff("change_event")
def edit_type(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    event, rights = event_for(request.user, slug, "change_event")
    return _edit(request, event, rights, get_object_or_404(TicketType, event=event, pk=pk))


def _edit(request: HttpRequest, event: Event, rights: frozenset[str], ticket_type: TicketType | None) -> HttpResponse:
    """The form of one type. With `preview` nothing is kept: it is saved, looked at as a buyer would, and undone."""
    data = request.POST if request.method == "POST" else None
    rate = preference(current_tenant(), "tax_rate")
    form = TypeForm(data, event=event, ticket_type=ticket_type, rate=rate)
    tiers = TierFormSet(data, event=event, ticket_type=ticket_type)
    offer, status = _offer(_read(ticket_type.pk), event) if ticket_type else None, 200
    if data is not None:
        offer, status = None, 400
        if all([form.is_valid(), tiers.is_valid()]):
            preview = "preview" in data
            wishes, rows = tiers.wishes()
            try:
                with transaction.atomic():
                    saved = _save(event, ticket_type, form, wishes, request.user)
                    offer, status = _offer(_read(saved.pk), event), 200
                    transaction.set_rollback(preview)
            except DomainError as refusal:
                _show(form, rows, refusal)
                offer, status = None, refusal.status
            else:
                if not preview:
                    messages.success(request, _("Saved."))
                    return redirect("dashboard-event-tickets", slug=event.slug)
    context = {
        "nav": "events",
        "event": event,
        "event_rights": rights,
        "event_tab": "tickets",
        "type": ticket_type,
        "form": form,
        "tiers": tiers,
        "offer": offer,
    }
    # A preview that is refused is shown all the same, with what is wrong; htmx takes no answer but 200.
    status = 200 if data is not None and "preview" in data else status
    return render(request, "dashboard/events/ticket_type.html", context, status=status)


def _read(pk: int) -> TicketType:
    found: TicketType = TicketType.objects.with_places().with_tiers().get(pk=pk)
    return found


def _save(event: Event, ticket_type: TicketType | None, form: TypeForm, wishes: Any, actor: Any) -> TicketType:
    fields = form.type_fields()
    if ticket_type is not None:
        return services.change_ticket_type(ticket_type, actor=actor, tiers=wishes, **fields)
    made = services.create_ticket_type(event, actor=actor, tiers=wishes, **fields)
    capacity = form.cleaned_data.get("capacity")
    if capacity is not None or not fields["quotas"]:
        services.create_quota(event, made.name, capacity, [made], actor=actor)
    return made


def _show(form: TypeForm, rows: list[Any], refusal: DomainError) -> None:
    """Put a refusal at the type's field, or at the row of the tier that it is about."""
    errors = refusal.errors
    if not errors and refusal.field.startswith("tiers."):
        _word, index, field = refusal.field.split(".", 2)
        rows[int(index)].add_error(field, str(refusal))
        return
    ours = [each for each in errors if not each.field.startswith("tiers.")]
    for each in errors:
        if each.field.startswith("tiers."):
            _word, index, field = each.field.split(".", 2)
            rows[int(index)].add_error(field if field in rows[int(index)].fields else None, str(each.message))
    if ours or not errors:
        refusal.errors = tuple(ours)
        show_refusal(form, refusal, NAMES)


@staff("change_event")
@require_POST
def delete_type(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """What was ordered once stays: the refusal says so."""
    event, _rights = event_for(request.user, slug, "change_event")
    try:
        services.delete_ticket_type(get_object_or_404(TicketType, event=event, pk=pk), actor=request.user)
        messages.success(request, _("The ticket type is deleted."))
    except DomainError as refusal:
        messages.error(request, str(refusal))
    return redirect("dashboard-event-tickets", slug=event.slug)


@staff("change_event")
@require_POST
def save_quota(request: HttpRequest, slug: str, pk: int | None = None) -> HttpResponse:
    """A new quota, or one that is there with its places and types."""
    event, rights = event_for(request.user, slug, "change_event")
    quota = event.quotas.filter(pk=pk).first() if pk else None
    if pk and quota is None:
        raise Http404
    key = str(pk or "new")
    types = {str(one.pk): one for one in event.ticket_types.all()}
    form = QuotaForm(request.POST, types=types, prefix=f"q{key}" if pk else "new")
    if form.is_valid():
        try:
            if quota:
                services.change_quota(quota, actor=request.user, **form.quota_fields())
            else:
                services.create_quota(event, actor=request.user, **form.quota_fields())
        except DomainError as refusal:
            show_refusal(form, refusal, {"quotas": "capacity"})
        else:
            messages.success(request, _("Saved."))
            return redirect("dashboard-event-tickets", slug=event.slug)
    return _tickets(request, event, rights, (key, form))


@staff("change_event")
@require_POST
def delete_quota(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    event, _rights = event_for(request.user, slug, "change_event")
    try:
        services.delete_quota(get_object_or_404(Quota, event=event, pk=pk), actor=request.user)
        messages.success(request, _("The quota is deleted."))
    except DomainError as refusal:
        messages.error(request, str(refusal))
    return redirect("dashboard-event-tickets", slug=event.slug)
