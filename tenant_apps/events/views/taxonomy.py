"""The staff's pages for categories, tags and venues of the whole tenant."""

from typing import Any

from django.contrib import messages
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from shared_apps.core.access import staff
from shared_apps.core.errors import DomainError
from shared_apps.core.forms import show_refusal
from tenant_apps.events import taxonomy
from tenant_apps.events.forms import NamedForm, VenueForm
from tenant_apps.events.models import Category, Tag, Venue
from tenant_apps.staff.permissions import permissions_of

KINDS: dict[str, tuple[Any, Any, Any]] = {
    "categories": (Category, gettext_lazy("Categories"), NamedForm),
    "tags": (Tag, gettext_lazy("Tags"), NamedForm),
    "venues": (Venue, gettext_lazy("Venues"), VenueForm),
}


@staff("change_event")
def rows(request: HttpRequest, kind: str) -> HttpResponse:
    """All of one kind, and a form for a new one."""
    return _page(request, kind, None)


@staff("change_event")
def row(request: HttpRequest, kind: str, slug: str) -> HttpResponse:
    """One of them, to be changed or deleted."""
    return _page(request, kind, slug)


def _page(request: HttpRequest, kind: str, slug: str | None) -> HttpResponse:
    if kind not in KINDS or "change_event" not in permissions_of(request.user):
        # They are everybody's: a grant on one event does not reach them.
        raise Http404
    model, title, shape = KINDS[kind]
    chosen = model.objects.filter(slug=slug).first() if slug is not None else None
    if slug is not None and chosen is None:
        raise Http404
    initial = {name: getattr(chosen, name) for name in shape.base_fields} if chosen else {}
    posted = request.method == "POST"
    form = shape(request.POST if posted and "delete" not in request.POST else None, initial=initial)
    if posted:
        try:
            if "delete" in request.POST and chosen is not None:
                taxonomy.delete(chosen, actor=request.user)
                messages.success(request, _("Deleted."))
                return redirect("dashboard-words", kind=kind)
            if form.is_valid():
                if chosen is None:
                    taxonomy.make(model, actor=request.user, **form.cleaned_data)
                else:
                    taxonomy.change(chosen, actor=request.user, **form.cleaned_data)
                messages.success(request, _("Saved."))
                return redirect("dashboard-words", kind=kind)
        except DomainError as refusal:
            if form.is_bound:
                show_refusal(form, refusal)
            else:
                messages.error(request, str(refusal))
    context = {
        "nav": "events",
        "kind": kind,
        "title": title,
        "kinds": [(name, each[1]) for name, each in KINDS.items()],
        "rows": list(model.objects.annotate(used=Count("events"))[:1000]),
        "chosen": chosen,
        "form": form,
    }
    return render(request, "dashboard/events/words.html", context, status=400 if posted else 200)


@staff("change_event")
@require_POST
def merge(request: HttpRequest) -> HttpResponse:
    """Make one venue of the ticked ones: the one that `keep` names."""
    if "change_event" not in permissions_of(request.user):
        raise Http404
    ticked = Venue.objects.filter(slug__in=request.POST.getlist("venue")[:500])
    kept = Venue.objects.filter(slug=request.POST.get("keep", "")).first()
    if kept is None:
        messages.error(request, _("Say which venue stays."))
        return redirect("dashboard-words", kind="venues")
    merged = taxonomy.merge_venues(kept, ticked, actor=request.user)
    if merged:
        messages.success(request, _("The venues are one now."))
    else:
        messages.error(request, _("Tick the venues that mean the same place."))
    return redirect("dashboard-words", kind="venues")
