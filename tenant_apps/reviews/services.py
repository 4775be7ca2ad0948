"""Writing reviews: what their authors do with them, and readers who report one. What staff do is in `moderation`."""

import ipaddress
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from shared_apps.core import limits
from shared_apps.core.addresses import network_of
from shared_apps.core.errors import FieldError, InvalidInput, NotFound, TooManyRequests
from shared_apps.core.schemas import present_schema
from tenant_apps.activity.services import before_and_after, gone, made, record
from tenant_apps.events import standing
from tenant_apps.events.models import Event
from tenant_apps.reviews import attendance, rules
from tenant_apps.reviews.errors import AddressUnconfirmed, AlreadyReviewed, EditClosed, NotAttended, OwnReview
from tenant_apps.reviews.models import LONGEST_COMMENT, LONGEST_NAME, Review, ReviewReport
from tenants.context import current_tenant
from tenants.preferences import preference

Status = Review.Status
HOUR, DAY = 3600, 24 * 3600
# By one person in an hour, over all tenants.
MOST_WRITES, MOST_REPORTS = 60, 30
# So many reviews of one event a day from one network are a family or an office; more are looked at first.
MOST_FROM_NETWORK = 5
_UNSET: Any = object()


def write(
    event: Event,
    *,
    user: Any,
    rating: int,
    comment: str = "",
    name: str | None = None,
    address: str | None = None,
    now: datetime | None = None,
) -> Review:
    """Keep what a person says about an event that they were at; it is shown at once unless a rule holds it.

    `name` None is a short form of the person's own. `address` is where the request came from. Raises NotOver,
    EventCalledOff, NotAttended, AlreadyReviewed, TooManyRequests, InvalidInput.
    """
    now = now or timezone.now()
    _count("review", user, MOST_WRITES)
    attendance.require_over(event, now)
    if user.email_verified_at is None:
        raise AddressUnconfirmed
    fields = _checked(rating, comment, short_name(user) if name is None else name)
    try:
        with transaction.atomic():
            review = Review.objects.select_for_update().filter(event=event, user_id=user.pk).first()
            if review is not None and review.status != Status.WITHDRAWN:
                raise AlreadyReviewed
            if review is None:
                review = Review(event=event, user_id=user.pk, created_at=now)
                ticket = attendance.ticket_of(user, event)
                if ticket is None:
                    # Perhaps it has just spoken, by a request of the same person that was a moment faster.
                    raise AlreadyReviewed if Review.objects.own(user).filter(event=event).exists() else NotAttended
                review.ticket, review.proof = ticket, attendance.proof_of(ticket)
            else:
                # Taken back and written anew: what staff had taken down comes back only through them.
                review.created_at, review.edited_at, review.revision = now, None, review.revision + 1
            held = _held_for(fields, comment)
            if review.reason:
                held.append("again")
            if _is_one_of_many(event, review, address):
                held.append("network")
            _fill(review, fields, held)
            review.save()
            _count_in(review)
            told = made(rating=review.rating, status=review.status, held_for=review.held_for)
            record("review.written", review, actor=user, details=told, payload={"status": review.status})
            return review
    except IntegrityError as error:
        # Two requests at once: the other one was first, with the person's review or with the ticket.
        if "review_one_each" in str(error) or "ticket_id" in str(error):
            raise AlreadyReviewed from None
        raise


def edit(
    review: Review,
    *,
    actor: Any,
    rating: Any = _UNSET,
    comment: Any = _UNSET,
    name: Any = _UNSET,
    now: datetime | None = None,
) -> Review:
    """Change what is given, as its author, as long as the tenant lets reviews be changed; the rules ask anew.

    What staff took down waits for them again. Raises EditClosed, NotFound for one that was taken back.
    """
    now = now or timezone.now()
    _count("review", actor, MOST_WRITES)
    with transaction.atomic():
        review = _locked(review)
        if now > editable_until(review):
            raise EditClosed
        raw = review.comment if comment is _UNSET else comment
        fields = _checked(review.rating if rating is _UNSET else rating, raw, review.name if name is _UNSET else name)
        if all(getattr(review, key) == value for key, value in fields.items()):
            return review
        before = _state(review)
        counted = review.rating if review.is_published else None
        held = _held_for(fields, raw)
        if review.status == Status.REJECTED:
            held.append("again")
        elif review.status == Status.HELD:
            # What it waits for stays: changing a word is no way past staff.
            held = list(dict.fromkeys([*review.held_for, *held]))
        _fill(review, fields, held)
        review.edited_at, review.revision = now, review.revision + 1
        review.save()
        _count_in(review, was=counted)
        details = before_and_after(before, _state(review))
        record("review.changed", review, actor=actor, details=details, payload={"status": review.status})
        return review


def withdraw(review: Review, *, actor: Any) -> None:
    """Take a review back, as its author: nobody reads it any more, and it does not count. It can be written anew."""
    with transaction.atomic():
        review = _locked(review)
        told = gone(rating=review.rating, status=review.status)
        counted = review.rating if review.is_published else None
        review.status, review.comment, review.name, review.answer = Status.WITHDRAWN, "", "", ""
        review.answered_at = review.answered_by = None
        review.held_for, review.open_reports = [], 0
        review.save()
        review.reports.filter(closed_at=None).update(closed_at=timezone.now())
        _count_in(review, was=counted)
        record("review.withdrawn", review, actor=actor, details=told)


