"""Hearts on pages: {% kept_among events as kept %} once for a list, {% heart event kept %} for each of it.

Guests get links that lead to signing in and back; nothing is asked of the database for them.
"""

from collections.abc import Collection, Sequence
from typing import Any
from urllib.parse import quote

from django import template
from django.urls import reverse

from tenant_apps.catalog.models import Product
from tenant_apps.customers import favourites, follows, likes
from tenant_apps.customers.likes import Thing, kind_of

register = template.Library()


@register.simple_tag(takes_context=True)
def kept_among(context: Any, things: Sequence[Thing]) -> set[int]:
    """The ids of those that the reader keeps: one statement for who is signed in, none for anybody else."""
    person = _reader(context)
    if person is None or not things:
        return set()
    return favourites.kept_by(person, kind_of(things[0]), [thing.pk for thing in things])


@register.inclusion_tag("storefront/hearts/_favourite.html", takes_context=True)
def heart(context: Any, thing: Thing, kept: Collection[int] | None = None) -> dict[str, Any]:
    """The heart of an event or product. Without `kept` it asks for itself: for a page with one thing."""
    person = _reader(context)
    if kept is None:
        kept = set() if person is None else favourites.kept_by(person, kind_of(thing), [thing.pk])
    return favourite_context(context["request"], thing, thing.pk in kept)


@register.inclusion_tag("storefront/hearts/_like.html", takes_context=True)
def thumb(context: Any, thing: Thing) -> dict[str, Any]:
    """The thumb with the number of people who like it; the row is to be loaded with its standing."""
    person = _reader(context)
    liked = person is not None and likes.likes_it(thing, person)
    standing = getattr(thing, "standing", None)
    return like_context(context["request"], thing, liked, standing.likes if standing else 0)


@register.inclusion_tag("storefront/hearts/_follow.html", takes_context=True)
def follow_button(context: Any, series: Any = None) -> dict[str, Any]:
    """Follow the organizer, or the series of an event."""
    person = _reader(context)
    return {
        **_common(context["request"]),
        "series": series,
        "following": person is not None and follows.is_following(person, series),
        "url": reverse("storefront-follow"),
    }


def favourite_context(request: Any, thing: Thing, kept: bool) -> dict[str, Any]:
    return {**_common(request), **_of(thing, "favourite"), "kept": kept}


def like_context(request: Any, thing: Thing, liked: bool, count: int) -> dict[str, Any]:
    return {**_common(request), **_of(thing, "like"), "liked": liked, "count": count}


def _of(thing: Thing, act: str) -> dict[str, Any]:
    kind = kind_of(thing)
    return {
        "title": thing.name if isinstance(thing, Product) else thing.title,
        "url": reverse(f"storefront-{kind}-{act}", args=[thing.slug]),
        "mark": f"{act}-{kind}-{thing.pk}",
    }


def _common(request: Any) -> dict[str, Any]:
    """Where to come back to: the page itself, or the one that an htmx request was made on."""
    here = request.get_full_path() if request.method in ("GET", "HEAD") else request.POST.get("next", "/")
    return {
        "signed_in": getattr(request, "user", None) is not None and request.user.is_authenticated,
        "here": here,
        "login": f"/account/login/?next={quote(here)}",
    }


def _reader(context: Any) -> Any:
    """Who looks at the page; None for a guest."""
    request = context.get("request")
    person = getattr(request, "user", None)
    return person if person is not None and person.is_authenticated else None
