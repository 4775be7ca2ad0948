"""What was sent to people, so that a repeated outbox message sends nothing twice."""

from django.db import models
from django.db.models.functions import Now
from django.utils.timezone import now

from shared_apps.core.codes import uuid7
from tenant_apps.notifications.periodic_models import EventReminders as EventReminders
from tenant_apps.notifications.periodic_models import Noted as Noted
from tenant_apps.notifications.periodic_models import Round as Round


class Delivery(models.Model):
    """One outbox message on one channel. It holds no address and no text: nothing to erase (P3).

    `sent_at` NULL means that a try began and nobody knows how it ended: it is made again, so between the mail
    server's answer and our commit a crash can send twice, with the same Message-ID.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    message_id = models.UUIDField()
    channel = models.CharField(max_length=10)
    topic = models.CharField(max_length=60)
    created_at = models.DateTimeField(default=now, db_default=Now())
    sent_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = "deliveries"
        constraints = [models.UniqueConstraint(fields=["message_id", "channel"], name="delivery_once")]

    def __str__(self) -> str:
        return f"{self.topic} by {self.channel}"
