"""The staff's page about the keys that sign an event's ticket codes."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from shared_apps.core.access import staff
from shared_apps.core.errors import DomainError
from tenant_apps.events.staff_view import event_for
from tenant_apps.ticketing import key_life
from tenant_apps.ticketing.models import RetiredCode


@staff("change_event")
@require_safe
def keys(request: HttpRequest, slug: str) -> HttpResponse:
    """Which key signs, which signed before, and which is believed no more."""
    event, rights = event_for(request.user, slug, "change_event")
    context = {
        "nav": "events",
        "event": event,
        "event_rights": rights,
        "event_tab": "codes",
        "keys": key_life.keys_of_event(event),
        "retired": RetiredCode.objects.filter(event=event).count(),
    }
    return render(request, "dashboard/events/codes.html", context)


@staff("change_event")
@require_POST
def rotate(request: HttpRequest, slug: str) -> HttpResponse:
    event, _rights = event_for(request.user, slug, "change_event")
    key_life.rotate(event, actor=request.user)
    messages.success(request, _("A new key signs from now on. Codes that are out stay good."))
    return redirect("dashboard-event-codes", slug=event.slug)


@staff("change_event")
@require_POST
def revoke(request: HttpRequest, slug: str, key_id: str) -> HttpResponse:
    event, _rights = event_for(request.user, slug, "change_event")
    try:
        key_life.revoke_key(event, key_id, reason=request.POST.get("reason", "")[:300], actor=request.user)
        messages.success(request, _("The key is disowned: its codes admit nobody, and the new ones are on their way."))
    except DomainError as refusal:
        messages.error(request, "; ".join(str(each.message) for each in refusal.errors) or str(refusal))
    return redirect("dashboard-event-codes", slug=event.slug)
