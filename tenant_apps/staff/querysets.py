"""The questions that are asked about invitations and API keys."""

from datetime import datetime
from typing import Any

from django.db import models
from django.db.models import Q
from django.utils import timezone


class InvitationQuerySet(models.QuerySet[Any]):
    """Named questions about invitations; they compose."""

    def unanswered(self) -> "InvitationQuerySet":
        """Neither accepted nor taken back; perhaps past its time."""
        return self.filter(accepted_at__isnull=True, revoked_at__isnull=True)

    def pending(self, now: datetime | None = None) -> "InvitationQuerySet":
        """Could be accepted at this moment."""
        return self.unanswered().filter(expires_at__gt=now or timezone.now())

    def for_same(self, email: str, event_id: int | None) -> "InvitationQuerySet":
        """Of this person to the same thing: to the staff, or to one event."""
        return self.filter(email=email, event_id=event_id) if event_id else self.filter(email=email, event_id=None)

    def to_what(self, given: str) -> "InvitationQuerySet":
        """Those to a role if `given` is "staff", those to single events if it is "event"."""
        return self.filter(event_id__isnull=given == "staff") if given in ("staff", "event") else self.none()


class ApiKeyQuerySet(models.QuerySet[Any]):
    """Named questions about API keys."""

    def standing(self) -> "ApiKeyQuerySet":
        """Not revoked; those past their time too, so that people see why a program stopped."""
        return self.filter(revoked_at__isnull=True)

    def good(self, now: datetime | None = None) -> "ApiKeyQuerySet":
        """Would open the API at this moment."""
        return self.standing().filter(Q(expires_at__isnull=True) | Q(expires_at__gt=now or timezone.now()))
