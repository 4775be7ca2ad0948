"""The staff's pages that repeat, copy and move events, and change many at once."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from shared_apps.core.access import staff
from shared_apps.core.clock import local
from shared_apps.core.errors import DomainError
from shared_apps.core.forms import show_refusal
from tenant_apps.events import services as events
from tenant_apps.events.models import Event, EventSeries
from tenant_apps.events.staff_view import event_for
from tenant_apps.staff.permissions import events_where, permissions_of
from tenant_apps.ticketing import bulk_edit, series
from tenant_apps.ticketing.season_forms import BulkForm, DatesForm, MoveForm, QuickForm, RuleForm, SeriesForm
from tenant_apps.ticketing.services import duplicate_event


@staff("change_event")
def repeat(request: HttpRequest, slug: str) -> HttpResponse:
    """How an event comes again: the dates are shown first, and made by a second button."""
    event, rights = _everywhere(request, slug)
    if event.series is not None:
        return redirect("dashboard-series-one", slug=event.series.slug)
    form = RuleForm(request.POST or None, initial={"title": event.title, "frequency": "WEEKLY", "count": 10})
    dates: list[Any] = []
    if request.method == "POST" and form.is_valid():
        wanted = form.wanted()
        try:
            dates = series.preview(event, **wanted)
            if "make" in request.POST:
                data = form.cleaned_data
                made = series.create_series(
                    event, actor=request.user, title=data["title"], publish=data["publish"], **wanted
                )
                messages.success(request, _("The series is there."))
                return redirect("dashboard-series-one", slug=made.slug)
        except DomainError as refusal:
            show_refusal(form, refusal)
    context = {
        "nav": "events",
        "event": event,
        "event_rights": rights,
        "event_tab": "repeat",
        "form": form,
        "dates": dates,
    }
    return render(request, "dashboard/events/repeat.html", context, status=400 if form.errors else 200)


@staff("change_event")
@require_safe
def all_series(request: HttpRequest) -> HttpResponse:
    """The tenant's series."""
    _whole_tenant(request)
    rows = EventSeries.objects.prefetch_related("dates").order_by("title", "pk")[:200]
    return render(request, "dashboard/events/series_list.html", {"nav": "events", "rows": rows})


@staff("change_event")
def one_series(request: HttpRequest, slug: str) -> HttpResponse:
    """One series: its rule, its dates, and a change of some of them."""
    _whole_tenant(request)
    found = EventSeries.objects.select_related("template").filter(slug=slug).first()
    if found is None:
        raise Http404
    dates = list(found.dates.order_by("starts_at", "pk"))
    what = request.POST.get("what", "")
    initial = {"title": found.title, "rule": found.rule}
    initial |= {name: "\n".join(getattr(found, name)) for name in ("exdates", "rdates")}
    rule = SeriesForm(request.POST if what == "rule" else None, initial=initial)
    some = DatesForm(request.POST if what == "dates" else None, dates=dates)
    form = rule if what == "rule" else some
    try:
        if what == "delete":
            series.delete_series(found, actor=request.user)
            messages.success(request, _("Deleted."))
            return redirect("dashboard-series")
        if what == "rule" and rule.is_valid():
            series.change_series(found, actor=request.user, **rule.wanted())
            messages.success(request, _("Saved."))
            return redirect("dashboard-series-one", slug=slug)
        if what == "dates" and some.is_valid():
            data = some.cleaned_data
            date = next(each for each in dates if each.slug == data["event"])
            done = series.change_dates(
                date, data["scope"], actor=request.user, leave_sold=data["leave_sold"], **some.fields_given()
            )
            said = ngettext("%d date is changed.", "%d dates are changed.", len(done.changed)) % len(done.changed)
            messages.success(request, said)
            return redirect("dashboard-series-one", slug=slug)
    except DomainError as refusal:
        if form.is_bound:
            show_refusal(form, refusal)
        else:
            messages.error(request, str(refusal))
    context = {"nav": "events", "series": found, "dates": dates, "rule_form": rule, "dates_form": some}
    return render(request, "dashboard/events/series.html", context, status=400 if what else 200)


