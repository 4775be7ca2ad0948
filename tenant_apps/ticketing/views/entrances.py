"""The staff's pages about an event's check-in lists and zones."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from shared_apps.core.access import staff
from shared_apps.core.errors import DomainError
from shared_apps.core.forms import show_refusal
from tenant_apps.events.models import Event
from tenant_apps.events.staff_view import event_for
from tenant_apps.ticketing import entrances, live
from tenant_apps.ticketing.entrance_forms import EntranceForm, ZoneForm
from tenant_apps.ticketing.models import CheckInList, CheckInZone


def context_of(event: Event, rights: frozenset[str]) -> dict[str, Any]:
    """Return what each page about an event's entrances shows around itself."""
    return {"nav": "events", "event": event, "event_rights": rights, "event_tab": "check_in"}


@staff("check_in")
@never_cache
@require_safe
def lists(request: HttpRequest, slug: str) -> HttpResponse:
    """The entrances of an event with their numbers, and its zones."""
    event, rights = event_for(request.user, slug, "check_in")
    return _lists(request, event, rights)


def _lists(
    request: HttpRequest, event: Event, rights: frozenset[str], refused: tuple[str, ZoneForm] | None = None
) -> HttpResponse:
    found = event.check_in_lists.select_related("event", "zone").prefetch_related("ticket_types")
    rows: list[Any] = list(found.order_by("pk"))
    for row in rows:
        row.numbers = live.numbers(row)
    zones = []
    for zone in event.check_in_zones.prefetch_related("lists"):
        key = str(zone.pk)
        form = refused[1] if refused and refused[0] == key else ZoneForm(zone=zone, prefix=f"z{key}")
        zones.append((zone, form))
    new = refused[1] if refused and refused[0] == "new" else ZoneForm(prefix="new")
    context = {
        **context_of(event, rights),
        "lists": rows,
        "zones": zones,
        "new_zone": new,
        "refused": refused[0] if refused else "",
    }
    return render(request, "dashboard/check_in/lists.html", context, status=400 if refused else 200)


@staff("check_in")
def new_list(request: HttpRequest, slug: str) -> HttpResponse:
    event, rights = event_for(request.user, slug, "check_in")
    return _edit(request, event, rights, None)


@staff("check_in")
def edit_list(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    event, rights = event_for(request.user, slug, "check_in")
    entrance = get_object_or_404(CheckInList.objects.select_related("event"), event=event, pk=pk)
    return _edit(request, event, rights, entrance)


def _edit(request: HttpRequest, event: Event, rights: frozenset[str], entrance: CheckInList | None) -> HttpResponse:
    data = request.POST if request.method == "POST" else None
    form = EntranceForm(data, event=event, entrance=entrance)
    if data is not None and form.is_valid():
        try:
            if entrance is None:
                entrances.create_check_in_list(event, actor=request.user, **form.list_fields())
            else:
                entrances.change_check_in_list(entrance, actor=request.user, **form.list_fields())
        except DomainError as refusal:
            show_refusal(form, refusal)
        else:
            messages.success(request, _("Saved."))
            return redirect("dashboard-check-in", slug=event.slug)
    context = {**context_of(event, rights), "list": entrance, "form": form}
    return render(request, "dashboard/check_in/edit.html", context, status=400 if data is not None else 200)


@staff("check_in")
@require_POST
def delete_list(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """A list that was scanned at stays: the refusal says so."""
    event, _rights = event_for(request.user, slug, "check_in")
    try:
        entrances.delete_check_in_list(get_object_or_404(CheckInList, event=event, pk=pk), actor=request.user)
        messages.success(request, _("The list is deleted."))
    except DomainError as refusal:
        messages.error(request, str(refusal))
    return redirect("dashboard-check-in", slug=event.slug)


@staff("check_in")
@require_POST
def save_zone(request: HttpRequest, slug: str, pk: int | None = None) -> HttpResponse:
    """A new zone, or one that is there with another name or capacity."""
    event, rights = event_for(request.user, slug, "check_in")
    zone = get_object_or_404(CheckInZone, event=event, pk=pk) if pk else None
    key = str(pk or "new")
    form = ZoneForm(request.POST, zone=zone, prefix=f"z{key}" if pk else "new")
    if form.is_valid():
        fields = {name: form.cleaned_data[name] for name in ("name", "capacity")}
        try:
            if zone is None:
                entrances.create_zone(event, actor=request.user, **fields)
            else:
                entrances.change_zone(zone, actor=request.user, **fields)
        except DomainError as refusal:
            show_refusal(form, refusal)
        else:
            messages.success(request, _("Saved."))
            return redirect("dashboard-check-in", slug=event.slug)
    return _lists(request, event, rights, (key, form))


@staff("check_in")
@require_POST
def delete_zone(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    event, _rights = event_for(request.user, slug, "check_in")
    try:
        entrances.delete_zone(get_object_or_404(CheckInZone, event=event, pk=pk), actor=request.user)
        messages.success(request, _("The zone is deleted."))
    except DomainError as refusal:
        messages.error(request, str(refusal))
    return redirect("dashboard-check-in", slug=event.slug)


@staff("check_in")
@require_POST
def empty_zone(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Everybody is counted as gone: the morning after nobody was scanned out."""
    event, _rights = event_for(request.user, slug, "check_in")
    people = entrances.empty_zone(get_object_or_404(CheckInZone, event=event, pk=pk), actor=request.user)
    told = ngettext("%d person is counted as gone.", "%d people are counted as gone.", people) % people
    messages.success(request, told)
    return redirect("dashboard-check-in", slug=event.slug)
