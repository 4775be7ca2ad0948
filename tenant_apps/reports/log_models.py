"""What went wrong in this tenant, for its owner to look up: a short memory beside the platform's own log."""

from django.db import models
from django.db.models.functions import Now
from django.utils.timezone import now

from shared_apps.core.codes import uuid7


class LogEntry(models.Model):
    """One kind of trouble in one hour, and how often it came. Of a closed list of kinds (`reports.log`), each with
    words of its own: no text of the platform's log is copied, so nothing of its insides or of people is in it (N2, P7).
    """

    class Level(models.TextChoices):
        WARNING = "warning"
        ERROR = "error"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    # The beginning of the hour, UTC: what repeats is counted and not written again.
    hour = models.DateTimeField()
    event = models.CharField(max_length=40)
    # What it concerns: a topic, a provider, an import's number.
    subject = models.CharField(max_length=100, blank=True, default="")
    level = models.CharField(max_length=7, choices=Level.choices)
    times = models.IntegerField(default=1)
    last_at = models.DateTimeField(default=now, db_default=Now())
    # Of the last one: what an operator finds the rest by.
    request_id = models.CharField(max_length=64, blank=True, default="")

    class Meta:
        db_table = "reports_log"
        constraints = [models.UniqueConstraint(fields=["hour", "event", "subject"], name="report_log_once_an_hour")]

    def __str__(self) -> str:
        return f"{self.event} {self.subject} {self.times}"