def rate(event: Event, *, user: Any, rating: int, address: str | None = None) -> Review:
    """Give stars, or other stars than before: what older clients do with one call."""
    review = Review.objects.own(user).filter(event=event).first()
    if review is None:
        return write(event, user=user, rating=rating, address=address)
    attendance.require_over(event)
    return edit(review, actor=user, rating=rating)


def report(review: Review, *, user: Any, kind: str, text: str = "") -> ReviewReport:
    """Say that a review breaks the rules. It stays where it is until staff have looked.

    Reporting it again changes nothing. Raises OwnReview.
    """
    _count("review-report", user, MOST_REPORTS)
    if user.email_verified_at is None:
        raise AddressUnconfirmed
    if review.user_id == user.pk:
        raise OwnReview
    with transaction.atomic():
        review = _locked(review)
        found, is_new = ReviewReport.objects.get_or_create(
            review=review, user_id=user.pk, defaults={"kind": kind, "text": rules.cleaned_name(text)[:500]}
        )
        if is_new:
            Review.objects.filter(pk=review.pk).update(open_reports=review.open_reports + 1)
            record("review.reported", review, actor=user, details=made(kind=kind), payload={"kind": kind})
        return found


def editable_until(review: Review) -> datetime:
    """Return the last moment at which its author can change it; taking it back is always possible."""
    days: int = preference(current_tenant(), "review_edit_days")
    until: datetime = review.created_at + timedelta(days=days)
    return until


def is_editable(review: Review, now: datetime | None = None) -> bool:
    """Tell whether its author can still change it."""
    return (now or timezone.now()) <= editable_until(review)


def short_name(user: Any) -> str:
    """Return what stands beside a person's review unless they say otherwise: "Ada L."."""
    first, *rest = rules.cleaned_name(user.name).split() or [""]
    return f"{first} {rest[-1][0]}."[:LONGEST_NAME] if rest else first[:LONGEST_NAME]


# --- Inside ------------------------------------------------------------------------------------------------------


def _locked(review: Review) -> Review:
    found = Review.objects.standing().select_for_update().filter(pk=review.pk).first()
    if found is None:
        raise NotFound
    return found  # type: ignore[no-any-return]  # the manager's queryset is of Any


def _state(review: Review) -> dict[str, Any]:
    return {"rating": review.rating, "status": review.status, "revision": review.revision}


def _fill(review: Review, fields: dict[str, Any], held: list[str]) -> None:
    for name, value in fields.items():
        setattr(review, name, value)
    review.held_for = held
    review.status = Status.HELD if held else Status.PUBLISHED


def _count_in(review: Review, *, was: int | None = None) -> None:
    """Move the event's counters along: published stars count, all others do not."""
    now = review.rating if review.is_published else None
    if now != was:
        standing.change(review.event_id, stars=now, was=was)


def _checked(rating: int, comment: str, name: str) -> dict[str, Any]:
    errors = []
    if isinstance(rating, bool) or not isinstance(rating, int) or not 1 <= rating <= 5:
        errors.append(FieldError("rating", "rating_range", _("Give one to five stars.")))
    text, shown = rules.cleaned(comment), rules.cleaned_name(name)
    if len(text) > LONGEST_COMMENT:
        errors.append(FieldError("comment", "max_length", _("At most %d characters.") % LONGEST_COMMENT))
    if len(shown) > LONGEST_NAME:
        errors.append(FieldError("name", "max_length", _("At most %d characters.") % LONGEST_NAME))
    if errors:
        raise InvalidInput(errors=errors)
    return {"rating": rating, "comment": text, "name": shown}


def _held_for(fields: dict[str, Any], raw: str) -> list[str]:
    tenant = current_tenant()
    found = rules.held_for(
        fields["comment"],
        fields["name"],
        raw=raw,
        words=preference(tenant, "review_words"),
        links=preference(tenant, "review_links_wait"),
        site=tenant.name,
    )
    return ["all", *found] if preference(tenant, "review_moderation") == "all" else found


def _is_one_of_many(event: Event, review: Review, address: str | None) -> bool:
    """Whether today's reviews of the event from that network are more than a household's.

    Only for tickets that nobody scanned: a thousand accounts cost nothing, a thousand people at the door are people.
    An address that is not a public one tells nobody from anybody.
    """
    if address is None or review.proof == Review.Proof.CHECKED_IN or not ipaddress.ip_address(address).is_global:
        return False
    key = f"review-network:{present_schema()}:{event.pk}:{network_of(address)}"
    return not limits.hit(key, MOST_FROM_NETWORK, DAY).allowed


def _count(what: str, user: Any, most: int) -> None:
    decision = limits.hit(f"{what}:{user.identity}", most, HOUR)
    if not decision.allowed:
        raise TooManyRequests(retry_after=decision.reset_after)
