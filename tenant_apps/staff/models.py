"""Who works for this tenant, and what their role lets them do."""

from collections.abc import Iterable

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from shared_apps.core.codes import unguessable_secret
from shared_apps.core.models import Stamped
from tenant_apps.staff.presets import OWNER, PERMISSIONS
from tenant_apps.staff.querysets import ApiKeyQuerySet, InvitationQuerySet


class Role(Stamped):
    """A named set of permissions that hold everywhere in the tenant. Roles are rows, never Django groups (I3)."""

    name = models.CharField(_("name"), max_length=80, unique=True)
    # The ready-made role it was seeded as ("owner", "door" …); empty for the tenant's own.
    preset = models.CharField(max_length=30, blank=True, editable=False)
    permissions = ArrayField(models.CharField(max_length=40), default=list, blank=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["preset"], condition=~models.Q(preset=""), name="role_preset_once")
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_owner(self) -> bool:
        return self.preset == OWNER

    @property
    def rights(self) -> frozenset[str]:
        """What it grants. The owner's grants whatever exists; a name that no longer exists grants nothing."""
        return rights_in(self.preset, self.permissions)


def rights_in(preset: str, permissions: Iterable[str]) -> frozenset[str]:
    """Return what a role with these columns grants; for statements that read them beside something else."""
    return _ALL if preset == OWNER else _ALL.intersection(permissions)


_ALL = frozenset(PERMISSIONS)


class Membership(Stamped):
    """A user's place on this tenant's staff. Read on each request: removal works on the next one (I4)."""

    # No constraint towards public: at a thousand tenants deleting one user would touch them all.
    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.DO_NOTHING, related_name="+", db_constraint=False)
    role = models.ForeignKey(Role, models.PROTECT, related_name="memberships")

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.user_id}: {self.role}"


class ApiKey(Stamped):
    """What a program of the tenant signs its calls with. Only its digest is kept; a revoked row stays, to say so.

    Its rights are its scopes, less what whoever made it no longer holds; `staff.actors` reckons them.
    """

    name = models.CharField(_("name"), max_length=80)
    # The readable part, by which people tell keys apart and the row is found.
    prefix = models.CharField(max_length=10, unique=True)
    digest = models.CharField(max_length=64)
    scopes = ArrayField(models.CharField(max_length=40))
    # NULL: all events. Ids without a constraint, as events stand above staff; one that is gone admits to nothing.
    event_ids = ArrayField(models.BigIntegerField(), null=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.DO_NOTHING, related_name="+", db_constraint=False)
    expires_at = models.DateTimeField(null=True)
    # Written at most once a minute.
    last_used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    objects = ApiKeyQuerySet.as_manager()

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix})"

    @property
    def has_expired(self) -> bool:
        return self.expires_at is not None and self.expires_at <= timezone.now()


class Invitation(Stamped):
    """A letter that makes its reader a member with a role, or gives rights on one event, once they accept it.

    The letter's token is derived from SECRET_KEY and the nonce: neither the row nor the outbox holds it.
    """

    email = models.EmailField(_("email"), max_length=254)
    role = models.ForeignKey(Role, models.SET_NULL, null=True, related_name="invitations")
    # Of an invitation to one event. Without a constraint, as events stand above staff.
    event_id = models.BigIntegerField(null=True)
    permissions = ArrayField(models.CharField(max_length=40), default=list)
    # Who invites: a person, by a key of theirs perhaps; neither if it was the platform.
    invited_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.DO_NOTHING, null=True, related_name="+", db_constraint=False
    )
    api_key = models.ForeignKey(ApiKey, models.PROTECT, null=True, related_name="+")
    nonce = models.CharField(max_length=43, default=unguessable_secret, editable=False)
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True)
    accepted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.DO_NOTHING, null=True, related_name="+", db_constraint=False
    )
    revoked_at = models.DateTimeField(null=True)

    objects = InvitationQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["email"],
                condition=Q(event_id__isnull=True, accepted_at__isnull=True, revoked_at__isnull=True),
                name="invitation_one_to_staff",
            ),
            models.UniqueConstraint(
                fields=["email", "event_id"],
                condition=Q(event_id__isnull=False, accepted_at__isnull=True, revoked_at__isnull=True),
                name="invitation_one_to_event",
            ),
        ]

    def __str__(self) -> str:
        return self.email

    @property
    def state(self) -> str:
        """pending, accepted, revoked or expired."""
        if self.accepted_at is not None:
            return "accepted"
        if self.revoked_at is not None:
            return "revoked"
        return "expired" if self.expires_at <= timezone.now() else "pending"
