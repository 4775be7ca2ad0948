"""The staff's pages about who works here: members, invitations, handing over."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from shared_apps.core.access import staff
from shared_apps.core.errors import DomainError
from shared_apps.core.forms import sentence, show_refusal
from tenant_apps.staff import invitations, services
from tenant_apps.staff.forms import HandOverForm, InviteForm, InviteToEventForm, RoleChoiceForm
from tenant_apps.staff.models import Invitation, Membership, Role
from tenant_apps.staff.permissions import event_model, events_granted, grants_model, is_owner, permissions_of
from tenant_apps.staff.presets import EVENT_PERMISSIONS
from tenant_apps.staff.ticks import ticks

SHOWN = 200


def roles_to_give(held: frozenset[str]) -> list[Role]:
    """The roles that somebody who holds this may give (I4); the lesser ones first."""
    roles = [role for role in Role.objects.order_by("pk") if role.rights <= held]
    return sorted(roles, key=lambda role: (len(role.rights), role.pk))


@staff("manage_staff")
def members(request: HttpRequest) -> HttpResponse:
    """Everybody who works here, by role or at single events, and who is invited."""
    found = list(Membership.objects.select_related("role", "user").order_by("pk")[:SHOWN])
    waiting = list(Invitation.objects.unanswered().select_related("role").order_by("-pk")[:SHOWN])
    events = event_model()._default_manager.in_bulk({row.event_id for row in waiting if row.event_id})
    for row in waiting:
        row.event = events.get(row.event_id)
    context = {
        "nav": "team",
        "tab": "staff",
        "members": found,
        "helpers": _helpers({row.user_id for row in found}),
        "invitations": waiting,
    }
    return render(request, "dashboard/staff/members.html", context)


def _helpers(members: set[int]) -> list[dict[str, Any]]:
    """Who has grants on events and no role: each with the events."""
    people: dict[int, dict[str, Any]] = {}
    grants = grants_model()._default_manager.exclude(user_id__in=members).select_related("user", "content_object")
    for grant in grants.order_by("user_id", "content_object_id")[: SHOWN * 6]:
        person = people.setdefault(grant.user_id, {"user": grant.user, "events": {}})  # type: ignore[attr-defined]  # grants_model() finds it at run time
        person["events"][grant.content_object_id] = grant.content_object  # type: ignore[attr-defined]  # as above
    return [{"user": one["user"], "events": list(one["events"].values())} for one in people.values()]


@staff("manage_staff")
def invite(request: HttpRequest) -> HttpResponse:
    """Invite somebody to the staff, or with `?to=event` to one event."""
    to_event = "event" in (request.GET.get("to"), request.POST.get("to"))
    held = permissions_of(request.user)
    data = request.POST if request.method == "POST" else None
    events = _events_for(request.user, held)
    form: Any = InviteToEventForm(data, events=events) if to_event else InviteForm(data, roles=roles_to_give(held))
    if data is not None and form.is_valid():
        typed = form.cleaned_data
        try:
            if to_event:
                invitations.invite_to_event(typed["email"], typed["event"], typed["permissions"], actor=request.user)
                made: Any = None
            else:
                made = invitations.add_or_invite(typed["email"], typed["role"], actor=request.user)
        except DomainError as refusal:
            show_refusal(form, refusal)
        else:
            joined = isinstance(made, Membership)
            messages.success(request, _("Added to the staff.") if joined else _("The invitation is on its way."))
            return redirect("dashboard-staff")
    context = {
        "nav": "team",
        "tab": "staff",
        "form": form,
        "to_event": to_event,
        "has_events": events.exists(),
        "groups": ticks(
            held, ticked=["check_in"] if data is None else data.getlist("permissions"), only=EVENT_PERMISSIONS
        ),
        "roles": [] if to_event else roles_to_give(held),
    }
    return render(request, "dashboard/staff/invite.html", context, status=400 if data is not None else 200)


def _events_for(user: Any, held: frozenset[str]) -> Any:
    """The events to which the person may invite: where they hold something to give."""
    events = event_model()._default_manager.exclude(status="archived").order_by("-starts_at")
    return events if held & EVENT_PERMISSIONS.keys() else events.filter(pk__in=events_granted(user))


def _member(pk: int) -> Membership:
    found = Membership.objects.select_related("role", "user").filter(pk=pk).first()
    if found is None:
        raise Http404
    return found


@staff("manage_staff")
def member(request: HttpRequest, pk: int) -> HttpResponse:
    """One person: change the role, hand over, remove."""
    return _show_member(request, _member(pk))


def _show_member(
    request: HttpRequest, found: Membership, *, role: Any = None, hand_over: Any = None, status: int = 200
) -> HttpResponse:
    held = permissions_of(request.user)
    grants = grants_model()._default_manager.filter(user_id=found.user_id).select_related("content_object")
    context = {
        "nav": "team",
        "tab": "staff",
        "member": found,
        "is_me": found.user_id == request.user.pk,
        "may_change": found.role.rights <= held,
        "form": role or RoleChoiceForm(roles=roles_to_give(held), initial={"role": found.role_id}),
        "hand_over": hand_over or HandOverForm(),
        "i_own": is_owner(request.user),
        "events": list({grant.content_object_id: grant.content_object for grant in grants}.values()),  # type: ignore[attr-defined]  # grants_model() finds it at run time
        "groups": ticks(held, ticked=found.role.rights),
    }
    return render(request, "dashboard/staff/member.html", context, status=status)


@staff("manage_staff")
@require_POST
def change(request: HttpRequest, pk: int) -> HttpResponse:
    """Give the member another role."""
    found = _member(pk)
    form = RoleChoiceForm(request.POST, roles=roles_to_give(permissions_of(request.user)))
    if form.is_valid():
        try:
            services.change_role(found, form.cleaned_data["role"], actor=request.user)
        except DomainError as refusal:
            show_refusal(form, refusal)
        else:
            messages.success(request, _("The role is changed."))
            return redirect("dashboard-staff-member", pk=pk)
    return _show_member(request, _member(pk), role=form, status=400)


@staff("manage_staff")
@require_POST
def remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Take the member off the staff."""
    found = _member(pk)
    try:
        services.remove_member(found, actor=request.user)
    except DomainError as refusal:
        messages.error(request, sentence(refusal))
        return redirect("dashboard-staff-member", pk=pk)
    messages.success(request, _("%(who)s is no longer on the staff.") % {"who": found.user.display_name})
    return redirect("/" if found.user_id == request.user.pk else "dashboard-staff")


