"""Reviews over HTTP: read by anybody, written by who was there. What staff do is in moderation.py."""

from typing import Any
from uuid import UUID

from django.utils.functional import cached_property
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api.conditional import etagged
from api.filters import UnknownSortKey
from api.kept import kept
from api.pagination import Pages
from api.permissions import ANYONE, SIGNED_IN
from api.scoping import EventScoped
from api.v1.reviews import serializers as shapes
from api.v1.reviews.presentation import own_json, review_json, standing_json
from api.views import APIView
from shared_apps.core.addresses import client_address
from shared_apps.core.errors import InvalidInput, NotFound
from tenant_apps.events.models import Event
from tenant_apps.reviews import attendance, services
from tenant_apps.reviews.models import Review
from tenant_apps.reviews.querysets import ORDERS
from tenant_apps.staff.actors import person_of
from tenant_apps.staff.permissions import allowed


def written(request: Request, event: Event, wanted: dict[str, Any]) -> Response:
    """Write a review and answer it."""
    review = services.write(
        event,
        user=request.user,
        rating=wanted["rating"],
        comment=wanted.get("comment", ""),
        name=wanted.get("name"),
        address=client_address(request._request),
    )
    return Response(own_json(review), status=201, headers={"Location": f"/api/v1/reviews/{review.pk}/"})


class EventReviewsView(EventScoped, APIView):
    """What people who were there say about an event. One review each, after its end."""

    permissions = {"get": ANYONE, "post": SIGNED_IN}
    parameters = frozenset({"rating"})

    def events(self) -> Any:
        return Event.objects.select_related("standing").defer("search", "letters")

    @extend_schema(
        operation_id="reviews_list",
        parameters=[
            OpenApiParameter("rating", int, description="Only those with so many stars."),
            OpenApiParameter("ordering", str, description="newest, best or worst."),
            OpenApiParameter("page", int),
            OpenApiParameter("page_size", int),
        ],
        responses=shapes.ReviewsPageSerializer,
    )
    @kept
    @etagged()
    def get(self, request: Request, event: str) -> Response:
        found = self.event
        reviews = Review.objects.shown().filter(event=found)
        stars = request.query_params.get("rating")
        if stars is not None:
            if stars not in {"1", "2", "3", "4", "5"}:
                raise InvalidInput(field="rating")
            reviews = reviews.filter(rating=int(stars))
        order = request.query_params.get("ordering", "newest")
        if order not in ORDERS:
            raise UnknownSortKey(field="ordering", keys=", ".join(ORDERS))
        pages = Pages()
        page: Any = pages.paginate_queryset(reviews.order_by(*ORDERS[order]), request, view=self) or []
        for review in page:
            review.event = found
        response = pages.get_paginated_response([review_json(each) for each in page])
        response.data |= standing_json(found)
        person = person_of(request.user)
        if person is not None:
            mine = Review.objects.own(person).filter(event=found).first()
            response.data["mine"] = None if mine is None else own_json(mine)
        return response

    @extend_schema(
        operation_id="reviews_create", request=shapes.ReviewInput, responses={201: shapes.OwnReviewSerializer}
    )
    def post(self, request: Request, event: str) -> Response:
        wanted = shapes.ReviewInput(data=request.data)
        wanted.is_valid(raise_exception=True)
        return written(request, self.event, wanted.validated_data)


class ReviewView(APIView):
    """One review. Its author changes it for some time, and may take it back at any."""

    permissions = {"get": ANYONE, "put": SIGNED_IN, "patch": SIGNED_IN, "delete": SIGNED_IN}
    parameters = frozenset()

    @cached_property
    def _mine(self) -> Review:
        """The caller's own review of that id. Raises NotFound: others' are not theirs to name here."""
        found = Review.objects.own(self.request.user).select_related("event").filter(pk=self.kwargs["pk"]).first()
        if found is None:
            raise NotFound
        return found  # type: ignore[no-any-return]  # the manager's queryset is of Any

    @extend_schema(operation_id="reviews_retrieve", responses=shapes.ReviewSerializer)
    def get(self, request: Request, pk: UUID) -> Response:
        review = Review.objects.standing().select_related("event").filter(pk=pk).first()
        if review is None:
            raise NotFound
        if request.user.is_authenticated and review.user_id is not None and review.user_id == _id_of(request.user):
            return Response(own_json(review))
        public = review.is_published and review.event.status in ("published", "postponed", "cancelled", "finished")
        if not public and not (request.user.is_authenticated and allowed(request.user, "moderate_reviews")):
            raise NotFound
        return Response(review_json(review))

    @extend_schema(operation_id="reviews_replace", request=shapes.ReviewInput, responses=shapes.OwnReviewSerializer)
    def put(self, request: Request, pk: UUID) -> Response:
        mine = self._mine
        wanted = shapes.ReviewInput(data=request.data)
        wanted.is_valid(raise_exception=True)
        fields = dict(wanted.validated_data)
        if fields["name"] is None:
            fields.pop("name")
        return self._changed(mine, fields)

    @extend_schema(operation_id="reviews_update", request=shapes.ChangeInput, responses=shapes.OwnReviewSerializer)
    def patch(self, request: Request, pk: UUID) -> Response:
        mine = self._mine
        wanted = shapes.ChangeInput(data=request.data)
        wanted.is_valid(raise_exception=True)
        return self._changed(mine, wanted.validated_data)

    @extend_schema(operation_id="reviews_delete", request=None, responses={204: None})
    def delete(self, request: Request, pk: UUID) -> Response:
        services.withdraw(self._mine, actor=request.user)
        return Response(status=204)

    def _changed(self, mine: Review, fields: dict[str, Any]) -> Response:
        review = services.edit(mine, actor=self.request.user, **fields)
        return Response(own_json(review))


class MineView(APIView):
    """What the caller wrote here, the newest first."""

    permissions = {"get": SIGNED_IN}
    parameters = frozenset()

    @extend_schema(operation_id="reviews_mine", responses=shapes.OwnReviewSerializer(many=True))
    def get(self, request: Request) -> Response:
        pages = Pages()
        found = Review.objects.own(request.user).select_related("event").order_by("-created_at", "-id")
        page: Any = pages.paginate_queryset(found, request, view=self) or []
        return pages.get_paginated_response([own_json(each) for each in page])


class ToWriteView(APIView):
    """Events that the caller was at and has not reviewed yet."""

    permissions = {"get": SIGNED_IN}
    parameters = frozenset()

    @extend_schema(operation_id="reviews_to_write", responses=shapes.ToReviewSerializer(many=True))
    def get(self, request: Request) -> Response:
        pages = Pages()
        found = attendance.to_review(request.user).defer("search", "letters")
        page: Any = pages.paginate_queryset(found, request, view=self) or []
        return pages.get_paginated_response(shapes.ToReviewSerializer(page, many=True).data)


class ReportView(APIView):
    """Say that a review breaks the rules; once each. Staff look at it, and it stays until they have."""

    permissions = {"post": SIGNED_IN}

    @extend_schema(
        operation_id="reviews_report", request=shapes.ReportInput, responses={201: shapes.ReviewReportSerializer}
    )
    def post(self, request: Request, pk: UUID) -> Response:
        review = Review.objects.shown().filter(pk=pk).first()
        if review is None:
            raise NotFound
        wanted = shapes.ReportInput(data=request.data)
        wanted.is_valid(raise_exception=True)
        told = services.report(review, user=request.user, **wanted.validated_data)
        return Response(shapes.ReviewReportSerializer(told).data, status=201)


def _id_of(user: Any) -> int | None:
    person = person_of(user)
    return None if person is None else person.pk
