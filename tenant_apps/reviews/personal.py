"""What people wrote about events, and whom they reported (P3).

An erasure takes the words, the name and the account off a review; its stars stay, as any other count does.
"""

from shared_apps.core.personal import Person, Rows, harmless, hold
from tenant_apps.reviews.models import Review, ReviewReport


def _reviews(person: Person) -> Rows:
    rows = Review.objects.filter(user_id=person.user_id).order_by("created_at", "pk")
    return rows.values(
        "event__title", "rating", "comment", "name", "status", "reason", "answer", "created_at", "edited_at"
    )


def _end_reviews(person: Person) -> int:
    return Review.objects.filter(user_id=person.user_id).update(user=None, name="", comment="", answer="")


def _reports(person: Person) -> Rows:
    return ReviewReport.objects.filter(user_id=person.user_id).order_by("created_at", "pk").values(
        "review__event__title", "kind", "text", "created_at"
    )  # fmt: skip


def _end_reports(person: Person) -> int:
    return ReviewReport.objects.filter(user_id=person.user_id).update(user=None, text="")


hold("reviews", "reviews.Review", {"user", "name", "comment"}, export=_reviews, erase=_end_reviews)
hold("review_reports", "reviews.ReviewReport", {"user", "text"}, export=_reports, erase=_end_reports)
harmless("reviews.Review", {"reason"}, "why staff do not show it")
harmless("reviews.Review", {"decided_by", "answered_by"}, "which of the staff; the audit trail has it with their name")
