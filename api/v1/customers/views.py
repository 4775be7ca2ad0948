"""Likes, favourites and follows over HTTP: each person's own, and the counts of them."""

from typing import Any, ClassVar
from uuid import UUID

from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api.pagination import Pages
from api.permissions import SIGNED_IN, require_person
from api.scoping import EventScoped
from api.v1.customers.serializers import (
    FavouriteInput,
    FavouriteSerializer,
    FollowersSerializer,
    FollowInput,
    FollowSerializer,
    LikedSerializer,
    OlderLikeInput,
)
from api.views import APIView
from shared_apps.core.errors import FieldError, InvalidInput, NotFound
from shared_apps.core.money import to_text
from tenant_apps.catalog.models import Product
from tenant_apps.customers import favourites, follows, likes
from tenant_apps.customers.likes import Thing
from tenant_apps.customers.limits import count_vote
from tenant_apps.customers.reading import Shown, shown_favourites
from tenant_apps.events.models import Event, EventSeries


class EventLikeView(EventScoped, APIView):
    """Like an event, or take the like back. Twice is once."""

    permissions = {"post": SIGNED_IN, "delete": SIGNED_IN}

    @extend_schema(operation_id="events_like", request=None, responses=LikedSerializer)
    def post(self, request: Request, event: str) -> Response:
        return _liked(request, self.event, True)

    @extend_schema(operation_id="events_unlike", request=None, responses=LikedSerializer)
    def delete(self, request: Request, event: str) -> Response:
        return _liked(request, self.event, False)


class ProductLikeView(APIView):
    """Like a product, or take the like back. Twice is once."""

    permissions = {"post": SIGNED_IN, "delete": SIGNED_IN}

    @extend_schema(operation_id="products_like", request=None, responses=LikedSerializer)
    def post(self, request: Request, slug: str) -> Response:
        return _liked(request, _product(slug), True)

    @extend_schema(operation_id="products_unlike", request=None, responses=LikedSerializer)
    def delete(self, request: Request, slug: str) -> Response:
        return _liked(request, _product(slug), False)


class OlderLikeView(APIView):
    """Like the event, or take the like back if there is one: what older clients call."""

    permissions = {"post": SIGNED_IN}

    @extend_schema(operation_id="older_like", deprecated=True, request=OlderLikeInput, responses=LikedSerializer)
    def post(self, request: Request) -> Response:
        wanted = OlderLikeInput(data=request.data)
        wanted.is_valid(raise_exception=True)
        person = require_person(request)
        event = _named(Event.objects.public(), wanted.validated_data["event_id"], "event_id")
        count_vote(request)
        now = likes.toggle(event, person)
        return Response({"liked": now, "likes": likes.likes_of(event)})


class FavouritesView(APIView):
    """What the caller keeps in mind here, the last kept first. POST of what is kept already answers 200 with it."""

    permissions = {"get": SIGNED_IN, "post": SIGNED_IN}
    parameters: ClassVar[frozenset[str]] = frozenset()

    @extend_schema(operation_id="favorites_list", responses=FavouriteSerializer(many=True))
    def get(self, request: Request) -> Response:
        pages = Pages()
        page: Any = pages.paginate_queryset(favourites.favourites_of(require_person(request)), request, view=self)
        return pages.get_paginated_response([favourite_json(each) for each in shown_favourites(page or [])])

    @extend_schema(operation_id="favorites_create", request=FavouriteInput, responses={201: FavouriteSerializer})
    def post(self, request: Request) -> Response:
        wanted = FavouriteInput(data=request.data)
        wanted.is_valid(raise_exception=True)
        person = require_person(request)
        ((field, given),) = wanted.validated_data.items()
        thing: Thing = _named(Event.objects.public() if field.startswith("event") else _goods(), given, field)
        count_vote(request)
        row, is_new = favourites.keep(thing, person)
        return Response(favourite_json(shown_favourites([row])[0]), status=201 if is_new else 200)


class FavouriteView(APIView):
    """One of them."""

    permissions = {"delete": SIGNED_IN}

    @extend_schema(operation_id="favorites_delete", responses={204: None})
    def delete(self, request: Request, pk: UUID) -> Response:
        favourites.forget(require_person(request), pk)
        return Response(status=204)


