"""What the platform keeps about a person besides sign-in: picture, wishes, where they bought, requests for their data.

All of it is public tables of their own: the person's row itself is read by every tenant and rarely written (citus.md).
"""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _

from shared_apps.core.codes import unguessable_secret, uuid7
from tenants.models import Tenant


class Avatar(models.Model):
    """A person's picture: re-encoded by us, under a name that we made (B6)."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, related_name="avatar")
    file = models.CharField(max_length=80, unique=True)
    changed_at = models.DateTimeField(default=now, db_default=Now())

    def __str__(self) -> str:
        return self.file


class NotificationPreference(models.Model):
    """A wish about one topic on one channel, for all tenants. No row: the topic's own default holds."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="notification_preferences")
    topic = models.CharField(max_length=60)
    channel = models.CharField(max_length=10)
    enabled = models.BooleanField()

    class Meta:
        db_table = "people_preference"
        constraints = [models.UniqueConstraint(fields=["user", "topic", "channel"], name="people_preference_once")]

    def __str__(self) -> str:
        return f"{self.user_id} {self.topic} {self.channel}"


class Phone(models.Model):
    """Where a person wants text messages, for all tenants: E.164, such as +4930901820."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True, related_name="+")
    number = models.CharField(max_length=16)
    changed_at = models.DateTimeField(auto_now=True, db_default=Now())

    def __str__(self) -> str:
        return self.number


class DeploymentKey(models.Model):
    """A key pair that this deployment made for itself, sealed: the one that signs web pushes (RFC 8292).

    It stands here and not in a setting so that every process has the same one from the first `prepare` on. Browsers
    are bound to its public half: a lost one ends every subscription.
    """

    name = models.CharField(max_length=30, primary_key=True)
    # Sealed by `shared_apps.core.secrets`; read through a change of SECRET_KEY by SECRET_KEY_FALLBACKS.
    sealed = models.BinaryField()
    created_at = models.DateTimeField(default=now, db_default=Now())

    def __str__(self) -> str:
        return self.name


class Profile(models.Model):
    """What a person shows of themselves. No row: nothing. Their name and picture are the account's.

    Only a public one is found by others, and only its owner makes it so. `hidden_at` is the platform's answer to a
    report: nobody else sees it then, whatever its owner chose.
    """

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True, related_name="profile")
    about = models.CharField(blank=True, max_length=1000)
    is_public = models.BooleanField(default=False, db_default=False)
    shows_coming = models.BooleanField(default=False, db_default=False)
    shows_attended = models.BooleanField(default=False, db_default=False)
    hidden_at = models.DateTimeField(null=True)
    changed_at = models.DateTimeField(auto_now=True, db_default=Now())

    def __str__(self) -> str:
        return str(self.user_id)


class PersonFollow(models.Model):
    """Somebody follows a person who has a public profile. Goes when the profile is public no more."""

    follower = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    followed_at = models.DateTimeField(default=now, db_default=Now())

    class Meta:
        db_table = "people_follow"
        constraints = [
            models.UniqueConstraint(fields=["person", "follower"], name="people_follow_once"),
            models.CheckConstraint(condition=~Q(person=models.F("follower")), name="people_follow_another"),
        ]
        indexes = [models.Index(fields=["follower", "-followed_at"], name="people_follow_mine")]

    def __str__(self) -> str:
        return f"{self.follower_id} follows {self.person_id}"


class PersonBlock(models.Model):
    """A person wants nothing of another: who is blocked finds no profile of theirs, signed in, and cannot follow."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    blocked = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    blocked_at = models.DateTimeField(default=now, db_default=Now())

    class Meta:
        db_table = "people_block"
        constraints = [
            models.UniqueConstraint(fields=["user", "blocked"], name="people_block_once"),
            models.CheckConstraint(condition=~Q(user=models.F("blocked")), name="people_block_another"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} blocks {self.blocked_id}"


class ProfileReport(models.Model):
    """Somebody told the platform that a profile breaks its rules. An operator decides; nothing hides by itself, so that
    many accounts cannot silence one person."""

    class Reason(models.TextChoices):
        SPAM = "spam", _("Spam or advertising")
        ABUSE = "abuse", _("Insults or threats")
        IMPERSONATION = "impersonation", _("Pretends to be somebody else")
        OTHER = "other", _("Something else")

    class Decision(models.TextChoices):
        HIDDEN = "hidden", _("Profile hidden")
        DISMISSED = "dismissed", _("Nothing wrong")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    reporter = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    reason = models.CharField(max_length=15, choices=Reason.choices)
    note = models.CharField(max_length=500, blank=True)
    # What the profile said then: its owner may change it before anybody looks.
    said = models.CharField(max_length=1200, blank=True)
    created_at = models.DateTimeField(default=now, db_default=Now())
    decision = models.CharField(max_length=10, choices=Decision.choices, blank=True)
    decided_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "people_report"
        constraints = [
            models.UniqueConstraint(
                fields=["person", "reporter"], condition=Q(decided_at__isnull=True), name="people_report_one_open"
            )
        ]
        indexes = [models.Index(fields=["created_at"], condition=Q(decided_at__isnull=True), name="people_report_open")]

    def __str__(self) -> str:
        return f"{self.reason} {self.person_id}"


class BoughtOrder(models.Model):
    """That a person ordered something at a tenant: enough to page through it, and no more (citus.md, rule 12).

    A copy, kept by the outbox (`tenant_apps.orders.footprints`), compared and mended by `manage.py check_projection`.
    A guest's order is known by a keyed hash of its address, so that this table is no list of addresses.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, null=True, related_name="+")
    address_key = models.CharField(max_length=64, blank=True)
    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="+")
    order_id = models.UUIDField()
    placed_at = models.DateTimeField()

    class Meta:
        db_table = "people_order"
        constraints = [models.UniqueConstraint(fields=["tenant", "order_id"], name="people_order_once")]
        indexes = [
            models.Index(fields=["user", "-placed_at"], condition=Q(user__isnull=False), name="people_order_user"),
            models.Index(
                fields=["address_key", "-placed_at"], condition=~Q(address_key=""), name="people_order_address"
            ),
        ]

    def __str__(self) -> str:
        return str(self.order_id)


class BoughtPlace(models.Model):
    """One admission of such an order that stands: held or sold, with its ticket as soon as there is one."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, null=True, related_name="+")
    address_key = models.CharField(max_length=64, blank=True)
    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="+")
    order_id = models.UUIDField()
    line_id = models.UUIDField()
    ticket_id = models.UUIDField(null=True)
    event_id = models.BigIntegerField()
    starts_at = models.DateTimeField()
    # When the event is over; its start where no end is known.
    until = models.DateTimeField()
    # The event was cancelled or put away: whatever became of the ticket, there is nothing to come to.
    called_off = models.BooleanField(default=False, db_default=False)

    class Meta:
        db_table = "people_place"
        constraints = [models.UniqueConstraint(fields=["tenant", "line_id"], name="people_place_once")]
        indexes = [
            models.Index(fields=["user", "starts_at"], condition=Q(user__isnull=False), name="people_place_user"),
            models.Index(
                fields=["address_key", "starts_at"], condition=~Q(address_key=""), name="people_place_address"
            ),
            models.Index(fields=["tenant", "event_id"], name="people_place_event"),
            models.Index(fields=["tenant", "order_id"], name="people_place_order"),
        ]

    def __str__(self) -> str:
        return str(self.line_id)


