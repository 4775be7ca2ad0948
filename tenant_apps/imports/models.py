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

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    resource = models.CharField(max_length=20)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.PENDING)
    file_name = models.CharField(max_length=200)
    content = models.BinaryField()
    mapping = models.JSONField(default=dict)
    progress = models.IntegerField(default=0)
    counts = models.JSONField(default=dict)
    errors = models.JSONField(default=list)
    started_by = models.BigIntegerField(null=True)

    def __str__(self) -> str:
        return f"{self.resource} {self.file_name}"
