"""Backups that the platform keeps, and restores that somebody asked for: what is made in the background, step by step.

Neither has a key to the tenant's row: both are there for the day on which that row is gone. The schema's name, which
never changes and is nobody else's ever (N5), says whose they are.
"""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _

from shared_apps.core.codes import uuid7


class Work(models.Model):
    """Something a worker does that takes minutes: whoever changes `tries` first has it, and tells that it lives."""

    class Status(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        RUNNING = "running", _("Running")
        READY = "ready", _("Ready")
        FAILED = "failed", _("Failed")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    schema_name = models.CharField(max_length=42)
    slug = models.CharField(_("address"), max_length=63)
    status = models.CharField(_("status"), max_length=8, choices=Status.choices, default=Status.WAITING)
    created_at = models.DateTimeField(_("asked for"), default=now, db_default=Now())
    # While it runs: when its worker was last heard of.
    alive_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(_("ended"), null=True)
    tries = models.IntegerField(default=0, db_default=0)
    error = models.CharField(_("what went wrong"), max_length=300, blank=True)

    class Meta:
        abstract = True

    @property
    def is_open(self) -> bool:
        return self.status in (self.Status.WAITING, self.Status.RUNNING)


class Backup(Work):
    """One archive of one tenant, in `BACKUP_ROOT`, or one that is to be made."""

    class Cause(models.TextChoices):
        SCHEDULE = "schedule", _("by schedule")
        ASKED = "asked", _("asked for")
        # Of what was there when something older was put in its place.
        BEFORE_RESTORE = "restore", _("before a restore")

    cause = models.CharField(_("why"), max_length=8, choices=Cause.choices, default=Cause.SCHEDULE)
    # The moment whose data it holds; the beginning of its snapshot.
    taken_at = models.DateTimeField(_("as of"), null=True)
    rows = models.BigIntegerField(_("rows"), default=0, db_default=0)
    files = models.IntegerField(_("files"), default=0, db_default=0)
    size_bytes = models.BigIntegerField(_("size"), default=0, db_default=0)

    class Meta:
        db_table = "tenants_backup"
        verbose_name = _("backup")
        verbose_name_plural = _("backups")
        ordering = ["-created_at", "-id"]
        constraints = [
            # Two at once would do the same work twice; the second asking finds the first.
            models.UniqueConstraint(
                fields=["schema_name"], condition=Q(status__in=("waiting", "running")), name="backup_one_open_each"
            )
        ]
        indexes = [models.Index(fields=["schema_name", "-created_at"], name="backup_newest")]

    def __str__(self) -> str:
        return f"{self.slug} {self.taken_at or self.created_at:%Y-%m-%d %H:%M}"


class Restore(Work):
    """A backup that is put back, or was."""

    backup = models.ForeignKey(Backup, models.PROTECT, related_name="restores", verbose_name=_("backup"))
    reason = models.CharField(_("reason"), max_length=300)
    # The archive of what was there before, if anything was.
    before = models.ForeignKey(Backup, models.SET_NULL, null=True, related_name="+", verbose_name=_("what was there"))
    rows = models.BigIntegerField(_("rows"), default=0, db_default=0)
    # What whoever asked for it should know or do, a line each.
    notes = models.TextField(_("notes"), blank=True)

    class Meta:
        db_table = "tenants_restore"
        verbose_name = _("restore")
        verbose_name_plural = _("restores")
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["schema_name"], condition=Q(status__in=("waiting", "running")), name="restore_one_open_each"
            )
        ]

    def __str__(self) -> str:
        return f"{self.slug} {self.created_at:%Y-%m-%d %H:%M}"
