"""What authors of reviews are told: that the organizer answered, or does not show what they wrote, and why."""

from django.utils.translation import gettext_lazy as _

from shared_apps.accounts.models import User
from tenant_apps.activity.delivery import subscribe
from tenant_apps.activity.models import OutboxMessage
from tenant_apps.notifications.about import in_language_of
from tenant_apps.notifications.sending import tell
from tenant_apps.notifications.topics import EMAIL, FEED, Recipient, Topic, register
from tenant_apps.reviews.models import Review

register(
    Topic(
        "review.rejected",
        _("A review of yours is not shown"),
        (EMAIL, FEED),
        placeholders=("event", "reason"),
        title=_("Your review of {event} is not shown"),
        body=_("{greeting}\n\n{site} does not show what you wrote about {event}:\n\n{reason}\n\nYou can change it."),
    )
)


@subscribe("review.answered")
def tell_of_answer(message: OutboxMessage) -> None:
    """Tell the author what the organizer answered; not if it was taken away meanwhile."""
    review = _review_of(message)
    if review is not None and review.answer:
        _tell(message, review, {"event": review.event.title, "text": review.answer})


@subscribe("review.rejected")
def tell_of_rejection(message: OutboxMessage) -> None:
    """Tell the author that nobody reads it, and why; not if staff have thought better of it."""
    review = _review_of(message)
    if review is not None and review.status == Review.Status.REJECTED:
        _tell(message, review, {"event": review.event.title, "reason": review.reason})


def _review_of(message: OutboxMessage) -> Review | None:
    found = Review.objects.select_related("event").filter(pk=message.aggregate.partition(":")[2])
    return found.exclude(user=None).first()  # type: ignore[no-any-return]  # the manager's queryset is of Any


def _tell(message: OutboxMessage, review: Review, values: dict[str, str]) -> None:
    author = User.objects.filter(pk=review.user_id or 0, is_active=True).first()
    if author is None:
        return
    to = Recipient(user_id=author.pk, email=author.email, name=author.name, language=author.language)
    with in_language_of(to):
        tell(message, message.topic, to, values, url=f"/events/{review.event.slug}/review/")
