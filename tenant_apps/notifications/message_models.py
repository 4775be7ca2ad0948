"""A message that staff write to people: to the holders of an event's tickets, or to one person."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _

from shared_apps.core.codes import uuid7
from tenant_apps.events.models import Event
from tenant_apps.orders.models import Order
from tenant_apps.ticketing.models import Ticket


class Message(models.Model):
    """What was written, to whom, and how far it is. Who gets it is fixed when it begins: a row for each of them."""

    class Status(models.TextChoices):
        RUNNING = "running", _("Being sent")
        DONE = "done", _("Sent")
        STOPPED = "stopped", _("Stopped")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    # NULL: to one person.
    event = models.ForeignKey(Event, models.CASCADE, null=True, related_name="messages")
    # The answers to who gets it, as `notifications.segments` keeps them.
    segment = models.JSONField(default=dict)
    person = models.BigIntegerField(null=True)
    subject = models.CharField(_("subject"), max_length=150)
    text = models.TextField(_("text"))
    channels = ArrayField(models.CharField(max_length=10))
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.RUNNING)
    total = models.IntegerField(default=0)
    started_by = models.BigIntegerField(null=True)
    created_at = models.DateTimeField(default=now, db_default=Now())
    modified_at = models.DateTimeField(auto_now=True, db_default=Now())
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            # Two people who press "send" at once, or one who presses twice, begin one message.
            models.UniqueConstraint(
                fields=["event"], condition=Q(status="running", event__isnull=False), name="message_one_running"
            )
        ]
        indexes = [models.Index(fields=["event", "-created_at"], name="message_event")]

    def __str__(self) -> str:
        return self.subject


class MessagePerson(models.Model):
    """One who gets a message: by a ticket, or by an order. Address and name are read when it is sent, kept nowhere."""

    class Status(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        HANDED_OVER = "handed_over", _("Handed over")
        LEFT_OUT = "left_out", _("Left out")

    message = models.ForeignKey(Message, models.CASCADE, related_name="people", db_index=False)
    ticket = models.ForeignKey(Ticket, models.CASCADE, null=True, related_name="+", db_index=False)
    order = models.ForeignKey(Order, models.CASCADE, null=True, related_name="+", db_index=False)
    status = models.CharField(max_length=11, choices=Status.choices, default=Status.WAITING)

    class Meta:
        db_table = "notifications_msg_person"
        constraints = [
            models.UniqueConstraint(fields=["message", "ticket"], name="message_ticket_once"),
            models.UniqueConstraint(fields=["message", "order"], name="message_order_once"),
            models.CheckConstraint(
                condition=Q(ticket__isnull=False) | Q(order__isnull=False), name="message_person_known"
            ),
        ]
        indexes = [models.Index(fields=["message", "id"], condition=Q(status="waiting"), name="message_person_waiting")]

    def __str__(self) -> str:
        return f"{self.message_id}: {self.status}"
