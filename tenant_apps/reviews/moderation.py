"""What staff do with reviews: show them or not, each with a reason, and answer them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from shared_apps.core.errors import FieldError, InvalidInput, NotFound
from tenant_apps.activity.services import before_and_after, record
from tenant_apps.events import standing
from tenant_apps.reviews import rules
from tenant_apps.reviews.errors import NotShown, ReasonRequired
from tenant_apps.reviews.models import LONGEST_ANSWER, LONGEST_REASON, Review

Status = Review.Status
APPROVE, REJECT = "approve", "reject"
DECISIONS = (APPROVE, REJECT)
MOST_AT_ONCE = 100


def decide(
    ids: Sequence[UUID], decision: str, *, actor: Any, reason: str = "", now: datetime | None = None
) -> list[Review]:
    """Show these reviews, or do not; all of them or none. Their open reports are dealt with by it.

    Deciding the same again changes nothing. Raises ReasonRequired, and InvalidInput for a review that is not there.
    """
    now, reason = now or timezone.now(), rules.cleaned_name(reason)
    if decision not in DECISIONS:
        raise InvalidInput(errors=[FieldError("decision", "invalid_choice", _("One of approve, reject."))])
    if decision == REJECT and not reason:
        raise ReasonRequired(field="reason")
    if len(reason) > LONGEST_REASON:
        message = _("At most %d characters.") % LONGEST_REASON
        raise InvalidInput(errors=[FieldError("reason", "max_length", message)])
    wanted = set(ids)
    if not wanted or len(wanted) > MOST_AT_ONCE:
        message = _("Choose 1 to %d reviews.") % MOST_AT_ONCE
        raise InvalidInput(errors=[FieldError("reviews", "required" if not wanted else "too_many", message)])
    with transaction.atomic():
        # Always by id, so that two who decide about the same ones do not wait for each other in a circle (M2).
        found = list(Review.objects.standing().filter(pk__in=wanted).order_by("pk").select_for_update())
        if len(found) != len(wanted):
            raise InvalidInput(errors=[FieldError("review", "does_not_exist", _("There is no such review."))])
        for review in found:
            _decide(review, decision, reason, actor, now)
    return found


def _decide(review: Review, decision: str, reason: str, actor: Any, now: datetime) -> None:
    before = _state(review)
    counted = review.rating if review.is_published else None
    review.status = Status.PUBLISHED if decision == APPROVE else Status.REJECTED
    review.reason = "" if decision == APPROVE else reason
    review.held_for, review.open_reports = [], 0
    after = _state(review)
    if before == after:
        return
    review.decided_at, review.decided_by = now, actor.pk
    review.save()
    if before["reports"]:
        review.reports.filter(closed_at=None).update(closed_at=now)
    stars = review.rating if review.is_published else None
    if stars != counted:
        standing.change(review.event_id, stars=stars, was=counted)
    topic = "review.approved" if decision == APPROVE else "review.rejected"
    record(topic, review, actor=actor, details=before_and_after(before, after), payload={"reason": review.reason})


def answer(review: Review, text: str, *, actor: Any, now: datetime | None = None) -> Review:
    """Answer a review in the organizer's name, below it; its author is told the first time.

    Raises NotShown for one that nobody reads.
    """
    text = rules.cleaned(text)
    if not text:
        raise InvalidInput(errors=[FieldError("text", "required", _("Write an answer."))])
    if len(text) > LONGEST_ANSWER:
        message = _("At most %d characters.") % LONGEST_ANSWER
        raise InvalidInput(errors=[FieldError("text", "max_length", message)])
    with transaction.atomic():
        review = _locked(review)
        if not review.is_published:
            raise NotShown
        if review.answer == text:
            return review
        details = before_and_after({"answer": review.answer}, {"answer": text})
        is_first = not review.answer
        review.answer, review.answered_by = text, actor.pk
        review.answered_at = now or timezone.now()
        review.save(update_fields=["answer", "answered_at", "answered_by"])
        if is_first:
            record("review.answered", review, actor=actor, details=details)
        else:
            record("review.answer_changed", review, actor=actor, details=details)
        return review


def take_answer_back(review: Review, *, actor: Any) -> Review:
    """Take the answer away. Without one nothing happens."""
    with transaction.atomic():
        review = _locked(review)
        if not review.answer:
            return review
        details = before_and_after({"answer": review.answer}, {"answer": ""})
        review.answer, review.answered_at, review.answered_by = "", None, None
        review.save(update_fields=["answer", "answered_at", "answered_by"])
        record("review.answer_changed", review, actor=actor, details=details)
        return review


def _locked(review: Review) -> Review:
    found = Review.objects.standing().select_for_update().filter(pk=review.pk).first()
    if found is None:
        raise NotFound
    return found  # type: ignore[no-any-return]  # the manager's queryset is of Any


def _state(review: Review) -> dict[str, Any]:
    return {"status": review.status, "reason": review.reason, "reports": review.open_reports}
