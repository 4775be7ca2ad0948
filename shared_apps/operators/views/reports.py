"""Profiles that people reported: what was said, what stands there now, hide it or leave it."""

from typing import Any, cast
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from shared_apps.accounts.models import User
from shared_apps.core.access import operator
from shared_apps.core.errors import DomainError
from shared_apps.people import profiles, protection
from shared_apps.people.models import Profile, ProfileReport

PAGE, HIDDEN_SHOWN = 30, 50


@operator
@never_cache
@require_safe
def reports(request: HttpRequest) -> HttpResponse:
    """The queue, the oldest first, and what is hidden."""
    page = Paginator(protection.open_reports(), PAGE).get_page(request.GET.get("page"))
    rows: list[Any] = list(page.object_list)
    about = dict(Profile.objects.filter(pk__in=[row.person_id for row in rows]).values_list("pk", "about"))
    people = {each["id"]: each for each in profiles.shown([row.person for row in rows])}
    shown = [{"report": row, "person": people[row.person_id], "about": about.get(row.person_id, "")} for row in rows]
    context = {
        "nav": "reports",
        "page": page,
        "rows": shown,
        "hidden": list(protection.hidden_profiles()[:HIDDEN_SHOWN]),
        "decisions": ProfileReport.Decision,
    }
    return render(request, "operators/reports.html", context)


@operator
@require_POST
def decide(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Hide the profile or leave it."""
    try:
        protection.decide(pk, request.POST.get("decision", "")[:20], operator=cast(User, request.user))
    except DomainError as refusal:
        if refusal.status == 404:
            raise
        messages.error(request, str(refusal))
    else:
        messages.success(request, _("Decided, with all reports of this person."))
    return redirect("operators-reports")


@operator
@require_POST
def show_again(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a hiding back."""
    protection.show_again(pk, operator=cast(User, request.user))
    messages.success(request, _("Others can see it again."))
    return redirect("operators-reports")
