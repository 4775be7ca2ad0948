"""What people who were there say about an event, and who says that something is wrong with it."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _

from shared_apps.core.codes import uuid7
from tenant_apps.events.models import Event
from tenant_apps.reviews.querysets import ReviewQuerySet
from tenant_apps.ticketing.models import Ticket

LONGEST_COMMENT = 4000
LONGEST_NAME = 60
LONGEST_ANSWER = 2000
LONGEST_REASON = 300


class Review(models.Model):
    """One person's rating of one event, and what they say about it.

    It rests on one admission: a ticket carries at most one review, so there are never more of them than people who
    came. Its status changes only in `reviews.services` and `reviews.moderation`, together with the event's counters:
    what is published counts, and nothing else does.
    """

    class Status(models.TextChoices):
        PUBLISHED = "published", _("Shown")
        HELD = "held", _("Waits for you")
        REJECTED = "rejected", _("Not shown")
        WITHDRAWN = "withdrawn", _("Taken back")

    class Proof(models.TextChoices):
        CHECKED_IN = "checked_in", _("Was scanned at the door")
        TICKET = "ticket", _("Had a ticket")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    event = models.ForeignKey(Event, models.CASCADE, related_name="reviews")
    # NULL: the person had themselves erased; their stars stay.
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.DO_NOTHING, null=True, related_name="+", db_constraint=False
    )
    ticket = models.OneToOneField(Ticket, models.PROTECT, null=True, related_name="review")
    proof = models.CharField(max_length=10, choices=Proof.choices)
    rating = models.IntegerField(_("rating"))
    comment = models.TextField(_("comment"), blank=True, max_length=LONGEST_COMMENT)
    # What stands beside it; the person's own choice, empty for none.
    name = models.CharField(_("name"), max_length=LONGEST_NAME, blank=True)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.PUBLISHED)
    # Why it waits, by the names of the rules (`reviews.rules.HELD_FOR`).
    held_for = ArrayField(models.CharField(max_length=20), default=list, blank=True, db_default=[])
    # Why staff do not show it, in their words; its author reads this.
    reason = models.CharField(max_length=LONGEST_REASON, blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.BigIntegerField(null=True)
    answer = models.TextField(_("answer"), blank=True, max_length=LONGEST_ANSWER)
    answered_at = models.DateTimeField(null=True, blank=True)
    answered_by = models.BigIntegerField(null=True)
    # Counts the changes by its author.
    revision = models.IntegerField(default=0, db_default=0)
    created_at = models.DateTimeField(default=now, db_default=Now())
    edited_at = models.DateTimeField(null=True, blank=True)
    # Reports that nobody has dealt with.
    open_reports = models.IntegerField(default=0, db_default=0)

    objects = ReviewQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["event", "user"], name="review_one_each"),
            models.CheckConstraint(condition=Q(rating__range=(1, 5)), name="review_one_to_five"),
            models.CheckConstraint(condition=Q(open_reports__gte=0), name="review_reports_not_negative"),
        ]
        indexes = [
            models.Index(fields=["event", "-created_at", "-id"], condition=Q(status="published"), name="review_shown"),
            models.Index(fields=["user"], condition=Q(user__isnull=False), name="review_user"),
            models.Index(
                fields=["created_at", "id"], condition=Q(status="held") | Q(open_reports__gt=0), name="review_queue"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.rating}/5 {self.event_id}"

    @property
    def is_published(self) -> bool:
        return self.status == self.Status.PUBLISHED


class ReviewReport(models.Model):
    """Somebody says that a review breaks the rules. It takes nothing down: staff look at it and decide."""

    class Reason(models.TextChoices):
        SPAM = "spam", _("Advertising or spam")
        OFFENSIVE = "offensive", _("Insults or hatred")
        PERSONAL = "personal", _("Tells private things about somebody")
        FALSE = "false", _("Was not there, or is not about this event")
        OTHER = "other", _("Something else")

    review = models.ForeignKey(Review, models.CASCADE, related_name="reports")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.DO_NOTHING, null=True, related_name="+", db_constraint=False
    )
    kind = models.CharField(_("what is wrong"), max_length=9, choices=Reason.choices)
    text = models.CharField(_("in your words"), max_length=500, blank=True)
    created_at = models.DateTimeField(default=now, db_default=Now())
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "reviews_report"
        constraints = [models.UniqueConstraint(fields=["review", "user"], name="review_report_once")]

    def __str__(self) -> str:
        return self.kind
