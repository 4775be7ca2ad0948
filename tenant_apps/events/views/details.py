"""The staff's pages for an event's programme, its list of what to bring, and its questions."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from shared_apps.core.access import staff
from shared_apps.core.errors import DomainError
from shared_apps.core.forms import show_refusal
from tenant_apps.events import details
from tenant_apps.events.forms import FORMS
from tenant_apps.events.models import BringItem, ProgramItem, Question
from tenant_apps.events.staff_view import event_for

KINDS: dict[str, tuple[Any, Any, Any, Any]] = {
    "program": (
        ProgramItem,
        gettext_lazy("Programme"),
        gettext_lazy("New point"),
        gettext_lazy("Buyers see it on the event's page."),
    ),
    "bring": (
        BringItem,
        gettext_lazy("What to bring"),
        gettext_lazy("New thing"),
        gettext_lazy("What people should have with them, and how much of it."),
    ),
    "questions": (
        Question,
        gettext_lazy("Questions"),
        gettext_lazy("New question"),
        gettext_lazy("Asked for each ticket when it is ordered. Given answers stay with their orders."),
    ),
}


@staff("change_event")
def rows(request: HttpRequest, slug: str, kind: str) -> HttpResponse:
    """All rows of one kind, and a form for a new one."""
    return _page(request, slug, kind, None)


@staff("change_event")
def row(request: HttpRequest, slug: str, kind: str, pk: int) -> HttpResponse:
    """One row, to be changed or deleted."""
    return _page(request, slug, kind, pk)


def _page(request: HttpRequest, slug: str, kind: str, pk: int | None) -> HttpResponse:
    event, rights = event_for(request.user, slug, "change_event")
    if kind not in KINDS:
        raise Http404
    model, title, new, hint = KINDS[kind]
    chosen = model.objects.select_related("event").filter(event=event, pk=pk).first() if pk is not None else None
    if pk is not None and chosen is None:
        raise Http404
    posted = request.method == "POST"
    form = FORMS[model](request.POST if posted and "delete" not in request.POST else None, event=event, row=chosen)
    if posted:
        try:
            if "delete" in request.POST and chosen is not None:
                details.delete(chosen, actor=request.user)
                messages.success(request, _("Deleted."))
                return redirect("dashboard-event-details", slug=slug, kind=kind)
            if form.is_valid():
                if chosen is None:
                    details.make(model, event, actor=request.user, **form.changes())
                else:
                    details.change(chosen, actor=request.user, **form.changes())
                messages.success(request, _("Saved."))
                return redirect("dashboard-event-details", slug=slug, kind=kind)
        except DomainError as refusal:
            if form.is_bound:
                show_refusal(form, refusal)
            else:
                messages.error(request, str(refusal))
    context = {
        "nav": "events",
        "event": event,
        "event_rights": rights,
        "event_tab": kind,
        "kind": kind,
        "title": title,
        "new": new,
        "hint": hint,
        "rows": list(model.objects.filter(event=event)),
        "chosen": chosen,
        "form": form,
    }
    return render(request, "dashboard/events/details.html", context, status=400 if posted else 200)
