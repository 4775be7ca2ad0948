"""What goes out by the clock: letters to all who hold tickets of an event, and what was noted so as to be told once."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _

from tenant_apps.events.models import Event


class Round(models.Model):
    """One letter to everybody who holds a ticket of an event: a reminder before it, or afterwards the question how it
    was.

    There is at most one for an event, its time and a distance from it. It goes out in batches, and a batch's letters
    are written with how far it came: whoever dies, and however many work at it, each holder is written to once. Its
    `cursor` is a hash of an address, kept while it is on its way.
    """

    class Kind(models.TextChoices):
        REMINDER = "reminder", _("Reminder")
        REVIEW = "review", _("Question how it was")

    class Status(models.TextChoices):
        WAITING = "waiting", _("Planned")
        DONE = "done", _("Sent")
        MISSED = "missed", _("Left out")

    event = models.ForeignKey(Event, models.CASCADE, related_name="rounds", db_index=False)
    kind = models.CharField(max_length=8, choices=Kind.choices)
    # The start that it reminds of, or the end after which it asks.
    anchor_at = models.DateTimeField()
    # Minutes before the start, or after the end.
    offset_minutes = models.IntegerField()
    due_at = models.DateTimeField()
    status = models.CharField(max_length=7, choices=Status.choices, default=Status.WAITING)
    cursor = models.CharField(max_length=32, blank=True, default="")
    # How many people it was written for.
    told = models.IntegerField(default=0)
    created_at = models.DateTimeField(default=now, db_default=Now())
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["event", "kind", "anchor_at", "offset_minutes"], name="round_once"),
            models.UniqueConstraint(fields=["event"], condition=Q(kind="review"), name="round_one_review"),
        ]
        indexes = [models.Index(fields=["due_at"], condition=Q(status="waiting"), name="round_due")]

    def __str__(self) -> str:
        return f"{self.kind} {self.event_id} {self.due_at:%Y-%m-%d %H:%M}"


class EventReminders(models.Model):
    """That an event has reminder times of its own: minutes before its start, the longest first. None at all: none go
    out. An event without a row has the tenant's."""

    event = models.OneToOneField(Event, models.CASCADE, primary_key=True, related_name="own_reminders")
    minutes = ArrayField(models.IntegerField(), default=list)

    class Meta:
        # Postgres names NOT NULL constraints after the table; Citus needs them short (citus.md, rule 7).
        db_table = "notifications_offsets"

    def __str__(self) -> str:
        return f"{self.event_id}: {self.minutes}"


class Noted(models.Model):
    """That something was told: `name` says what ("digest", "quota:12"), `at` of which moment. Made or moved in the
    transaction that tells it, so that of two at once one does."""

    name = models.CharField(max_length=60, primary_key=True)
    at = models.DateTimeField(default=now, db_default=Now())

    def __str__(self) -> str:
        return self.name