@staff("manage_staff")
@sensitive_post_parameters("password")
@require_POST
def hand_over(request: HttpRequest, pk: int) -> HttpResponse:
    """Make the member an owner."""
    found = _member(pk)
    form = HandOverForm(request.POST)
    if form.is_valid():
        try:
            services.hand_over(found, actor=request.user, **form.cleaned_data)
        except DomainError as refusal:
            show_refusal(form, refusal)
        else:
            messages.success(request, _("%(who)s is an owner now.") % {"who": found.user.display_name})
            return redirect("dashboard-staff")
    return _show_member(request, _member(pk), hand_over=form, status=400)


@staff("manage_staff")
@require_POST
def move_invitation(request: HttpRequest, pk: int, move: str) -> HttpResponse:
    """Send an invitation once more, or take it back."""
    found = Invitation.objects.filter(pk=pk).first()
    if found is None or move not in ("resend", "revoke"):
        raise Http404
    try:
        if move == "resend":
            invitations.resend(found, actor=request.user)
            messages.success(request, _("A new letter is on its way; the link in the old one is void."))
        else:
            invitations.revoke(found, actor=request.user)
            messages.success(request, _("The invitation is taken back."))
    except DomainError as refusal:
        messages.error(request, sentence(refusal))
    target = request.POST.get("event", "")
    return (
        redirect("dashboard-event-people", slug=target) if target.isascii() and target else redirect("dashboard-staff")
    )
