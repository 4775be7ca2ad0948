"""Who works at one event: the page of its grants and invitations."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from shared_apps.accounts.models import User
from shared_apps.core.access import staff
from shared_apps.core.errors import DomainError
from shared_apps.core.forms import show_refusal
from tenant_apps.events.grants import grants_by_person, revoke_all
from tenant_apps.events.joining import grant_or_invite
from tenant_apps.events.models import Event
from tenant_apps.events.staff_view import event_for
from tenant_apps.staff.forms import GrantForm
from tenant_apps.staff.models import Invitation, Membership
from tenant_apps.staff.presets import EVENT_PERMISSIONS
from tenant_apps.staff.ticks import ticks


@staff("manage_staff")
def people(request: HttpRequest, slug: str) -> HttpResponse:
    """Who may do what at this event; letting somebody in."""
    event, rights = event_for(request.user, slug)
    posted = request.method == "POST"
    form = GrantForm(request.POST if posted else None)
    if posted and form.is_valid():
        typed = form.cleaned_data
        try:
            made = grant_or_invite(typed["email"], event, typed["permissions"], actor=request.user)
        except DomainError as refusal:
            show_refusal(form, refusal)
        else:
            here = isinstance(made, User)
            messages.success(request, _("They may do that now.") if here else _("The invitation is on its way."))
            return redirect("dashboard-event-people", slug=slug)
    held = grants_by_person(event)
    found = User.objects.in_bulk(held)
    waiting = Invitation.objects.unanswered().filter(event_id=event.pk).order_by("-pk")
    context: dict[str, Any] = {
        "nav": "events",
        "event": event,
        "event_rights": rights,
        "event_tab": "people",
        "form": form,
        "groups": ticks(
            rights, ticked=request.POST.getlist("permissions") if posted else ["check_in"], only=EVENT_PERMISSIONS
        ),
        "granted": [
            (found[pk], [EVENT_PERMISSIONS[name] for name in EVENT_PERMISSIONS if name in names])
            for pk, names in held.items()
            if pk in found
        ],
        "invitations": [(one, [EVENT_PERMISSIONS[name] for name in one.permissions]) for one in waiting],
        "everywhere": _with_a_role(),
    }
    return render(request, "dashboard/events/people.html", context, status=400 if posted else 200)


def _with_a_role() -> list[Membership]:
    """The members whose role lets them do something at every event."""
    rows = Membership.objects.select_related("role", "user").order_by("pk")[:200]
    return [row for row in rows if row.role.rights & EVENT_PERMISSIONS.keys()]


@staff("manage_staff")
@require_POST
def remove(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Take back everything that one person was granted on the event."""
    event: Event = event_for(request.user, slug)[0]
    somebody = User.objects.filter(pk=pk).first()
    if somebody is None or pk not in grants_by_person(event):
        raise Http404
    try:
        revoke_all(event, somebody, actor=request.user)
        messages.success(request, _("%(who)s no longer works at this event.") % {"who": somebody.display_name})
    except DomainError as refusal:
        messages.error(request, str(refusal))
    return redirect("dashboard-event-people", slug=slug)
