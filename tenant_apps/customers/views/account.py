"""A person's own pages here: what they keep in mind, and whom they follow."""

import uuid
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from shared_apps.core.access import signed_in
from tenant_apps.customers import favourites, follows
from tenant_apps.customers.reading import shown_favourites

PAGE = 24


@signed_in
@never_cache
@require_safe
def kept(request: HttpRequest) -> HttpResponse:
    """Favourites with their price and state as they are now, the last kept first."""
    person: Any = request.user
    given = request.GET.get("page", "")
    number = int(given) if given.isascii() and given.isdigit() and 0 < len(given) < 5 and int(given) else 1
    rows = list(favourites.favourites_of(person)[(number - 1) * PAGE : number * PAGE + 1])
    context = {
        "tab": "favourites",
        "favourites": shown_favourites(rows[:PAGE]),
        "more": len(rows) > PAGE,
        "page": number,
    }
    return render(request, "storefront/hearts/favourites.html", context)


@signed_in
@require_POST
def forget(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Take one from the list."""
    person: Any = request.user
    favourites.forget(person, pk)
    messages.success(request, _("It is no longer one of your favourites."))
    return redirect("my-favourites")


@signed_in
@never_cache
@require_safe
def followed(request: HttpRequest) -> HttpResponse:
    """Whom the person follows here."""
    person: Any = request.user
    rows = list(follows.follows_of(person))
    context = {
        "tab": "follows",
        "organizer": any(row.series_id is None for row in rows),
        "series": [row.series for row in rows if row.series is not None],
    }
    return render(request, "storefront/hearts/follows.html", context)
