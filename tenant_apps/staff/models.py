"""Who works for this tenant, and what their role lets them do."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from shared_apps.core.models import Stamped


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


class Membership(Stamped):
    """A user's place on this tenant's staff. Read on each request: removal works on the next one (I4)."""

    # No constraint towards public: at a thousand tenants deleting one user would touch them all.
    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.DO_NOTHING, related_name="+", db_constraint=False)
    role = models.ForeignKey(Role, models.PROTECT, related_name="memberships")

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.user_id}: {self.role}"
