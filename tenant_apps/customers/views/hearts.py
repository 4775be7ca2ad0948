"""Pressing a heart, a thumb or "follow" on a page. Each says what is wanted, so that pressing twice is once."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from shared_apps.core.access import signed_in
from tenant_apps.catalog.models import Product
from tenant_apps.customers import favourites, follows, likes
from tenant_apps.customers.limits import count_vote
from tenant_apps.customers.templatetags.hearts import favourite_context, like_context
from tenant_apps.events.models import Event, EventSeries


@signed_in
@require_POST
def event_favourite(request: HttpRequest, slug: str) -> HttpResponse:
    return _favourite(request, _one(Event.objects.public(), slug))


@signed_in
@require_POST
def product_favourite(request: HttpRequest, slug: str) -> HttpResponse:
    return _favourite(request, _one(Product.objects.public(), slug))


@signed_in
@require_POST
def event_like(request: HttpRequest, slug: str) -> HttpResponse:
    return _like(request, _one(Event.objects.public(), slug))


@signed_in
@require_POST
def product_like(request: HttpRequest, slug: str) -> HttpResponse:
    return _like(request, _one(Product.objects.public(), slug))


@signed_in
@require_POST
def follow(request: HttpRequest) -> HttpResponse:
    """Follow the organizer, or the series that is named."""
    person: Any = request.user
    slug = request.POST.get("series", "")
    series = _one(EventSeries.objects.all(), slug) if slug else None
    count_vote(request)
    if _wanted(request):
        follows.follow(person, series)
        messages.success(request, _("We tell you when something new goes on sale."))
    else:
        follows.unfollow(person, series)
        messages.success(request, _("You do not follow it any more."))
    return _back(request, "my-follows")


def _favourite(request: HttpRequest, thing: Event | Product) -> HttpResponse:
    person: Any = request.user
    count_vote(request)
    if _wanted(request):
        favourites.keep(thing, person)
    else:
        favourites.forget_thing(thing, person)
    if request.headers.get("HX-Request") == "true":
        return render(request, "storefront/hearts/_favourite.html", favourite_context(request, thing, _wanted(request)))
    return _back(request, "my-favourites")


def _like(request: HttpRequest, thing: Event | Product) -> HttpResponse:
    person: Any = request.user
    count_vote(request)
    (likes.like if _wanted(request) else likes.unlike)(thing, person)
    if request.headers.get("HX-Request") == "true":
        context = like_context(request, thing, _wanted(request), likes.likes_of(thing))
        return render(request, "storefront/hearts/_like.html", context)
    return _back(request, "my-favourites")


def _wanted(request: HttpRequest) -> bool:
    return request.POST.get("want") != "0"


def _one(rows: Any, slug: str) -> Any:
    found = rows.filter(slug=slug).first()
    if found is None:
        raise Http404
    return found


def _back(request: HttpRequest, otherwise: str) -> HttpResponse:
    """Where the button was pressed; a path of this host, whatever was sent (B7)."""
    wanted = request.POST.get("next", "")[:1000]
    if wanted.startswith("/") and url_has_allowed_host_and_scheme(wanted, allowed_hosts=None):
        return redirect(wanted)
    return redirect(otherwise)
