"""What reviews take and give, for the document and the checks of shape."""

from typing import Any

from rest_framework import serializers

from api.fields import PlainTextField, UtcField
from tenant_apps.reviews.models import (
    LONGEST_ANSWER,
    LONGEST_COMMENT,
    LONGEST_NAME,
    LONGEST_REASON,
    Review,
    ReviewReport,
)
from tenant_apps.reviews.moderation import DECISIONS, MOST_AT_ONCE

WIDEST_ID = 2**63 - 1


class ReviewAnswerSerializer(serializers.Serializer[Any]):
    text = serializers.CharField()
    answered_at = UtcField()


class ReviewSerializer(serializers.Serializer[Any]):
    """`proof` tells how we know that they were there: `checked_in`, or `ticket` where nobody is scanned."""

    id = serializers.UUIDField()
    event = serializers.CharField()
    rating = serializers.IntegerField()
    comment = serializers.CharField()
    name = serializers.CharField()
    proof = serializers.ChoiceField(choices=Review.Proof.choices)
    answer = ReviewAnswerSerializer(allow_null=True)
    created_at = UtcField()
    edited_at = UtcField(allow_null=True)


class OwnReviewSerializer(ReviewSerializer):
    """What its author reads: `held` waits for the organizer, `rejected` is not shown for the `reason`."""

    status = serializers.ChoiceField(choices=Review.Status.choices)
    reason = serializers.CharField()
    editable_until = UtcField()


class ReviewReportSerializer(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(choices=ReviewReport.Reason.choices)
    text = serializers.CharField()
    created_at = UtcField()


class ModeratedReviewSerializer(ReviewSerializer):
    status = serializers.ChoiceField(choices=Review.Status.choices)
    reason = serializers.CharField()
    held_for = serializers.ListField(child=serializers.CharField())
    open_reports = serializers.IntegerField()
    reports = ReviewReportSerializer(many=True)
    decided_at = UtcField(allow_null=True)


class ReviewsPageSerializer(serializers.Serializer[Any]):
    """A page of reviews, and how the event stands. `mine` is the caller's own, if they are signed in."""

    count = serializers.IntegerField()
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = ReviewSerializer(many=True)
    rating = serializers.DecimalField(max_digits=3, decimal_places=2, allow_null=True)
    reviews_count = serializers.IntegerField()
    histogram = serializers.DictField(child=serializers.IntegerField())
    mine = OwnReviewSerializer(allow_null=True, required=False)


class ToReviewSerializer(serializers.Serializer[Any]):
    """An event that the caller was at and has not reviewed."""

    id = serializers.IntegerField()
    slug = serializers.CharField()
    title = serializers.CharField()
    starts_at = UtcField()
    ends_at = UtcField(allow_null=True)
    timezone = serializers.CharField()


class RatingInput(serializers.Serializer[Any]):
    rating = serializers.IntegerField(min_value=1, max_value=5)


class ReviewInput(RatingInput):
    """`name` is what stands beside it; left out, it is a short form of the caller's own."""

    comment = serializers.CharField(
        max_length=LONGEST_COMMENT, required=False, allow_blank=True, trim_whitespace=False, default=""
    )
    name = PlainTextField(max_length=LONGEST_NAME, required=False, allow_blank=True, allow_null=True, default=None)


class ChangeInput(serializers.Serializer[Any]):
    rating = serializers.IntegerField(min_value=1, max_value=5, required=False)
    comment = serializers.CharField(max_length=LONGEST_COMMENT, required=False, allow_blank=True, trim_whitespace=False)
    name = PlainTextField(max_length=LONGEST_NAME, required=False, allow_blank=True)


class EventReviewInput(ReviewInput):
    """What older clients send: the event in the body."""

    event_id = serializers.IntegerField(min_value=1, max_value=WIDEST_ID)


class ReportInput(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(choices=ReviewReport.Reason.choices, default=ReviewReport.Reason.OTHER)
    text = PlainTextField(max_length=500, required=False, allow_blank=True, default="")


class AnswerInput(serializers.Serializer[Any]):
    text = serializers.CharField(max_length=LONGEST_ANSWER, trim_whitespace=False)


class DecisionInput(serializers.Serializer[Any]):
    """One review, or several at once in `reviews`."""

    review = serializers.UUIDField(required=False)
    reviews = serializers.ListField(
        child=serializers.UUIDField(), required=False, min_length=1, max_length=MOST_AT_ONCE
    )
    decision = serializers.ChoiceField(choices=[(each, each) for each in DECISIONS])
    reason = PlainTextField(max_length=LONGEST_REASON, required=False, allow_blank=True, default="")
