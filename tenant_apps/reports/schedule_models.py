"""Reports that come by mail by themselves: what, when, to whom."""

from django.db import models
from django.db.models.functions import Now
from django.utils.timezone import now

from shared_apps.core.codes import uuid7


class ReportSchedule(models.Model):
    """A report that is mailed at certain times of the tenant's zone to people of the staff.

    Recipients are ids of users. Who no longer holds the right when it is sent gets nothing (I4).
    """

    class Format(models.TextChoices):
        CSV = "csv", "CSV"
        XLSX = "xlsx", "XLSX"
        PDF = "pdf", "PDF"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    report = models.CharField(max_length=20)
    # {"period", "group_by", "event", "compare", "mode"}: what `reports.asking` reads, with the period by its name.
    params = models.JSONField(default=dict)
    format = models.CharField(max_length=4, choices=Format.choices, default=Format.PDF)
    # Five fields as in crontab(5), on the wall clock of the tenant's zone.
    cron = models.CharField(max_length=100)
    recipients = models.JSONField(default=list)
    enabled = models.BooleanField(default=True)
    # Whose choice it is: the id of a user, or of an API key below zero.
    created_by = models.BigIntegerField(null=True)
    # NULL: never, because it is off. Reckoned with `zone`; if the tenant moves, it is reckoned anew.
    next_at = models.DateTimeField(null=True)
    zone = models.CharField(max_length=63)
    # The last time: when it was due, to how many it went out, how many held the right no longer.
    last_at = models.DateTimeField(null=True)
    last_sent = models.IntegerField(default=0)
    last_skipped = models.IntegerField(default=0)
    created_at = models.DateTimeField(default=now, db_default=Now())
    modified_at = models.DateTimeField(auto_now=True, db_default=Now())

    class Meta:
        db_table = "reports_schedule"

    def __str__(self) -> str:
        return f"{self.report} {self.cron}"