@staff("change_event")
def duplicate(request: HttpRequest, slug: str) -> HttpResponse:
    """A copy on another day."""
    event, rights = _everywhere(request, slug)
    return _moved(request, event, rights, "duplicate")


@staff("change_event")
def postpone(request: HttpRequest, slug: str) -> HttpResponse:
    """Another time for the event; holders keep their tickets."""
    event, rights = event_for(request.user, slug, "change_event")
    return _moved(request, event, rights, "postpone")


def _moved(request: HttpRequest, event: Event, rights: Any, what: str) -> HttpResponse:
    initial = {
        name: local(at, event.timezone).replace(tzinfo=None) if (at := getattr(event, name)) else None
        for name in ("starts_at", "ends_at")
    }
    form = MoveForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        times = form.cleaned_data
        try:
            if what == "duplicate":
                event = duplicate_event(event, actor=request.user, **times)
                messages.success(request, _("Here is the copy. It is a draft."))
            else:
                event = events.postpone(event, actor=request.user, **times)
                messages.success(request, _("The event is postponed. Publish it to sell tickets again."))
        except DomainError as refusal:
            show_refusal(form, refusal)
        else:
            return redirect("dashboard-event", slug=event.slug)
    context = {"nav": "events", "event": event, "event_rights": rights, "form": form, "what": what}
    return render(request, "dashboard/events/move.html", context, status=400 if form.errors else 200)


@staff("change_event")
@require_POST
def bulk(request: HttpRequest) -> HttpResponse:
    """One thing done to the ticked events; those that refuse are named with why."""
    ticked = request.POST.getlist("event")[:200]
    mine = list(events_where(request.user, "change_event").filter(slug__in=ticked).order_by("pk"))
    form = BulkForm(request.POST)
    back = redirect("dashboard-events")
    if not mine:
        messages.error(request, _("Tick the events first."))
        return back
    if not form.is_valid():
        messages.error(request, " ".join(str(error) for errors in form.errors.values() for error in errors))
        return back
    data = form.cleaned_data
    refused = bulk_edit.apply(
        mine,
        data["action"],
        actor=request.user,
        category=data["category"],
        tag=data["tag"],
        days=data["days"] or 0,
    )
    for event, refusal in refused[:10]:
        reason = refusal.errors[0].message if refusal.errors else refusal
        messages.error(request, f"{event.title}: {reason}")
    done = len(mine) - len(refused)
    if done:
        messages.success(request, ngettext("%d event is changed.", "%d events are changed.", done) % done)
    return back


@staff("change_event")
def quick(request: HttpRequest, slug: str) -> HttpResponse:
    """Title, start and places, edited in the list's row; without scripts on a page of its own."""
    event, rights = event_for(request.user, slug, "change_event")
    quota = bulk_edit.only_quota(event)
    initial = {
        "title": event.title,
        "starts_at": local(event.starts_at, event.timezone).replace(tzinfo=None),
        "capacity": quota.capacity if quota else None,
    }
    form = QuickForm(request.POST or None, initial=initial)
    if quota is None:
        del form.fields["capacity"]
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            bulk_edit.quick_edit(
                event,
                actor=request.user,
                title=data["title"],
                starts_at=data["starts_at"],
                capacity=data.get("capacity"),
            )
        except DomainError as refusal:
            show_refusal(form, refusal)
        else:
            messages.success(request, _("Saved."))
            return redirect("dashboard-events")
    context = {"nav": "events", "event": event, "event_rights": rights, "form": form}
    return render(request, "dashboard/events/quick.html", context, status=400 if form.errors else 200)


def _everywhere(request: HttpRequest, slug: str) -> tuple[Event, Any]:
    """The event, for who may make others: a grant on this one does not suffice."""
    found = event_for(request.user, slug, "change_event")
    _whole_tenant(request)
    return found


def _whole_tenant(request: HttpRequest) -> None:
    if "change_event" not in permissions_of(request.user):
        raise Http404
