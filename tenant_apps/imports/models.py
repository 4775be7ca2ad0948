"""A file on its way in: uploaded, checked, applied."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from shared_apps.core.codes import uuid7
from shared_apps.core.models import Stamped


class ImportJob(Stamped):
    """One upload of one resource. `counts` is by rows: new, changed, unchanged, refused."""

    class Status(models.TextChoices):
        PENDING = "pending", _("Waiting")
        VALIDATING = "validating", _("Being checked")
        READY = "ready", _("Ready to apply")
        INVALID = "invalid", _("Has errors")
        APPLYING = "applying", _("Being applied")
        APPLIED = "applied", _("Applied")
        FAILED = "failed", _("Failed")

    class OnDuplicate(models.TextChoices):
        ERROR = "error", _("Refuse the file")
        SKIP = "skip", _("Take the first")
        LAST = "last", _("Take the last")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    resource = models.CharField(max_length=20)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.PENDING)
    # False: applied as soon as the check found nothing wrong, without anybody looking at the counts first.
    dry_run = models.BooleanField(default=True)
    file_name = models.CharField(max_length=200)
    content = models.BinaryField()
    # The file's own columns, and some of its rows for whoever says which is which.
    header = models.JSONField(default=list, db_default=[])
    samples = models.JSONField(default=list, db_default=[])
    mapping = models.JSONField(default=dict)
    # False while a person is still to say which column is which: then nothing is checked yet.
    mapped = models.BooleanField(default=True, db_default=True)
    # Columns of the file that tell one row from another, and what becomes of unlike rows with one key.
    key = models.JSONField(default=list, db_default=[])
    on_duplicate = models.CharField(max_length=5, choices=OnDuplicate.choices, default="error", db_default="error")
    progress = models.IntegerField(default=0)
    counts = models.JSONField(default=dict)
    # The first 1,000 of `errors_count` (B4).
    errors = models.JSONField(default=list)
    errors_count = models.IntegerField(default=0, db_default=0)
    # All of them as CSV, packed with gzip.
    errors_file = models.BinaryField(null=True)
    # The first 1,000 of `changes_count` rows that are new or come out different, field by field.
    changes = models.JSONField(default=list, db_default=[])
    changes_count = models.IntegerField(default=0, db_default=0)
    started_by = models.BigIntegerField(null=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["modified_at"],
                condition=models.Q(status__in=["pending", "validating", "applying"]),
                name="import_unfinished",
            )
        ]

    def __str__(self) -> str:
        return f"{self.resource} {self.file_name}"


class ImportMapping(Stamped):
    """How a file with these columns was read last: the next one of its kind needs no more questions."""

    resource = models.CharField(max_length=20)
    # A hash of the columns' names, in any order.
    signature = models.CharField(max_length=40)
    header = models.JSONField(default=list)
    mapping = models.JSONField(default=dict)
    key = models.JSONField(default=list)
    on_duplicate = models.CharField(max_length=5, choices=ImportJob.OnDuplicate.choices, default="error")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["resource", "signature"], name="import_mapping_once")]

    def __str__(self) -> str:
        return f"{self.resource} {self.signature[:8]}"
