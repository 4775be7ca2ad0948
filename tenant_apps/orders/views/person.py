"""A person's public page, their own profile, whom they follow, and their coming events at every organizer."""

from typing import Any, cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from shared_apps.accounts.models import User
from shared_apps.core.access import anyone, signed_in
from shared_apps.core.errors import DomainError
from shared_apps.core.forms import show_refusal
from shared_apps.people import avatars, footprints, profiles, protection
from shared_apps.people.forms import ProfileForm, ReportForm
from tenant_apps.orders import shown_events
from tenant_apps.orders.views.mine import coming_events
from tenants.context import in_public

PAGE = 20


def _me(request: HttpRequest) -> User:
    """The signed-in person, as a row of one's own to change."""
    return User.objects.get(pk=cast(int, request.user.pk))


@anyone
@never_cache
@require_safe
def person(request: HttpRequest, pk: int) -> HttpResponse:
    """What a person shows of themselves; on an organizer's host only events of that organizer."""
    return _page(request, pk, ReportForm())


def _page(request: HttpRequest, pk: int, form: ReportForm, status: int = 200) -> HttpResponse:
    found = profiles.public_person(pk, request.user)
    seen = profiles.seen(found, request.user)
    context = {
        "person": seen,
        "coming": shown_events.coming(found) if seen.shows_coming else [],
        "attended": shown_events.attended(found) if seen.shows_attended else [],
        "form": form,
    }
    response = render(request, "account/person.html", context, status=status)
    # Found by who was given the address, not by search engines.
    response["X-Robots-Tag"] = "noindex"
    return response


@signed_in
@require_POST
def follow(request: HttpRequest, pk: int) -> HttpResponse:
    """Follow, or follow no more."""
    try:
        if "stop" in request.POST:
            profiles.unfollow(_me(request), pk)
        else:
            profiles.follow(_me(request), pk)
    except DomainError as refusal:
        if refusal.status == 404:
            raise
        messages.error(request, str(refusal))
    if "list" in request.POST:
        return redirect("my-people")
    return redirect("person", pk=pk)


@signed_in
@require_POST
def block(request: HttpRequest, pk: int) -> HttpResponse:
    """Block somebody, or take it back."""
    try:
        if "stop" in request.POST:
            protection.unblock(_me(request), pk)
            messages.success(request, _("No longer blocked."))
        else:
            protection.block(_me(request), pk)
            messages.success(request, _("Blocked. This person does not find your profile any more."))
    except DomainError as refusal:
        if refusal.status == 404:
            raise
        messages.error(request, str(refusal))
    return redirect("my-people")


@signed_in
@require_POST
def report(request: HttpRequest, pk: int) -> HttpResponse:
    """Tell the platform of a profile."""
    form = ReportForm(request.POST)
    if not form.is_valid():
        return _page(request, pk, form, 400)
    try:
        protection.report(_me(request), pk, reason=form.cleaned_data["reason"], note=form.cleaned_data["note"])
    except DomainError as refusal:
        if refusal.status == 404:
            raise
        show_refusal(form, refusal)
        return _page(request, pk, form, 400)
    messages.success(request, _("Thank you. The platform's operators look at it."))
    return redirect("person", pk=pk)


@signed_in
@never_cache
def profile(request: HttpRequest) -> HttpResponse:
    """What one shows of oneself."""
    me, status = _me(request), 200
    row = profiles.profile_of(me)
    form = ProfileForm(initial={**{name: getattr(row, name) for name in ("about", *profiles.CHOICES)}, "name": me.name})
    if request.method == "POST":
        form, status = ProfileForm(request.POST), 400
        if form.is_valid():
            try:
                profiles.change_profile(me, form.cleaned_data)
            except DomainError as refusal:
                show_refusal(form, refusal)
                status = refusal.status
            else:
                messages.success(request, _("Saved."))
                return redirect("my-profile")
    context = {
        "tab": "profile", "form": form, "row": profiles.profile_of(me), "avatar": avatars.address_of(me),
        "followers": profiles.followers_of(me.pk),
    }  # fmt: skip
    return render(request, "account/profile.html", context, status=status)


@signed_in
@never_cache
@require_safe
def people(request: HttpRequest) -> HttpResponse:
    """Whom one follows, and whom one blocks."""
    followed = profiles.shown([row.person for row in profiles.followed_by(request.user)[:200]])
    blocked = profiles.shown([row.blocked for row in protection.blocked_by(request.user)[:200]])
    return render(request, "account/people.html", {"tab": "profile", "followed": followed, "blocked": blocked})


@signed_in
@never_cache
@require_safe
def events(request: HttpRequest) -> HttpResponse:
    """Events ahead, at every organizer, at which the person has places; page by page."""
    given = request.GET.get("page", "")
    number = int(given) if given.isascii() and given.isdigit() and 0 < len(given) < 5 and int(given) else 1
    with in_public():
        rows = list(footprints.upcoming_events_of(request.user)[(number - 1) * PAGE : number * PAGE + 1])
    context: dict[str, Any] = {
        "tab": "tickets", "ahead": coming_events(rows[:PAGE], request.user), "more": len(rows) > PAGE, "page": number,
    }  # fmt: skip
    return render(request, "account/events.html", context)
