"""What was sent to people and shown to them, in whose words, from whose address, and who wants no more of it."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.timezone import now

from shared_apps.core.codes import uuid7
from tenant_apps.notifications.channel_models import PushSubscription, SmsAccount, SmsMessage
from tenant_apps.notifications.message_models import Message, MessagePerson
from tenant_apps.notifications.periodic_models import EventReminders, Noted, Round

__all__ = [
    "Delivery",
    "EventReminders",
    "Message",
    "MessagePerson",
    "Noted",
    "Notification",
    "PushSubscription",
    "Round",
    "Sender",
    "SmsAccount",
    "SmsMessage",
    "Suppression",
    "Wording",
]


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


class Notification(models.Model):
    """Something that a person with an account was told here: their feed. Its id follows from what it is about, so that
    the same thing is never told twice."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user_id = models.BigIntegerField()
    topic = models.CharField(max_length=60)
    title = models.CharField(max_length=300)
    body = models.TextField(blank=True)
    url = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(default=now, db_default=Now())
    read_at = models.DateTimeField(null=True)

    class Meta:
        # Postgres names NOT NULL constraints after the table; Citus needs them short (citus.md, rule 7).
        db_table = "notifications_feed"
        indexes = [
            models.Index(fields=["user_id", "-created_at", "-id"], name="notification_feed"),
            models.Index(fields=["user_id"], condition=Q(read_at__isnull=True), name="notification_unread"),
        ]

    def __str__(self) -> str:
        return self.title


class Wording(models.Model):
    """The tenant's own words for a topic in one language. No row: ours hold."""

    topic = models.CharField(max_length=60)
    language = models.CharField(max_length=12)
    title = models.CharField(max_length=150)
    body = models.TextField()
    short = models.CharField(max_length=300, blank=True)
    changed_at = models.DateTimeField(default=now, db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["topic", "language"], name="wording_once")]

    def __str__(self) -> str:
        return f"{self.topic} ({self.language})"


class Suppression(models.Model):
    """An address that wants no more mail of a topic from this tenant: somebody used the link in it (RFC 8058)."""

    address = models.CharField(max_length=254)
    topic = models.CharField(max_length=60)
    created_at = models.DateTimeField(default=now, db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["address", "topic"], name="suppression_once")]

    def __str__(self) -> str:
        return self.topic


class Sender(models.Model):
    """Who this tenant's mail is from, and through which server it goes. One row at most; none: the platform's.

    `sealed` is the password of the mail server, encrypted as payment keys are. What a server refused or did not answer
    stands in `problem` until something goes through again; `rest_until` keeps the next mails from waiting for it.
    """

    id = models.IntegerField(primary_key=True, default=1, editable=False)
    name = models.CharField(max_length=80, blank=True)
    reply_to = models.CharField(max_length=254, blank=True)
    address = models.CharField(max_length=254, blank=True)
    dkim_selector = models.CharField(max_length=63, blank=True)
    # When its records in DNS were last found right: before, the platform's server sends nothing as `address`.
    proven_at = models.DateTimeField(null=True)
    host = models.CharField(max_length=253, blank=True)
    port = models.IntegerField(default=587)
    username = models.CharField(max_length=254, blank=True)
    sealed = models.BinaryField(null=True)
    problem = models.CharField(max_length=500, blank=True)
    failing_since = models.DateTimeField(null=True)
    failures = models.IntegerField(default=0)
    rest_until = models.DateTimeField(null=True)
    worked_at = models.DateTimeField(null=True)
    changed_at = models.DateTimeField(default=now, db_default=Now())

    class Meta:
        db_table = "notifications_sender"
        constraints = [
            models.CheckConstraint(condition=Q(id=1), name="sender_only_one"),
            models.CheckConstraint(condition=Q(port__in=(25, 465, 587)), name="sender_port"),
        ]

    def __str__(self) -> str:
        return self.address or self.name