class DataRequest(models.Model):
    """A person asked for their data, or for its end. One step for each tenant and one for the platform does it (P3)."""

    class Kind(models.TextChoices):
        EXPORT = "export", _("Export")
        ERASURE = "erasure", _("Erasure")

    class Status(models.TextChoices):
        RUNNING = "running", _("Running")
        READY = "ready", _("Ready")
        DONE = "done", _("Done")
        FAILED = "failed", _("Failed")
        EXPIRED = "expired", _("Expired")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="data_requests")
    kind = models.CharField(max_length=8, choices=Kind.choices)
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.RUNNING)
    # As they were when it was asked for: tenants are searched by them. Emptied when the request is done.
    email = models.EmailField(max_length=254, blank=True)
    name = models.CharField(max_length=150, blank=True)
    # Whoever had themselves erased can sign in no more; this opens the page that tells how far it is.
    secret = models.CharField(max_length=43, unique=True, default=unguessable_secret, editable=False)
    archive = models.BinaryField(null=True)
    created_at = models.DateTimeField(default=now, db_default=Now())
    finished_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "people_request"
        constraints = [
            # Two at once would do the same work twice; the second asking finds the first.
            models.UniqueConstraint(
                fields=["user", "kind"], condition=Q(status="running"), name="people_request_one_runs"
            )
        ]
        indexes = [
            models.Index(fields=["created_at"], condition=Q(status="running"), name="people_request_running"),
            models.Index(fields=["user", "-created_at"], name="people_request_user"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.status}"


class DataRequestStep(models.Model):
    """One tenant's part of a request; without a tenant the platform's own, which comes last."""

    request = models.ForeignKey(DataRequest, models.CASCADE, related_name="steps")
    tenant = models.ForeignKey(Tenant, models.CASCADE, null=True, related_name="+")
    done_at = models.DateTimeField(null=True)
    tries = models.IntegerField(default=0, db_default=0)
    # Not before: a lease while somebody works on it, a pause after it failed.
    due_at = models.DateTimeField(default=now, db_default=Now())
    error = models.CharField(max_length=60, blank=True)
    result = models.BinaryField(null=True)

    class Meta:
        db_table = "people_request_step"
        constraints = [
            models.UniqueConstraint(fields=["request", "tenant"], name="people_step_once", nulls_distinct=False)
        ]
        indexes = [models.Index(fields=["due_at"], condition=Q(done_at__isnull=True), name="people_step_due")]

    def __str__(self) -> str:
        return f"{self.request_id}: {self.tenant_id}"


class PlatformText(models.Model):
    """One version of what the platform asks of who opens a tenant. Its words never change (`people.agreements`)."""

    code = models.SlugField(max_length=40)
    version = models.IntegerField()
    title = models.CharField(max_length=200)
    body = models.TextField()
    sha256 = models.CharField(max_length=64)
    published_at = models.DateTimeField(default=now, db_default=Now())
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "people_text"
        constraints = [
            models.UniqueConstraint(fields=["code", "version"], name="people_text_version_once"),
            models.UniqueConstraint(
                fields=["code"], condition=Q(ended_at__isnull=True), name="people_text_one_current"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.title} ({self.version})"


class Agreement(models.Model):
    """Somebody agreed to one version, once. Goes with their account."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="agreements")
    text = models.ForeignKey(PlatformText, models.PROTECT, related_name="agreements")
    address = models.GenericIPAddressField(null=True)
    agreed_at = models.DateTimeField(default=now, db_default=Now())

    class Meta:
        db_table = "people_agreement"
        constraints = [models.UniqueConstraint(fields=["user", "text"], name="people_agreement_once")]

    def __str__(self) -> str:
        return f"{self.user_id} {self.text_id}"
