"""Reviews as JSON: what anybody reads, what its author reads besides, and what staff read."""

from typing import Any

from tenant_apps.events.models import STARS
from tenant_apps.reviews import services
from tenant_apps.reviews.models import Review


def review_json(review: Review) -> dict[str, Any]:
    """What anybody reads; loaded with its event."""
    return {
        "id": str(review.pk),
        "event": review.event.slug,
        "rating": review.rating,
        "comment": review.comment,
        "name": review.name,
        "proof": review.proof,
        "answer": {"text": review.answer, "answered_at": review.answered_at} if review.answer else None,
        "created_at": review.created_at,
        "edited_at": review.edited_at,
    }


def own_json(review: Review) -> dict[str, Any]:
    """What its author reads: whether it is shown, and if not, why."""
    return {
        **review_json(review),
        "status": review.status,
        "reason": review.reason,
        "editable_until": services.editable_until(review),
    }


def moderated_json(review: Review) -> dict[str, Any]:
    """What staff read. Who wrote it is told by the name that stands beside it: to decide, no more is needed."""
    return {
        **review_json(review),
        "status": review.status,
        "reason": review.reason,
        "held_for": review.held_for,
        "open_reports": review.open_reports,
        "reports": [
            {"kind": each.kind, "text": each.text, "created_at": each.created_at}
            for each in review.reports.all()
            if each.closed_at is None
        ]
        if review.open_reports
        else [],
        "decided_at": review.decided_at,
    }


def standing_json(event: Any) -> dict[str, Any]:
    """The mean and how often each number of stars was given, from the event's counters; loaded with its standing."""
    standing = event.standing
    return {
        "rating": None if standing.rating is None else str(standing.rating),
        "reviews_count": standing.ratings,
        "histogram": {str(stars): getattr(standing, f"stars_{stars}") for stars in STARS},
    }
