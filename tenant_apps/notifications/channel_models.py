"""What the channels beside mail need: an account for text messages with its book, and the devices that take pushes."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _

from shared_apps.core.codes import uuid7


class SmsAccount(models.Model):
    """The tenant's account with the service that takes text messages; at most one row.

    What it may cost is bounded: `used_parts` of `day` never pass `daily_parts`, by a conditional UPDATE and a check.
    """

    class Problem(models.TextChoices):
        """Why nothing can be sent, as the service told it last."""

        KEY_REFUSED = "key_refused", _("The service refuses the key.")
        NO_CREDIT = "no_credit", _("The account has no credit left.")

    only = models.BooleanField(primary_key=True, default=True)
    sender = models.CharField(_("sender"), max_length=16)
    # The key, sealed by `shared_apps.core.secrets` for this schema alone.
    sealed = models.BinaryField()
    enabled = models.BooleanField(default=True, db_default=True)
    daily_parts = models.IntegerField(_("parts a day at most"), default=200)
    # In UTC: the bound is on money, not on somebody's day.
    day = models.DateField(default=None, null=True)
    used_parts = models.IntegerField(default=0, db_default=0)
    problem = models.CharField(max_length=20, choices=Problem.choices, blank=True, default="", db_default="")
    created_at = models.DateTimeField(default=now, db_default=Now())
    modified_at = models.DateTimeField(auto_now=True, db_default=Now())

    class Meta:
        db_table = "notifications_smsaccount"
        constraints = [
            models.CheckConstraint(condition=Q(only=True), name="sms_account_only_one"),
            models.CheckConstraint(
                condition=Q(used_parts__gte=0, daily_parts__gte=0, used_parts__lte=models.F("daily_parts")),
                name="sms_account_within_day",
            ),
        ]

    def __str__(self) -> str:
        return self.sender


class SmsMessage(models.Model):
    """One text message, in our book: what it was cut into, and what the service called it. No number and no text."""

    class Status(models.TextChoices):
        CLAIMED = "claimed", _("On its way")
        SENT = "sent", _("Sent")
        REFUSED = "refused", _("Refused")

    # Our id of the delivery: the service knows it by this too, so a second call is the same message.
    key = models.CharField(max_length=64, primary_key=True)
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.CLAIMED)
    parts = models.IntegerField()
    reference = models.CharField(max_length=100, blank=True)
    created_at = models.DateTimeField(default=now, db_default=Now())

    class Meta:
        db_table = "notifications_sms"

    def __str__(self) -> str:
        return f"{self.key} {self.status}"


class PushSubscription(models.Model):
    """One browser on one device that a person wants pushes in. It ends when its push service says that it is gone."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False
    )
    # The address that its browser's maker gave out, and what for: the browser alone can read what is sent (RFC 8291).
    endpoint = models.CharField(max_length=1000)
    # SHA-256 of the address: one row for one browser, whoever is signed in there.
    digest = models.CharField(max_length=64, unique=True)
    p256dh = models.CharField(max_length=100)
    auth = models.CharField(max_length=40)
    device = models.CharField(max_length=60, blank=True)
    created_at = models.DateTimeField(default=now, db_default=Now())
    # The last message that its service took: another try of that one, for another device's sake, skips this.
    last_key = models.CharField(max_length=64, blank=True, default="", db_default="")
    # Tries in a row that came to nothing. After some of them it is ended: an address that only hangs is nobody's.
    failures = models.IntegerField(default=0, db_default=0)

    class Meta:
        db_table = "notifications_push"
        indexes = [models.Index(fields=["user", "created_at"], name="push_user")]

    def __str__(self) -> str:
        return self.device or str(self.pk)
