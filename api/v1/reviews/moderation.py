"""What staff do with reviews over HTTP."""

from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api.pagination import Pages
from api.v1.reviews import serializers as shapes
from api.v1.reviews.presentation import moderated_json
from api.views import APIView
from shared_apps.core.errors import FieldError, InvalidInput, NotFound
from tenant_apps.reviews import moderation
from tenant_apps.reviews.models import Review
from tenant_apps.reviews.querysets import QUEUES


class ModerationView(APIView):
    """What waits for a decision, those that wait longest first; and the decisions."""

    permissions = {"get": "moderate_reviews", "post": "moderate_reviews"}
    parameters = frozenset({"status", "event"})

    @extend_schema(
        operation_id="reviews_moderation_list",
        parameters=[
            OpenApiParameter("status", str, description="waiting (the usual), published, rejected or all."),
            OpenApiParameter("event", str, description="The slug of one event."),
            OpenApiParameter("page", int),
            OpenApiParameter("page_size", int),
        ],
        responses=shapes.ModeratedReviewSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        name = request.query_params.get("status", "waiting")
        if name not in QUEUES:
            raise InvalidInput(field="status")
        found = Review.objects.queue(name)
        if event := request.query_params.get("event"):
            found = found.filter(event__slug=event[:80])
        pages = Pages()
        rows = found.select_related("event").prefetch_related("reports")
        page: Any = pages.paginate_queryset(rows, request, view=self) or []
        return pages.get_paginated_response([moderated_json(each) for each in page])

    @extend_schema(
        operation_id="reviews_moderate",
        request=shapes.DecisionInput,
        responses=shapes.ModeratedReviewSerializer(many=True),
    )
    def post(self, request: Request) -> Response:
        wanted = shapes.DecisionInput(data=request.data)
        wanted.is_valid(raise_exception=True)
        data = wanted.validated_data
        one, several = data.get("review"), data.get("reviews", [])
        if (one is None) == (not several):
            message = _("Name one review, or several in reviews.")
            raise InvalidInput(errors=[FieldError("review", "required", message)])
        decided = moderation.decide(
            [one] if one is not None else several, data["decision"], actor=request.user, reason=data["reason"]
        )
        fresh = Review.objects.select_related("event").prefetch_related("reports")
        rows = [moderated_json(each) for each in fresh.filter(pk__in=[each.pk for each in decided]).order_by("pk")]
        return Response(rows[0] if one is not None else {"results": rows})


class AnswerView(APIView):
    """The organizer's answer below a review."""

    permissions = {"put": "moderate_reviews", "delete": "moderate_reviews"}

    @extend_schema(
        operation_id="reviews_answer", request=shapes.AnswerInput, responses=shapes.ModeratedReviewSerializer
    )
    def put(self, request: Request, pk: UUID) -> Response:
        review = _found(pk)
        wanted = shapes.AnswerInput(data=request.data)
        wanted.is_valid(raise_exception=True)
        moderation.answer(review, wanted.validated_data["text"], actor=request.user)
        return Response(moderated_json(_found(pk)))

    @extend_schema(operation_id="reviews_answer_delete", request=None, responses={204: None})
    def delete(self, request: Request, pk: UUID) -> Response:
        moderation.take_answer_back(_found(pk), actor=request.user)
        return Response(status=204)


def _found(pk: UUID) -> Review:
    found = Review.objects.standing().select_related("event").prefetch_related("reports").filter(pk=pk).first()
    if found is None:
        raise NotFound
    return found  # type: ignore[no-any-return]  # the manager's queryset is of Any