class FollowView(APIView):
    """Follow the organizer, or a series of events: word of what goes on sale. Twice is once."""

    permissions = {"get": SIGNED_IN, "post": SIGNED_IN, "delete": SIGNED_IN}
    parameters: ClassVar[frozenset[str]] = frozenset()

    @extend_schema(operation_id="follow_retrieve", responses=FollowSerializer)
    def get(self, request: Request) -> Response:
        return Response(_follow_json(require_person(request)))

    @extend_schema(operation_id="follow_create", request=FollowInput, responses=FollowSerializer)
    def post(self, request: Request) -> Response:
        person = require_person(request)
        series = _series(request.data)
        count_vote(request)
        follows.follow(person, series)
        return Response(_follow_json(person))

    @extend_schema(
        operation_id="follow_delete",
        request=None,
        parameters=[OpenApiParameter("series", str, description="A series; else the organizer itself.")],
        responses=FollowSerializer,
    )
    def delete(self, request: Request) -> Response:
        person = require_person(request)
        given = {"series": request.query_params["series"]} if "series" in request.query_params else request.data
        series = _series(given)
        count_vote(request)
        follows.unfollow(person, series)
        return Response(_follow_json(person))


class FollowersView(APIView):
    """How many people follow the organizer, and each series."""

    permissions = {"get": "view_reports"}
    parameters: ClassVar[frozenset[str]] = frozenset()

    @extend_schema(operation_id="followers_retrieve", responses=FollowersSerializer)
    def get(self, request: Request) -> Response:
        series = [{**_series_json(each), "followers": each.followers} for each in follows.series_with_followers()[:100]]
        return Response({"followers": follows.followers(), "series": series})


def favourite_json(shown: Shown) -> dict[str, Any]:
    """One favourite with what it is of, as `shown_favourites` read it."""
    event, product = shown.event, shown.product
    price = shown.state.price_minor
    return {
        "id": shown.favourite.pk,
        "kind": "event" if event else "product",
        "event": event
        and {
            "id": event.pk,
            "slug": event.slug,
            "title": event.title,
            "starts_at": event.starts_at,
            "ends_at": event.ends_at,
            "timezone": event.timezone,
            "venue": event.venue.name if event.venue else None,
        },
        "product": product and {"id": product.pk, "slug": product.slug, "name": product.name},
        "status": shown.state.status,
        "price": None if price is None else to_text(price, shown.currency),
        "currency": shown.currency,
        "created_at": shown.favourite.created_at,
    }


def _liked(request: Request, thing: Thing, wanted: bool) -> Response:
    person = require_person(request)
    count_vote(request)
    (likes.like if wanted else likes.unlike)(thing, person)
    return Response({"liked": wanted, "likes": likes.likes_of(thing)})


def _follow_json(person: Any) -> dict[str, Any]:
    rows = list(follows.follows_of(person))
    return {
        "following": any(row.series_id is None for row in rows),
        "followers": follows.followers(),
        "series": [_series_json(row.series) for row in rows if row.series is not None],
    }


def _series_json(series: EventSeries) -> dict[str, Any]:
    return {"id": series.pk, "slug": series.slug, "title": series.title}


def _series(data: Any) -> EventSeries | None:
    """The series that is named, if one is."""
    wanted = FollowInput(data=data)
    wanted.is_valid(raise_exception=True)
    slug = wanted.validated_data.get("series")
    return None if slug is None else _found(EventSeries.objects.filter(slug=slug), "series")


def _goods() -> Any:
    return Product.objects.public()


def _product(slug: str) -> Product:
    found: Product | None = _goods().called(slug).first()
    if found is None:
        raise NotFound
    return found


def _named(rows: Any, given: Any, field: str) -> Any:
    """The one that a body names by slug or id; from outside what is seen it "does not exist" (I2)."""
    return _found(rows.filter(pk=given) if isinstance(given, int) else rows.called(given), field)


def _found(rows: Any, field: str) -> Any:
    found = rows.first()
    if found is None:
        raise InvalidInput(errors=[FieldError(field, "does_not_exist", _("There is nothing of this name here."))])
    return found
