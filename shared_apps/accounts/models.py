"""Who can sign in: one User per person for every tenant, and the sessions they opened."""

from datetime import timedelta
from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models.functions import Lower, Now
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _

from shared_apps.core.clock import validate_zone
from shared_apps.core.codes import unguessable_secret, uuid7
from shared_apps.core.schemas import present_schema

# How long a code or link is good, how long a registration waits for one, how long sending one letter may take.
WAITING = timedelta(days=7)
CODE_LIVES = timedelta(hours=1)
SENDING = timedelta(minutes=2)
MOST_SEND_TRIES = 10


def small_letters(email: str) -> str:
    """Return the address as it is stored and compared (I7)."""
    return email.strip().lower()


class UserManager(BaseUserManager["User"]):
    """Finds people by address without regard to case (I7)."""

    def by_email(self, email: str) -> "User | None":
        """Return the person with this address, through the index on its small letters."""
        return self.alias(small=Lower("email")).filter(small=small_letters(email)).first()

    def get_by_natural_key(self, username: str | None) -> "User":
        user = self.by_email(username or "")
        if user is None:
            raise self.model.DoesNotExist
        return user

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        user = self.model(email=small_letters(email), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        fields |= {"is_staff": True, "is_superuser": True, "email_verified_at": now()}
        return self.create_user(email, password, **fields)


class User(AbstractBaseUser):
    """A person, on every tenant.

    `is_staff` and `is_superuser` mean the platform's own operators and give nothing inside a tenant (I3).
    There is no PermissionsMixin: its groups live in public and would join a tenant's rows of the same id.
    """

    email = models.EmailField(_("email"), max_length=254)
    name = models.CharField(_("name"), max_length=150, blank=True)
    language = models.CharField(_("language"), max_length=10, blank=True)
    timezone = models.CharField(_("time zone"), max_length=63, blank=True, validators=[validate_zone])
    email_verified_at = models.DateTimeField(null=True, blank=True)
    is_active = models.BooleanField(default=True, db_default=True)
    is_staff = models.BooleanField(_("platform operator"), default=False, db_default=False)
    is_superuser = models.BooleanField(default=False, db_default=False)
    # Raised by a password change, a reset and "log out everywhere": older access tokens end at once (I5).
    token_version = models.IntegerField(default=0, db_default=0)
    date_joined = models.DateTimeField(default=now, db_default=Now())

    objects = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        verbose_name = _("person")
        verbose_name_plural = _("people")
        constraints = [models.UniqueConstraint(Lower("email"), name="user_email_any_case")]

    def __str__(self) -> str:
        return self.email

    @property
    def email_verified(self) -> bool:
        return self.email_verified_at is not None

    @property
    def identity(self) -> str:
        """What limits and stored answers are kept under, apart from any program's (`staff.actors`)."""
        return f"user:{self.pk}"

    @property
    def display_name(self) -> str:
        return self.name or self.email.partition("@")[0]

    def has_perm(self, perm: str, obj: object = None) -> bool:
        """Django's admin asks this. Operators may there; inside a tenant it is always False (I3)."""
        return self.is_active and self.is_superuser and present_schema() == "public"

    def has_perms(self, perms: Any, obj: object = None) -> bool:
        return all(self.has_perm(perm, obj) for perm in perms)

    def has_module_perms(self, app_label: str) -> bool:
        return self.has_perm(app_label)


class SessionQuerySet(models.QuerySet["Session"]):
    """Which sign-ins are whose."""

    def running_of(self, user: User) -> "SessionQuerySet":
        """Where the person is signed in, the last used first."""
        return self.filter(user=user, revoked_at__isnull=True, expires_at__gt=now()).order_by("-used_at", "-id")


class Session(models.Model):
    """One sign-in on one device: a chain of refresh tokens of which only the newest is good (I5).

    The row is locked while its token is exchanged, so that parallel tries yield one new pair.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="sessions")
    refresh_jti = models.UUIDField()
    # The one before, so that two tabs that renew at the same moment are not taken for a theft.
    previous_jti = models.UUIDField(null=True, blank=True)
    created_at = models.DateTimeField(default=now, db_default=Now())
    used_at = models.DateTimeField(default=now, db_default=Now())
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    address = models.GenericIPAddressField(null=True, blank=True)
    user_agent = models.CharField(max_length=300, blank=True)
    # The secret of an authenticator app that this session is setting up and has not proved yet; encrypted.
    pending_totp = models.CharField(max_length=300, blank=True, default="", db_default="")

    objects = SessionQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["expires_at"], name="session_expires")]

    def __str__(self) -> str:
        return f"{self.user_id} since {self.created_at:%Y-%m-%d}"

    @property
    def running(self) -> bool:
        return self.revoked_at is None and self.expires_at > now()


class EmailCodeQuerySet(models.QuerySet["EmailCode"]):
    """Which letters still count."""

    def live(self) -> "EmailCodeQuerySet":
        """Registrations whose code or link would still be taken."""
        return self.filter(purpose=EmailCode.Purpose.REGISTER, used_at__isnull=True, expires_at__gt=now())

    def waiting(self, email: str) -> "EmailCodeQuerySet":
        """Registrations of this address that were never confirmed, newest first; a new code can be asked for them."""
        kept_from = now() - WAITING
        unused = self.filter(email=small_letters(email), used_at__isnull=True, created_at__gt=kept_from)
        return unused.filter(purpose=EmailCode.Purpose.REGISTER).exclude(password="").order_by("-id")

    def unsent(self) -> "EmailCodeQuerySet":
        """Letters that nobody is sending: never begun, or begun by a worker that died."""
        nobody = models.Q(claimed_at__isnull=True) | models.Q(claimed_at__lt=now() - SENDING)
        return self.filter(nobody, sent_at__isnull=True, send_tries__lt=MOST_SEND_TRIES)


class EmailCode(models.Model):
    """A letter to an address about its account, and the six-digit code or link key that it carries (I7).

    Asking writes this row and nothing else, whether the address is known or not; a task looks, decides what to write
    and sends it (G1). So no answer, and no answer's time, tells who has an account.
    A registration is only such a row until its code comes back: then it becomes a User. Nobody can therefore
    occupy another's address, and the password of the account is the one that was chosen with that very code.
    Code and key are derived from SECRET_KEY and the nonce, so neither the database nor the broker holds them.
    """

    class Purpose(models.TextChoices):
        REGISTER = "register", _("registration")
        RESEND = "resend", _("the code once more")
        RESET = "reset", _("a new password")
        CHANGED = "changed", _("word of a changed password")
        MOVE = "move", _("a new address")
        # Words to the owner: what happens to an account is told at the address that it has, or had.
        MOVE_ASKED = "move_asked", _("word of a change of address that was asked for")
        MOVED = "moved", _("word of a changed address")
        TOTP_ON = "totp_on", _("word of two-step login turned on")
        TOTP_OFF = "totp_off", _("word of two-step login turned off")
        NEW_CODES = "new_codes", _("word of new recovery codes")
        LINKED = "linked", _("word of a login through another service")
        UNLINKED = "unlinked", _("word of an unlinked service")
        # To who owns an organizer's site: what the platform did to it. No job runs there meanwhile to tell it.
        SUSPENDED = "suspended", _("word of a suspended site")
        RESUMED = "resumed", _("word of a site that is open again")

    purpose = models.CharField(max_length=10, choices=Purpose.choices)
    email = models.EmailField(max_length=254)
    # Whose account moves to the address, if this is a change of address.
    user = models.ForeignKey(User, models.CASCADE, null=True, blank=True, related_name="+")
    # What the account will have, if this is a registration: the name, and the hash of the password.
    name = models.CharField(max_length=150, blank=True)
    password = models.CharField(max_length=128, blank=True)
    language = models.CharField(max_length=10, blank=True)
    # On whose site it was asked for: that tenant's name, colour and primary domain stand in the letter (N1).
    schema_name = models.CharField(max_length=63, default="public")
    nonce = models.CharField(max_length=43, default=unguessable_secret, editable=False)
    tries = models.IntegerField(default=0, db_default=0)
    created_at = models.DateTimeField(default=now, db_default=Now())
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)
    # Being sent since; given back to the sweep when the worker died.
    claimed_at = models.DateTimeField(null=True, blank=True)
    send_tries = models.IntegerField(default=0, db_default=0)
    sent_at = models.DateTimeField(null=True, blank=True)

    objects = EmailCodeQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["email", "-id"], name="emailcode_address"),
            models.Index(fields=["created_at"], condition=models.Q(sent_at__isnull=True), name="emailcode_unsent"),
        ]

    def __str__(self) -> str:
        return f"{self.purpose} {self.pk}"


class Arrival(models.Model):
    """Somebody whom a provider vouched for, on the way back to the host and the browser that asked (I6).

    Hosts share no cookies, so the platform's host, which speaks with providers, hands over by a code in the address:
    good once, for two minutes, on that host, in that browser. Only its hash is kept. An identity token that a
    program brought is noted here too, used: it signs in once.
    """

    digest = models.CharField(max_length=64)
    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    host = models.CharField(max_length=300)
    # SHA-256 of the secret in that browser's session on that host.
    browser = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField(default=now, db_default=Now())
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["digest"], name="arrival_digest")]
        indexes = [models.Index(fields=["expires_at"], name="arrival_expires")]

    def __str__(self) -> str:
        return f"{self.user_id} to {self.host}"


class Unlinking(models.Model):
    """A service's account that its owner has unlinked: it stays known, and signs nobody in (`links`).

    Not a word in allauth's row: allauth writes that anew with what the service says at each login.
    """

    account = models.OneToOneField("socialaccount.SocialAccount", models.CASCADE, related_name="unlinking")
    created_at = models.DateTimeField(default=now, db_default=Now())

    def __str__(self) -> str:
        return f"{self.account_id} since {self.created_at:%Y-%m-%d}"


class PlatformAuditEntry(models.Model):
    """What happened to accounts and tenants, and what was refused there: the public half of the trail (P7).

    Append-only; only retention and the erasure of a person touch old rows. Ids without foreign keys, so that a row
    outlives what it tells of. A refusal for an address that has no account has no `user_id`, and the address that was
    typed is kept nowhere: it may be a stranger's, or a password in the wrong field.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    at = models.DateTimeField(default=now, db_default=Now())
    topic = models.CharField(max_length=60)
    # Whose account it is about, and who did it where that is known: the same person, or an operator.
    user_id = models.BigIntegerField(null=True)
    actor_id = models.BigIntegerField(null=True)
    target = models.CharField(max_length=100, blank=True)
    refused = models.BooleanField(default=False, db_default=False)
    # On whose site.
    schema_name = models.CharField(max_length=63, default="public")
    details = models.JSONField(default=dict)
    request_id = models.CharField(max_length=64, blank=True)
    address = models.GenericIPAddressField(null=True)

    class Meta:
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit trail")
        indexes = [
            models.Index(fields=["user_id", "at"], name="platformaudit_user"),
            models.Index(fields=["topic", "at"], name="platformaudit_topic"),
            models.Index(fields=["at"], name="platformaudit_at"),
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.topic}"
